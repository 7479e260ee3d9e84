"""The recordings of `pde_data` as instruments would have them: sampled rarely, rounded, between walls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.pde_data import Recording, record

FRAMES, SIZE, LARGE = 200, 64, 128
WALLS = ("lambda-omega", "gray-scott", "fitzhugh-nagumo", "allen-cahn", "swift-hohenberg")


def thinned(recording: Recording, frames: int = 1, cells: int = 1) -> Recording:
    """Every so many frames, and every so many cells along both axes."""
    kept = recording.frames[::frames, :, ::cells, ::cells]
    return replace(recording, frames=kept, dt=recording.dt * frames, dx=recording.dx * cells)


def eight_bit(recording: Recording) -> Recording:
    """256 levels between each channel's extremes, in the recording's units."""
    low = recording.frames.min(axis=(0, 2, 3), keepdims=True)
    step = (recording.frames.max(axis=(0, 2, 3), keepdims=True) - low) / 255
    return replace(recording, frames=low + step * np.round((recording.frames - low) / step))


def half_precision(recording: Recording) -> Recording:
    return replace(recording, frames=recording.frames.astype(np.float16).astype(np.float64))


def between_walls(name: str, seed: int) -> Recording:
    """No flux through the edges: one quarter of a periodic plane that is its own mirror image along both axes.

    The first row and column are mirror lines, so the walls run through the first and the last cells.
    """
    whole = record(name, size=2 * SIZE, frames=FRAMES, seed=seed, mirrored=True)
    return replace(whole, frames=whole.frames[:, :, : SIZE + 1, : SIZE + 1])


def piece(name: str, seed: int) -> Recording:
    """A part of a larger system: nothing is known of what lies beyond the edges."""
    whole = record(name, size=SIZE + SIZE // 2, frames=FRAMES, seed=seed)
    return replace(whole, frames=whole.frames[:, :, :SIZE, :SIZE])


def _of_same(change: Callable[[Recording], Recording], size: int = SIZE) -> Callable[[str, int], Recording]:
    return lambda name, seed: change(record(name, size=size, frames=FRAMES, seed=seed))


VARIATIONS: dict[str, Callable[[str, int], Recording]] = {
    "every 2nd frame": _of_same(lambda r: thinned(r, frames=2)),
    "every 4th frame": _of_same(lambda r: thinned(r, frames=4)),
    "every 8th frame": _of_same(lambda r: thinned(r, frames=8)),
    "every 2nd cell": _of_same(lambda r: thinned(r, cells=2), LARGE),
    "every 4th cell": _of_same(lambda r: thinned(r, cells=4), LARGE),
    "every 8th cell": _of_same(lambda r: thinned(r, cells=8), LARGE),
    "8 bits": _of_same(eight_bit),
    "float16": _of_same(half_precision),
    "a piece": piece,
    "walls": between_walls,
}
