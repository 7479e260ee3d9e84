"""SRNCA: from an image to a neural cellular automaton to a closed-form local rule.

    from srnca import load_target, preset, train, load_checkpoint

Importing this package is free: torch is loaded when something that needs it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from srnca._version import __version__

try:
    from equations.errors import InputError, MissingPartError, SrncaError
    from equations.lazy import lazy_names
except Exception as error:  # another project's `equations` may do anything when it is imported
    from srnca.foreign import explain

    raise ImportError(explain(error)) from error

if TYPE_CHECKING:
    from srnca import learned
    from srnca.media.images import Target, load_target
    from srnca.pages.live.widget import Widget, widget
    from srnca.texture.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from srnca.texture.config import PRESETS, TrainConfig, preset
    from srnca.texture.distill import distill_checkpoint
    from srnca.texture.judge import Judge
    from srnca.texture.network import NCA, NCAConfig
    from srnca.texture.teacher import NCATeacher
    from srnca.texture.training import TrainProgress, train

_HOMES: dict[str, tuple[str, ...]] = {
    "learned": (),
    "texture.checkpoint": ("Checkpoint", "load_checkpoint", "save_checkpoint"),
    "texture.judge": ("Judge",),
    "texture.network": ("NCA", "NCAConfig"),
    "texture.teacher": ("NCATeacher",),
    "texture.config": ("PRESETS", "TrainConfig", "preset"),
    "media.images": ("Target", "load_target"),
    "pages.live.widget": ("Widget", "widget"),
    "texture.training": ("TrainProgress", "train"),
    "texture.distill": ("distill_checkpoint",),
}

__all__ = [
    "NCA",
    "PRESETS",
    "Checkpoint",
    "InputError",
    "Judge",
    "MissingPartError",
    "NCAConfig",
    "NCATeacher",
    "SrncaError",
    "Target",
    "TrainConfig",
    "TrainProgress",
    "Widget",
    "__version__",
    "distill_checkpoint",
    "learned",
    "load_checkpoint",
    "load_target",
    "preset",
    "save_checkpoint",
    "train",
    "widget",
]

__getattr__, __dir__ = lazy_names(globals(), _HOMES)
