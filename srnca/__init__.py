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
    from srnca.media.images import Target, load_target
    from srnca.texture.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from srnca.texture.config import PRESETS, TrainConfig, preset
    from srnca.texture.distill import distill_checkpoint
    from srnca.texture.network import NCA, NCAConfig
    from srnca.texture.teacher import NCATeacher
    from srnca.texture.training import TrainProgress, train

_HOME = {
    "Checkpoint": "srnca.texture.checkpoint",
    "InputError": "equations.errors",
    "MissingPartError": "equations.errors",
    "NCA": "srnca.texture.network",
    "NCAConfig": "srnca.texture.network",
    "NCATeacher": "srnca.texture.teacher",
    "PRESETS": "srnca.texture.config",
    "SrncaError": "equations.errors",
    "Target": "srnca.media.images",
    "TrainConfig": "srnca.texture.config",
    "TrainProgress": "srnca.texture.training",
    "distill_checkpoint": "srnca.texture.distill",
    "load_checkpoint": "srnca.texture.checkpoint",
    "load_target": "srnca.media.images",
    "preset": "srnca.texture.config",
    "save_checkpoint": "srnca.texture.checkpoint",
    "train": "srnca.texture.training",
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
