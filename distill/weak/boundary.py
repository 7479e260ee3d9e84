"""Whether frames are periodic, judged from their edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from equations.errors import InputError

Array = npt.NDArray[np.float64]

BOUNDARIES = ("auto", "periodic", "walls")
ALIKE = 2.0  # squared step across the edges, in units of the largest between neighbours inside
UNSEEN = 0.02  # squared step across the edges, as a share of the variance, that noise may hide


def decide(boundary: str, recordings: Sequence[Array], noise: Array) -> str:
    """ "periodic" or "walls"; for "auto" as the frames (t, channel, h, w) look.

    In periodic frames the first and the last column (or row) are neighbours like any others.
    Raises InputError for another word.
    """
    if boundary not in BOUNDARIES:
        raise InputError(f"boundary: expected one of {', '.join(BOUNDARIES)}, got {boundary!r}")
    if boundary != "auto":
        return boundary
    return "periodic" if all(_closed(f, noise) for f in recordings) else "walls"


def _closed(frames: Array, noise: Array) -> bool:
    for c in range(frames.shape[1]):
        fields, level = frames[:, c], 2 * noise[c] ** 2
        for axis in (1, 2):
            moved = np.moveaxis(fields, axis, 0)
            across = float(np.square(moved[0] - moved[-1]).mean()) - level
            steps = np.square(np.diff(moved, axis=0)).reshape(len(moved) - 1, -1).mean(axis=1)
            inside = max(0.0, float(steps.max()) - level)
            if across > ALIKE * inside + UNSEEN * float(fields.var()):
                return False
    return True
