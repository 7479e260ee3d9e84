"""First derivatives of noisy fields inside products, by local polynomials.

Where a derivative cannot be moved to the test function, it is taken of the data by the filter that errs least. A wide
filter of low degree has little noise and blurs, a narrow one of high degree the other way round. Both errors are known
from the spectrum. Windows average noise away but not blur, so noise counts for little.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

DEGREES = (2, 4, 6, 8, 12)
WIDEST = 10  # half the width of the widest filter
NOISE_WEIGHT = 0.01  # of noise, after the windows' averaging, beside blur


class Filter(NamedTuple):
    """The derivative of the polynomial of this degree that fits 2 half + 1 samples best."""

    half: int
    degree: int

    @property
    def kernel(self) -> Array:
        """Weights (2 half + 1,) of the samples around a point that give the derivative there."""
        return np.array(_kernel(self.half, self.degree))


@cache
def _kernel(half: int, degree: int) -> tuple[float, ...]:
    powers = np.vander(np.arange(-half, half + 1) / half, degree + 1, increasing=True)
    return tuple((np.linalg.pinv(powers)[1] / half).tolist())


def choose_filter(fields: Sequence[Array], noise: float) -> Filter:
    """The filter with the smallest expected error, for fields (t, h, w) of one channel.

    noise: standard deviation of white noise in the fields.
    """
    size = min(min(f.shape[1:]) for f in fields)
    power = np.mean([_power(f, size) for f in fields], axis=0)
    signal = np.clip(power - size * noise**2, 0.0, None)
    omega = 2 * np.pi * np.fft.rfftfreq(size)
    errors = {}
    for half in range(1, max(2, min(WIDEST, size // 6) + 1)):
        for degree in (d for d in DEGREES if d <= 2 * half):
            kernel = Filter(half, degree).kernel
            answer = (kernel * np.sin(np.outer(omega, np.arange(-half, half + 1)))).sum(
                axis=1
            )  # times i: kernel is odd
            blurred = float((np.square(answer - omega) * signal).sum()) * 2 / size**2
            errors[Filter(half, degree)] = blurred + NOISE_WEIGHT * noise**2 * float(np.square(kernel).sum())
    return min(errors, key=lambda f: errors[f])


def _power(fields: Array, size: int) -> Array:
    """The mean power spectrum along x and y, of `size` samples; frames are thinned."""
    some = fields[:: max(1, len(fields) // 20)]
    window = np.hanning(size + 2)[1:-1]
    window = window / np.sqrt(np.square(window).mean())
    found = []
    for lines in (some[:, :, :size], np.swapaxes(some, 1, 2)[:, :, :size]):
        found.append(np.square(np.abs(np.fft.rfft((lines - lines.mean()) * window, axis=2))).mean(axis=(0, 1)))
    return np.asarray(np.mean(found, axis=0))


def differentiate(field: Array, by: Filter, direction: str) -> Array:
    """The derivative of a field (t, h, w) along "x" or "y" per cell; wrong within `by.half` cells of a wall."""
    axis = 2 if direction == "x" else 1
    result = np.zeros_like(field)
    for offset, weight in zip(range(-by.half, by.half + 1), by.kernel, strict=True):
        if weight:
            result += weight * np.roll(field, -offset, axis=axis)
    return result
