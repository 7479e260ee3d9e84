"""States to pictures, through a rule's display."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError
from equations.rule import Display, Rule

# 17 stops of matplotlib's viridis (S. van der Walt and N. Smith, CC0), linear in between
_VIRIDIS = (
    (0.267, 0.005, 0.329),
    (0.282, 0.095, 0.417),
    (0.279, 0.175, 0.483),
    (0.259, 0.252, 0.525),
    (0.230, 0.322, 0.546),
    (0.199, 0.388, 0.555),
    (0.173, 0.449, 0.558),
    (0.149, 0.508, 0.557),
    (0.128, 0.567, 0.551),
    (0.120, 0.622, 0.535),
    (0.154, 0.680, 0.504),
    (0.239, 0.736, 0.456),
    (0.361, 0.786, 0.388),
    (0.506, 0.829, 0.300),
    (0.668, 0.862, 0.196),
    (0.835, 0.886, 0.103),
    (0.993, 0.906, 0.144),
)


def render(rule: Rule, state: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """State (channel, h, w) → picture (h, w, 3) uint8: clip(scale · state + offset, 0, 1), round to 0…255.

    Without a display, the first three channels are red, green and blue, or the first one is grey.
    Raises InputError when the state does not have the rule's channels.
    """
    if state.ndim != 3 or state.shape[0] != len(rule.channels):
        raise InputError(f"expected a state of {len(rule.channels)} channels (channel, h, w), got {state.shape}")
    shown = rule.display or Display(rule.channels[:3] if len(rule.channels) >= 3 else rule.channels[:1])
    indices = [rule.channels.index(name) for name in shown.channels]
    values = np.clip(state[indices].astype(np.float32) * shown.scale + shown.offset, 0, 1)  # (1 or 3, h, w)
    values = np.nan_to_num(values, nan=0.0)
    picture = values.transpose(1, 2, 0) if len(values) == 3 else _colour(values[0], shown.colormap)
    rounded: npt.NDArray[np.uint8] = np.floor(picture * 255 + 0.5).astype(np.uint8)
    return rounded


def _colour(values: npt.NDArray[np.float32], colormap: str) -> npt.NDArray[Any]:
    """Values (h, w) in [0, 1] → colours (h, w, 3) in [0, 1]."""
    if colormap == "grey":
        return np.repeat(values[:, :, None], 3, axis=2)
    stops = np.linspace(0, 1, len(_VIRIDIS))
    return np.stack([np.interp(values, stops, column) for column in np.array(_VIRIDIS).T], axis=2)
