"""How wide test functions are: from the frequency up to which the data's spectrum has signal.

After Messenger & Bortz 2021 (Journal of Computational Physics 443, 110525), appendix A: the corner of the cumulative
spectrum separates signal from noise, and the test function's own spectrum should end there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from distill.weak.bumps import Bump

Array = npt.NDArray[np.float64]

EDGE = 1e-10  # value of the bump one sample inside its support: what is cut off there is noise of computing
NARROWEST = 1.1  # samples in the spread of a bump at least: sums over samples are then as good as integrals
ABOVE = 1.2  # times the noise in power is signal
TAIL = 2.0  # the corner lies this many standard deviations out in the bump's spectrum
LARGEST_SHARE = 0.2  # of an axis that half a support may take
GOOD = 8  # samples in half a support, where a quarter of the axis has them: narrower ones integrate less well
SMALLEST = 4  # samples in half a support at least
LINES = 2000  # of the data that a spectrum is averaged over


def corner(lines: Array, noise: float) -> int:
    """The index of the frequency at the corner of the cumulative spectrum.

    lines: (samples, lines). The straight line through each one's ends is removed: it has power at all frequencies.
    noise: standard deviation of white noise in them; its power is subtracted.
    The corner is where two straight lines fit the cumulative spectrum best.
    """
    n = len(lines)
    lines = lines - np.linspace(lines[0], lines[-1], n)
    power = np.square(np.abs(np.fft.rfft(lines, axis=0))).mean(axis=1)
    floor = n * noise**2
    total = np.cumsum(np.sqrt(np.where(power > ABOVE * floor, power - floor, 0.0)))
    if total[-1] <= 0:
        return 1
    total = total / total[-1]
    places = np.arange(len(total), dtype=np.float64)
    errors = [
        _line_error(places[: k + 1], total[: k + 1]) + _line_error(places[k:], total[k:])
        for k in range(1, len(total) - 1)
    ]
    return int(np.argmin(errors)) + 1 if errors else 1


def _line_error(x: Array, y: Array) -> float:
    """The squared distance of y from the straight line through its ends."""
    line = y[0] + (y[-1] - y[0]) * (x - x[0]) / max(1, x[-1] - x[0])
    return float(np.square(y - line).sum())


def power_of(half: int, order: int) -> int:
    """The p of (1 - x²)^p: below EDGE one sample inside the support, wide enough to sum, smooth enough for `order`."""
    inside = (2 * half - 1) / half**2
    steep = int(np.ceil(np.log(EDGE) / np.log(inside)))
    wide = int((half**2 / NARROWEST**2 - 3) / 2)
    return max(min(steep, wide), order + 2)


def half_of(k: int, n: int, order: int) -> int:
    """Half the support whose bump has the corner k of n samples TAIL standard deviations out in its spectrum.

    A bump of standard deviation s has a spectrum of standard deviation n / (2 π s).
    """
    for half in range(SMALLEST, n // 2):
        spread = Bump(half, power_of(half, order)).spread
        if 2 * np.pi * k * spread / n >= TAIL:
            return half
    return max(SMALLEST, n // 2 - 1)


def choose_bump(
    recordings: Sequence[Array], axis: int, order: int, noise: Array, largest: float = LARGEST_SHARE
) -> Bump:
    """The test function along one axis of frames (t, channel, h, w), for derivatives up to `order`.

    noise: standard deviation of white noise in each channel. largest: share of the axis that half a support may take.
    The channel and the recording with the highest corner decide.
    """
    halves, sizes = [], []
    for frames in recordings:
        for c in range(frames.shape[1]):
            moved = np.moveaxis(frames[:, c], axis if axis == 0 else axis - 1, 0)
            lines = moved.reshape(len(moved), -1)
            lines = lines[:, :: max(1, lines.shape[1] // LINES)]
            halves.append(half_of(corner(lines, float(noise[c])), len(lines), order))
        sizes.append(frames.shape[axis])
    most = max(SMALLEST, int(largest * min(sizes)), min(GOOD, min(sizes) // 4))
    half = int(np.clip(min(halves), SMALLEST, most))
    return Bump(half, power_of(half, order))
