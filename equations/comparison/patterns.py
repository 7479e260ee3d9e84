"""Numbers that describe a pattern whatever its position: statistics, and distances of spectra and histograms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.analysis.spectrum import radial_spectrum

Array = npt.NDArray[Any]
BINS = 32


@dataclass(frozen=True)
class Statistics:
    """Statistics of a field.

    mean, deviation: mean and standard deviation. skewness: 0 for a flat field.
    correlation_length: the distance in cells at which the radial autocorrelation first falls below 1/e; 0 for a flat
        field.
    """

    mean: float
    deviation: float
    skewness: float
    correlation_length: float


def statistics(field: Array) -> Statistics:
    """The statistics of a field (h, w) on a periodic grid."""
    away = field - field.mean()
    deviation = float(away.std())
    if deviation <= 1e-9 * max(float(np.abs(field).max()), 1e-300):
        return Statistics(float(field.mean()), 0.0, 0.0, 0.0)
    skewness = float(np.mean((away / deviation) ** 3))
    return Statistics(float(field.mean()), deviation, skewness, _correlation_length(away))


def histogram_distance(a: Array, b: Array) -> float:
    """Half the sum of the absolute differences of the histograms of two fields over their common range, 0 to 1."""
    low, high = min(a.min(), b.min()), max(a.max(), b.max())
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):
        return 0.0
    counts = [np.histogram(field, BINS, (low, high))[0] / field.size for field in (a, b)]
    return float(np.abs(counts[0] - counts[1]).sum() / 2)


def spectrum_distance(a: Array, b: Array) -> float:
    """Σ |P - Q| / Σ (P + Q) over the rings of two radial power spectra, weighted by their circumference, 0 to 1.

    Two flat fields are the same; a flat one and one with a pattern are 1 apart.
    """
    k, p = radial_spectrum(a)
    q = radial_spectrum(b)[1]
    total = float(np.sum(k * (p + q)))
    return float(np.sum(k * np.abs(p - q)) / total) if total > 0 else 0.0


def _correlation_length(away: Array) -> float:
    """From the autocorrelation, averaged over rings one cell wide and linearly interpolated between them."""
    h, w = away.shape
    correlation = np.fft.ifft2(np.abs(np.fft.fft2(away)) ** 2).real
    y, x = (np.minimum(np.arange(n), n - np.arange(n)) for n in (h, w))
    ring = np.rint(np.hypot(y[:, None], x[None])).astype(int).ravel()
    radial = np.bincount(ring, correlation.ravel()) / np.bincount(ring) / correlation[0, 0]
    below = np.nonzero(radial[: min(h, w) // 2 + 1] < math.exp(-1))[0]
    if not len(below):
        return float(min(h, w) // 2)
    end = int(below[0])
    return float(end - 1 + (radial[end - 1] - math.exp(-1)) / (radial[end - 1] - radial[end]))
