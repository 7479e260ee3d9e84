"""Radial power spectra: how much structure a picture has at each scale, whatever its place and direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def radial_spectrum(pictures: Sequence[Array]) -> tuple[Array, Array]:
    """Frequency (cycles per cell) and power density of grey pictures (h, w), averaged over rings and pictures.

    A Hann window tapers the edges, since photographs are not periodic. The density does not depend on the size of a
    picture: white noise of variance s² has s² everywhere.
    """
    parts = [_spectrum(np.asarray(picture, float)) for picture in pictures]
    return parts[0][0], np.mean([power for _, power in parts], axis=0)


def _spectrum(picture: Array) -> tuple[Array, Array]:
    h, w = picture.shape
    window = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1])
    seen = (picture - np.average(picture, weights=window)) * window
    power = np.abs(np.fft.fft2(seen)) ** 2 / np.square(window).sum()
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None])  # cycles per cell
    side = min(h, w)
    ring = np.rint(radius * side).astype(int)
    inside = (ring >= 1) & (ring <= side // 2)
    count = np.bincount(ring[inside])[1:]
    return np.arange(1, len(count) + 1) / side, np.bincount(ring[inside], power[inside])[1:] / count
