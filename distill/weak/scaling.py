"""Recordings as the weak form needs them: float64, of about unit size, in units of cells and frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill.identify.noise import noise_levels
from distill.identify.recording import check_correlation, check_finite
from distill.weak.terms import Term
from equations.errors import InputError, shorten
from equations.rule.checks import check_channels

Array = npt.NDArray[np.float64]

LEAST_FRAMES = 16
LEAST_CELLS = 16
FAR = 30.0  # a mean this many times the spread is taken for an offset of the instrument
STILL = 1e-9  # a channel whose spread is below this share of its size is constant


@dataclass(frozen=True, eq=False)
class Scaled:
    """Recordings of one system, each value (value - offset) / scale.

    frames: of each recording (t, channel, h, w), float64.
    noise: standard deviation of white noise in each scaled channel.
    offsets, scales: of each channel, in the recording's units.
    """

    frames: tuple[Array, ...]
    channels: tuple[str, ...]
    dt: float
    dx: float
    offsets: Array
    scales: Array
    noise: Array

    def unit(self, term: Term, target: int) -> float:
        """What a coefficient in units of cells, frames and scales is multiplied by, to be in the recording's units."""
        size = float(np.prod(self.scales[list(term.channels)])) if term.channels else 1.0
        return float(self.scales[target] / size * self.dx**term.order / self.dt)


def scale(recordings: Sequence[npt.ArrayLike], channels: Sequence[str], dt: float, dx: float) -> Scaled:
    """Check recordings of one system and scale them.

    recordings: each (t, channel, h, w).
    Raises InputError saying what was expected and what was got.
    """
    names = check_channels(tuple(channels) if isinstance(channels, (tuple, list)) else channels)
    step, width = _positive(dt, "dt, the time between two frames"), _positive(dx, "dx, the width of a cell")
    if not len(recordings):
        raise InputError("recordings: expected at least one, got none")
    arrays = [_checked(np.asarray(r), len(names), f"recording {i}") for i, r in enumerate(recordings)]
    offsets, scales = [], []
    for c, name in enumerate(names):
        values = np.concatenate([a[:, c].ravel() for a in arrays])
        offset, size = _offset_and_scale(values)
        if np.std(values) <= STILL * max(abs(float(np.mean(values))), size):
            raise InputError(
                f"channel {name}: expected values that differ, got {float(values[0]):g} throughout; leave it out"
            )
        offsets.append(offset)
        scales.append(size)
    where, sizes = np.array(offsets), np.array(scales)
    frames = tuple((a - where[:, None, None]) / sizes[:, None, None] for a in arrays)
    check_correlation(frames, len(names))
    return Scaled(frames, names, step, width, where, sizes, noise_levels(frames))


def _positive(value: float, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not (np.isfinite(number) and number > 0):
        raise InputError(f"expected {what}, as one number above 0, got {shorten(value)}")
    return number


def _checked(frames: npt.NDArray[np.generic], channels: int, where: str) -> Array:
    if frames.ndim != 4 or frames.dtype.kind not in "fiu":
        raise InputError(
            f"{where}: expected numbers (time, channel, height, width), got {frames.dtype} {frames.shape}; "
            "a single channel needs an axis of length 1"
        )
    if frames.shape[1] != channels:
        last = "; the channels seem to be the last axis: move it with np.moveaxis(frames, -1, 1)"
        raise InputError(
            f"{where}: expected {channels} channels as the second axis of (time, channel, height, width), "
            f"got {frames.shape}{last if frames.shape[-1] == channels else '; name as many channels as there are'}"
        )
    if len(frames) < LEAST_FRAMES or min(frames.shape[2:]) < LEAST_CELLS:
        raise InputError(
            f"{where}: expected at least {LEAST_FRAMES} frames of at least {LEAST_CELLS} x {LEAST_CELLS} cells, "
            f"got {len(frames)} of {frames.shape[2]} x {frames.shape[3]}; record longer, or a larger piece"
        )
    values = frames.astype(np.float64)
    check_finite(values, frames, where)
    return values


def _offset_and_scale(values: Array) -> tuple[float, float]:
    """The offset to subtract, 0 unless the mean is far from it, and the root mean square of what remains.

    The offset is the mean rounded to the power of ten above the spread: +1000 on a field around 0 is found as 1000.
    """
    mean, spread = float(values.mean()), float(values.std())
    offset = 0.0
    if spread > 0 and abs(mean) > FAR * spread:
        unit = 10.0 ** np.ceil(np.log10(spread))
        offset = float(np.round(mean / unit) * unit)
    return offset, float(np.sqrt(np.square(values - offset).mean())) or 1.0
