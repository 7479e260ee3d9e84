"""Radial power spectra: how much structure a field or a picture has at each scale, averaged over directions.

`radial_spectrum` and the peaks are for fields on a periodic grid, which need no window. Their wave numbers are angular,
k = 2π / wavelength, in radians per unit of length. `windowed_spectrum` is for pictures, which are not periodic; its
frequencies are in cycles per cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, shorten

Array = npt.NDArray[Any]
FLAT = 1e-9  # a field is uniform if its standard deviation is at most this part of its largest absolute value
_ROUNDS = 200  # mean-shift steps at most


def wave_vectors(size: tuple[int, int], dx: float = 1.0) -> tuple[Array, Array]:
    """kx (1, w) and ky (h, 1) of all waves that fit a periodic grid (h, w) of cells of width `dx`."""
    h, w = size
    ky, kx = (2 * math.pi * np.fft.fftfreq(length, dx) for length in (h, w))
    return kx[None, :], ky[:, None]


def radial_spectrum(field: npt.ArrayLike, dx: float = 1.0) -> tuple[Array, Array]:
    """Wave numbers and power of a field (h, w), averaged over rings one mode wide, up to the Nyquist number π/dx.

    The wave number of a ring is the mean over its modes. The mean of the field is subtracted first. White noise of
    variance s² has power s² everywhere, whatever the size. A stack (…, h, w) gives the mean spectrum of its fields.
    Raises InputError for a field that is not finite or smaller than 3 × 3.
    """
    radius, power, spacing = _modes(field, dx)
    ring = np.rint(radius / spacing).astype(int)
    inside = (ring >= 1) & (radius <= math.pi / dx * (1 + 1e-9))
    count = np.bincount(ring[inside])
    there = count > 0
    mean_radius = np.bincount(ring[inside], radius[inside])[there] / count[there]
    return mean_radius, np.bincount(ring[inside], power[inside])[there] / count[there]


def windowed_spectrum(pictures: Sequence[Array]) -> tuple[Array, Array]:
    """Frequency (cycles per cell) and power density of grey pictures (h, w), averaged over rings and pictures.

    A Hann window tapers the edges, because a photograph is not periodic. All pictures have the same size. The density
    does not depend on that size: white noise of variance s² has s² everywhere.
    """
    parts = [_windowed(np.asarray(picture, float)) for picture in pictures]
    return parts[0][0], np.mean([power for _, power in parts], axis=0)


def peak_wave_number(field: npt.ArrayLike, dx: float = 1.0) -> float | None:
    """The wave number at which the radial spectrum peaks, more precise than its rings; None for a uniform field.

    Mean shift over the modes starts at the strongest ring, with a Gaussian window as wide as a ring and weights power/k
    (because the number of modes in a ring grows with k). It finds a single wave exactly, in any direction, and the
    centre of a symmetric peak. K. Fukunaga, L. Hostetler, IEEE Trans. Information Theory 21 (1975) 32-40.
    """
    field = _checked(field, dx)
    deviation = (field - field.mean(axis=(-2, -1), keepdims=True)).std()
    if deviation <= FLAT * max(float(np.abs(field).max()), 1e-300):
        return None
    rings, means = radial_spectrum(field, dx)
    radius, power, spacing = _modes(field, dx)
    there = radius > 0
    radius, weight = radius[there], power[there] / radius[there]
    centre = float(rings[np.argmax(means)])
    for _ in range(_ROUNDS):
        near = weight * np.exp(-0.5 * ((radius - centre) / spacing) ** 2)
        moved = float((near * radius).sum() / near.sum())
        if abs(moved - centre) <= 1e-9 * spacing:
            break
        centre = moved
    return moved


def peak_wavelength(field: npt.ArrayLike, dx: float = 1.0) -> float | None:
    """2π / `peak_wave_number`, in units of `dx`'s length; None for a uniform field."""
    peak = peak_wave_number(field, dx)
    return None if peak is None else 2 * math.pi / peak


def _windowed(picture: Array) -> tuple[Array, Array]:
    h, w = picture.shape
    window = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1])
    tapered = (picture - np.average(picture, weights=window)) * window
    power = np.abs(np.fft.fft2(tapered)) ** 2 / np.square(window).sum()
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None])  # cycles per cell
    side = min(h, w)
    ring = np.rint(radius * side).astype(int)
    inside = (ring >= 1) & (ring <= side // 2)
    count = np.bincount(ring[inside])[1:]
    return np.arange(1, len(count) + 1) / side, np.bincount(ring[inside], power[inside])[1:] / count


def _modes(field: npt.ArrayLike, dx: float) -> tuple[Array, Array, float]:
    """|k| and power of every mode (h · w,), and the distance of rings: one more wave across the smaller side."""
    field = _checked(field, dx)
    h, w = field.shape[-2:]
    seen = field - field.mean(axis=(-2, -1), keepdims=True)
    power = np.abs(np.fft.fft2(seen)) ** 2 / (h * w)
    kx, ky = wave_vectors((h, w), dx)
    return np.hypot(kx, ky).ravel(), power.reshape(-1, h * w).mean(axis=0), 2 * math.pi / (min(h, w) * dx)


def _checked(field: npt.ArrayLike, dx: float) -> Array:
    array = np.asarray(field, np.float64)
    if array.ndim < 2 or min(array.shape[-2:]) < 3 or array.size == 0:
        raise InputError(f"expected a field (h, w) of at least 3 × 3 cells, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise InputError("expected a field of finite numbers, got NaN or infinity; did the simulation diverge?")
    if not (isinstance(dx, (int, float, np.floating)) and 0 < dx < math.inf):
        raise InputError(f"expected the width of a cell, dx, above 0, got {shorten(dx)}")
    return array
