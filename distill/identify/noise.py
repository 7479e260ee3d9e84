"""The noise of a recording: its level, the frequencies below which there is signal, and smoothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import comb

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NORMAL = 0.6744897501960817  # median of |x| for a standard normal distribution
SAMPLE = 400_000  # values from which a median is taken
SIGNAL_TO_NOISE = 2.0  # a frequency with this many times the noise's power counts as signal
DEGREE = 3  # of the polynomials that smoothing fits
PERIODS = 0.9  # a cubic filter of n points halves the amplitude at about n · 0.9 / 2 samples a period
# orders of differences in time, y and x: at least one of these removes smooth dynamics, none removes white noise
FILTERS = ((4, 0, 0), (6, 0, 0), (2, 2, 0), (2, 0, 2), (2, 2, 2), (4, 2, 2), (0, 4, 4), (1, 2, 2), (1, 3, 3))
EXACT_ULPS = 4.0  # noise of up to this many units in the last place of float32 counts as none
LEAST_NOISE = 1e-5  # of a channel's standard deviation; less counts as no noise


@dataclass(frozen=True)
class Noise:
    """The noise of a recording.

    levels: standard deviation of the white noise in each channel.
    share: the same over the channel's own standard deviation.
    bands: highest frequency with more signal than noise, in time and in space, cycles per sample.
    """

    levels: Array
    share: Array
    bands: tuple[float, float]

    @property
    def some(self) -> bool:
        return bool((self.levels > 0).any())


def estimate_noise(recordings: Sequence[Array]) -> Noise:
    """The noise of recordings, and the band of their signal. Rounding to float32 does not count as noise."""
    levels = noise_levels(recordings)
    spread = np.array([np.concatenate([f[:, c].ravel() for f in recordings]).std() for c in range(len(levels))])
    largest = np.array([max(np.abs(f[:, c]).max() for f in recordings) for c in range(len(levels))])
    nothing = levels <= np.maximum(EXACT_ULPS * largest * 2.0**-24, LEAST_NOISE * spread)
    levels = np.where(nothing, 0.0, levels)
    bands = [0.0, 0.0]
    for frames, c in product(recordings, range(len(levels))):
        if levels[c] > 0 or not levels.any():
            bands[0] = max(bands[0], corner_frequency(frames[:, c], 0, levels[c]))
            bands[1] = max(bands[1], *(corner_frequency(frames[:, c], axis, levels[c]) for axis in (1, 2)))
    return Noise(levels, levels / np.where(spread > 0, spread, 1.0), (bands[0], bands[1]))


def noise_levels(recordings: Sequence[Array]) -> Array:
    """The standard deviation of white noise in each channel of frames (t, channel, h, w), (channels,).

    Repeated differences remove what is smooth and multiply the variance of white noise by a known factor. The median
    absolute deviation of the differences is robust against fronts. Each filter gives an upper bound: the least counts.
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
        if spread == 0:  # more than half of the values do not change: use the mean in place of the median
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


def corner_frequency(values: Array, axis: int, level: float) -> float:
    """The highest frequency along `axis` with clearly more power than white noise, in cycles per sample, 0 to 0.5.

    values: (t, h, w) of one channel; power is averaged over the other two axes.
    level: standard deviation of the noise.
    """
    moved = np.moveaxis(values, axis, 0)
    n = len(moved)
    window = np.hanning(n + 2)[1:-1] if axis == 0 else np.ones(n)
    flat = moved.reshape(n, -1)
    flat = flat[:, :: max(1, flat.shape[1] // 4000)]
    if axis == 0:  # remove the straight line through the ends: it has power at all frequencies
        flat = flat - np.linspace(flat[0], flat[-1], n)
    power = np.square(np.abs(np.fft.rfft(flat * window[:, None], axis=0))).mean(axis=1)
    floor = SIGNAL_TO_NOISE * level**2 * float(np.square(window).sum())
    high = np.flatnonzero(power > floor)
    return float(np.fft.rfftfreq(n)[high[-1]]) if len(high) and high[-1] > 0 else 1.0 / n


def smooth(frames: Array, bands: tuple[float, float]) -> Array:
    """Frames (t, channel, h, w), smoothed in time and over the periodic plane by a Savitzky-Golay filter.

    For searches that work point by point and cannot average over windows (Savitzky & Golay 1964, Analytical Chemistry
    36, 1627).
    bands: highest frequency of the signal in time and in space, cycles per sample; they determine the filters' widths.
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
    """The odd width of a filter that keeps frequencies below `band`, at most `size`.

    1, which is no filter, where there is signal up to the highest frequencies.
    """
    width = int(PERIODS / max(band, 1e-9))
    width = min(width, size - 1 if size % 2 == 0 else size)
    return width if width % 2 else width - 1
