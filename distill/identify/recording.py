"""Recordings of one system, and what they must have before a law can be read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError
from equations.rule.init import LARGEST

Array = npt.NDArray[np.float64]

LEAST_CORRELATION = 0.2  # of neighbouring frames; below it they have nothing to do with each other
ROWS_PER_TERM = 3  # equations that a regression needs at least


@dataclass(frozen=True, eq=False)  # by identity: comparing arrays is never meant
class Recordings:
    """One or more recordings of one system; they may differ in length and size.

    frames: of each recording (t, channel, h, w); float32 once checked.
    channels: the channels' names.
    dt: time between two frames.
    dx: width of a cell.

    Raises InputError when there is no recording, or `check_frames` refuses one.
    """

    frames: tuple[npt.NDArray[np.floating], ...]
    channels: tuple[str, ...]
    dt: float
    dx: float = 1.0

    def __post_init__(self) -> None:
        if not len(self.frames):
            raise InputError("recording: expected at least one, got none")
        checked = tuple(check_frames(frames, len(self.channels)) for frames in self.frames)
        object.__setattr__(self, "frames", checked)

    def check_change(self) -> None:
        """Raises InputError when no recording ever changes."""
        if all((frames == frames[0]).all() for frames in self.frames):
            raise InputError(
                "recording: expected frames that change, got the same frame each time; "
                "start from a random state and record before it settles"
            )

    def check_values(self) -> None:
        """Raises InputError for values that are larger than any a rule can be simulated with."""
        for index, channel in enumerate(self.channels):
            largest = max(float(np.abs(frames[:, index]).max()) for frames in self.frames)
            if largest > LARGEST:
                raise InputError(
                    f"recording: expected values of at most {LARGEST:g} in size, got {largest:g} in channel {channel}; "
                    "divide them by a power of ten and say so in their unit"
                )


def check_frames(frames: npt.ArrayLike, channels: int) -> npt.NDArray[np.float32]:
    """A float32 copy (t, channel, h, w).

    Raises InputError for anything but two or more frames of finite numbers with that many channels.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[1] != channels or frames.dtype.kind not in "fiu":
        raise InputError(
            f"recording: expected frames of numbers (time, {channels} channels, height, width), "
            f"got {frames.dtype} {frames.shape}"
        )
    if len(frames) < 2:
        raise InputError(
            f"recording: expected at least two frames, to see what changes, got {len(frames)}; "
            "record more steps, the transient above all"
        )
    with np.errstate(over="ignore"):  # too large numbers are found below
        single = frames.astype(np.float32)
    check_finite(single, frames, "recording")
    return single


def check_finite(single: npt.NDArray[np.floating], frames: npt.NDArray[Any], where: object) -> None:
    """Raises InputError where `single`, the float32 copy of frames (t, channel, h, w), has a number that is not finite.

    where: the file, for the message.
    """
    if not np.isfinite(single).all():
        t, c, y, x = map(int, np.argwhere(~np.isfinite(single))[0])
        value = frames[t, c, y, x]
        hint = "3e38 is the largest that can be worked with" if np.isfinite(value) else "cut the recording before it"
        raise InputError(
            f"{where}: expected finite numbers, got {value} in frame {t}, channel {c}, cell ({y}, {x}); {hint}"
        )


def check_dt(dt: float) -> float:
    """Raises InputError unless dt is one finite number above 0."""
    if not (np.isfinite(dt) and dt > 0):
        raise InputError(f"recording: expected dt, the time between two frames, above 0, got {dt}")
    return float(dt)


def check_units(dt: float, dx: float) -> None:
    """Raises InputError unless dt and dx are numbers above 0 that a rule, and its Laplacian, can have."""
    if not (np.isfinite(dx) and dx > 0):
        raise InputError(f"identify: expected dx above 0, got {dx}")
    _check_unit(dx, "dx, the width of a cell,")
    _check_unit(check_dt(dt), "dt, the time between two frames,")


def _check_unit(value: float, what: str) -> None:
    if not 1 / LARGEST <= value <= LARGEST:
        raise InputError(
            f"recording: expected {what} from {1 / LARGEST:g} to {LARGEST:g}, got {value:g}; take another unit"
        )


def check_correlation(recordings: Sequence[Array], channels: int) -> None:
    """Raises InputError when neighbouring frames hardly correlate: recorded too rarely, or noise alone.

    Each frame is compared less its mean. Only channels that change count, of these the one with the largest
    correlation.
    """
    found = []
    for index in range(channels):
        above = below = 0.0
        for frames in recordings:
            values = frames[:, index].reshape(len(frames), -1)
            values = values - values.mean(axis=1, keepdims=True)
            above += float((values[1:] * values[:-1]).sum())
            below += float(np.sqrt(np.square(values[1:]).sum() * np.square(values[:-1]).sum()))
        if below > 0:
            found.append(above / below)
    if found and max(found) < LEAST_CORRELATION:
        raise InputError(
            f"recording: expected neighbouring frames to resemble each other, their correlation is {max(found):.2f}; "
            "dt is too large for what happens in between (record more often, or use a smaller stride), or this is noise"
        )


def check_rows(rows: int, terms: int) -> None:
    """Raises InputError when a regression on `terms` candidate terms has too few equations (`rows`)."""
    if rows < ROWS_PER_TERM * terms:
        raise InputError(
            f"recording: expected at least {ROWS_PER_TERM * terms} places (cells times frames) for {terms} candidate "
            f"terms, got {rows}; record a larger grid or more frames"
        )
