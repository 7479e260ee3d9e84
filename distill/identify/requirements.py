"""What a recording must have before a law can be read from it, with a reason for each that has not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from equations.errors import InputError
from equations.rule.init import LARGEST

Array = npt.NDArray[np.float64]

ALIKE = 0.2  # neighbouring frames that correlate less have nothing to do with each other
LEAST_ROWS = 3  # rows a term


def check_dt(dt: float) -> float:
    """Raises InputError unless dt is one number above 0 that a rule can have."""
    if not (np.isfinite(dt) and dt > 0):
        raise InputError(f"recording: expected dt, the time between two frames, above 0, got {dt}")
    return _check_unit(dt, "dt, the time between two frames,")


def check_dx(dx: float) -> float:
    """Raises InputError unless dx is one number above 0 whose Laplacian a rule can have."""
    if not (np.isfinite(dx) and dx > 0):
        raise InputError(f"identify: expected dx above 0, got {dx}")
    return _check_unit(dx, "dx, the width of a cell,")


def _check_unit(value: float, what: str) -> float:
    if not 1 / LARGEST <= value <= LARGEST:
        raise InputError(
            f"recording: expected {what} from {1 / LARGEST:g} to {LARGEST:g}, got {value:g}; take another unit"
        )
    return float(value)


def check_values(recordings: Sequence[npt.NDArray[np.floating]], channels: Sequence[str]) -> None:
    """Raises InputError for values that are larger than any a rule can be simulated with."""
    for index, channel in enumerate(channels):
        largest = max(float(np.abs(frames[:, index]).max()) for frames in recordings)
        if largest > LARGEST:
            raise InputError(
                f"recording: expected values of at most {LARGEST:g} in size, got {largest:g} in channel {channel}; "
                "divide them by a power of ten and say so in their unit"
            )


def check_pace(recordings: Sequence[Array], channels: Sequence[str]) -> None:
    """Raises InputError when neighbouring frames are all but unrelated: recorded too rarely, or noise alone.

    The patterns are compared, each frame less its mean, over the channels that change.
    """
    found = []
    for index, _ in enumerate(channels):
        above = below = 0.0
        for frames in recordings:
            values = frames[:, index].reshape(len(frames), -1)
            values = values - values.mean(axis=1, keepdims=True)
            above += float((values[1:] * values[:-1]).sum())
            below += float(np.sqrt(np.square(values[1:]).sum() * np.square(values[:-1]).sum()))
        if below > 0:
            found.append(above / below)
    if found and max(found) < ALIKE:
        raise InputError(
            f"recording: expected neighbouring frames to resemble each other, their correlation is {max(found):.2f}; "
            "dt is too large for what happens in between (record more often, or use a smaller stride), or this is noise"
        )


def check_rows(rows: int, terms: int) -> None:
    """Raises InputError when there are too few equations for so many candidate terms."""
    if rows < LEAST_ROWS * terms:
        raise InputError(
            f"recording: expected at least {LEAST_ROWS * terms} places (cells times frames) for {terms} candidate "
            f"terms, got {rows}; record a larger grid or more frames"
        )
