"""Perception: the response of every channel to every stencil, on a periodic grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.rule.stencils import Stencil


def perceive(state: npt.NDArray[Any], stencils: Sequence[Stencil]) -> npt.NDArray[Any]:
    """State (…, channel, h, w) → features (…, channel · filters, h, w), channel-major, same dtype."""
    *batch, channels, h, w = state.shape
    padded = pad_periodic(state)
    features = np.empty((*batch, channels, len(stencils), h, w), state.dtype)
    for index, stencil in enumerate(stencils):
        features[..., index, :, :] = respond(padded, stencil)
    return features.reshape(*batch, channels * len(stencils), h, w)


def pad_periodic(state: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """State (…, h, w) → (…, h+2, w+2) with one row or column of the opposite side on every side."""
    *rest, h, w = state.shape
    padded = np.empty((*rest, h + 2, w + 2), state.dtype)
    fill_periodic(padded, state)
    return padded


def fill_periodic(padded: Any, state: Any) -> None:
    """Like `pad_periodic`, into an existing array or tensor `padded` (…, h+2, w+2)."""
    padded[..., 1:-1, 1:-1] = state
    padded[..., 0, 1:-1], padded[..., -1, 1:-1] = state[..., -1, :], state[..., 0, :]
    padded[..., 0], padded[..., -1] = padded[..., -2], padded[..., 1]


def respond(padded: npt.NDArray[Any], stencil: Stencil) -> npt.NDArray[Any]:
    """The stencil's response (…, h, w) on a padded state (…, h+2, w+2); equal weights are summed first."""
    h, w = padded.shape[-2] - 2, padded.shape[-1] - 2
    total: Any = None
    for weight, cells in stencil.groups:
        part: Any = None
        for sign, dy, dx in cells:
            shifted = padded[..., 1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]
            if part is None:
                part = shifted
            else:
                part = part + shifted if sign > 0 else part - shifted
        part = part if weight == 1 else weight * part
        total = part if total is None else total + part
    return np.zeros((*padded.shape[:-2], h, w), padded.dtype) if total is None else total
