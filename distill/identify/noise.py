"""How noisy a recording is, and up to which frequency it holds more signal than noise."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NORMAL = 0.6744897501960817  # the median of |x| of a normal distribution of deviation 1
SAMPLE = 400_000  # values that a median is taken of
ABOVE = 2.0  # power over the noise's own from which on a frequency counts as signal
DEGREE = 3  # of the polynomials that smoothing fits
PERIODS = 0.9  # a cubic filter of n points halves the amplitude at about n · 0.9 / 2 samples a period
# orders of differences in time, y and x: smooth dynamics die out in at least one of them, white noise in none
FILTERS = ((4, 0, 0), (6, 0, 0), (2, 2, 0), (2, 0, 2), (2, 2, 2), (4, 2, 2), (0, 4, 4), (1, 2, 2), (1, 3, 3))


def noise_levels(recordings: Sequence[Array]) -> Array:
    """The standard deviation of white noise in each channel of frames (t, channel, h, w), (channels,).

    Repeated differences remove what is smooth and keep known shares of white noise; the median absolute deviation of
    what is left is robust against fronts. Each filter's answer is an upper bound: the least one is taken.
    """
    channels = recordings[0].shape[1]
    return np.array([min(_levels(recordings, c)) for c in range(channels)])


def _levels(recordings: Sequence[Array], channel: int) -> list[float]:
    found = []
    for orders in FILTERS:
        parts = [_differences(frames[:, channel], orders) for frames in recordings]
        values = np.abs(np.concatenate([part.ravel() for part in parts]))
        if len(values) < 50:
            continue
        values = values[:: max(1, len(values) // SAMPLE)]
        share = np.prod([comb(2 * order, order) for order in orders])  # the sum of squared binomials
        spread = float(np.median(values)) / NORMAL
        if spread == 0:  # more than half does not move at all: the median says nothing of the rest
            spread = float(values.mean()) * np.sqrt(np.pi / 2)
        found.append(spread / np.sqrt(float(share)))
    return found or [0.0]


def _differences(values: Array, orders: tuple[int, int, int]) -> Array:
    """Differences (t, h, w): in time inside the recording, in space across the periodic edges."""
    if len(values) <= orders[0]:
        return np.zeros((0,))
    values = np.diff(values, n=orders[0], axis=0) if orders[0] else values
    for axis in (1, 2):
        for _ in range(orders[axis]):
            values = values - np.roll(values, 1, axis=axis)
    return values


def corner(values: Array, axis: int, level: float) -> float:
    """The highest frequency along `axis` with clearly more power than white noise of deviation `level` has.

    values (t, h, w) of one channel; cycles per sample, 0…0.5. The mean over the other axes is looked at.
    """
    moved = np.moveaxis(values, axis, 0)
    n = len(moved)
    window = np.hanning(n + 2)[1:-1] if axis == 0 else np.ones(n)
    flat = moved.reshape(n, -1)
    flat = flat[:, :: max(1, flat.shape[1] // 4000)]
    if axis == 0:  # a straight line through the ends would look like all frequencies
        flat = flat - np.linspace(flat[0], flat[-1], n)
    power = np.square(np.abs(np.fft.rfft(flat * window[:, None], axis=0))).mean(axis=1)
    floor = ABOVE * level**2 * float(np.square(window).sum())
    high = np.flatnonzero(power > floor)
    return float(np.fft.rfftfreq(n)[high[-1]]) if len(high) and high[-1] > 0 else 1.0 / n


def smooth(frames: Array, bands: tuple[float, float]) -> Array:
    """Frames (t, channel, h, w), smoothed in time and across the periodic plane.

    bands: up to which frequency (cycles per sample) there is signal in time and in space; windows are as wide as that
    lets.
    """
    from scipy.signal import savgol_filter

    widths = [width_for(band, size) for band, size in zip(bands, (len(frames), min(frames.shape[2:])), strict=True)]
    if widths[0] > DEGREE:
        frames = savgol_filter(frames, widths[0], DEGREE, axis=0, mode="interp")
    for axis in (2, 3):
        if widths[1] > DEGREE:
            frames = savgol_filter(frames, widths[1], DEGREE, axis=axis, mode="wrap")
    return np.asarray(frames, np.float64)


def width_for(band: float, size: int) -> int:
    """The odd width of a filter that keeps what is below `band`; 1 (nothing to do) where signal reaches the grid
    itself.
    """
    width = int(PERIODS / max(band, 1e-9))
    width = min(width, size - 1 if size % 2 == 0 else size)
    return width if width % 2 else width - 1
