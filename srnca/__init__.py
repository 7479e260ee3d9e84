"""SRNCA: from an image to a neural cellular automaton to a closed-form local rule.

    from srnca import load_target, preset, train, load_checkpoint

Importing this package is free: torch is loaded when something that needs it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from srnca._version import __version__

if TYPE_CHECKING:
    from equations.errors import InputError, MissingPartError, SrncaError
    from srnca.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from srnca.images import Target, load_target
    from srnca.nca import NCA, NCAConfig
    from srnca.pipeline import distill_checkpoint
    from srnca.presets import PRESETS, TrainConfig, preset
    from srnca.teacher import NCATeacher
    from srnca.training import TrainProgress, train

_HOME = {
    "Checkpoint": "srnca.checkpoint",
    "InputError": "equations.errors",
    "MissingPartError": "equations.errors",
    "NCA": "srnca.nca",
    "NCAConfig": "srnca.nca",
    "NCATeacher": "srnca.teacher",
    "PRESETS": "srnca.presets",
    "SrncaError": "equations.errors",
    "Target": "srnca.images",
    "TrainConfig": "srnca.presets",
    "TrainProgress": "srnca.training",
    "distill_checkpoint": "srnca.pipeline",
    "load_checkpoint": "srnca.checkpoint",
    "load_target": "srnca.images",
    "preset": "srnca.presets",
    "save_checkpoint": "srnca.checkpoint",
    "train": "srnca.training",
}

__all__ = [
    "NCA",
    "PRESETS",
    "Checkpoint",
    "InputError",
    "MissingPartError",
    "NCAConfig",
    "NCATeacher",
    "SrncaError",
    "Target",
    "TrainConfig",
    "TrainProgress",
    "__version__",
    "distill_checkpoint",
    "load_checkpoint",
    "load_target",
    "preset",
    "save_checkpoint",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"srnca: no attribute {name!r}; it offers {', '.join(sorted(_HOME))}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_HOME])
