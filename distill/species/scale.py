"""What a law must be scaled to: the wavelength and the direction of a picture's pattern, read from its spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equations.analysis.spectrum import wave_vectors
from equations.errors import InputError

Array = npt.NDArray[np.float64]

SHORTEST = 3.0  # cells: a shorter wave cannot be told from noise, and no stencil of 3 × 3 cells makes one
STEEPNESS = 1.25  # power is multiplied by frequency to this: 2 would be the energy in an octave, but it favours edges
BLUR = 0.15  # standard deviation of the smoothing of the spectrum, in ln(frequency)
DIRECTED = 0.3  # a pattern has a direction from this on


@dataclass(frozen=True)
class Scale:
    """The pattern of a picture.

    wavelength: in cells.
    direction: angle of its wave vector from the x axis to the y axis, which points down, in radians; modulo π.
    directed: how strongly the waves of that length share the direction: 0 for none of them, 1 for parallel stripes.
    """

    wavelength: float
    direction: float
    directed: float

    @property
    def has_direction(self) -> bool:
        return self.directed >= DIRECTED


def measure_scale(picture: npt.ArrayLike) -> Scale:
    """The scale of a picture (h, w, 3): where the spectrum of its main colour contrast is strongest.

    Raises InputError where the picture is flat, or its pattern so large that fewer than two waves fit in.
    """
    field = main_contrast(np.asarray(picture, np.float64))
    height, width = field.shape
    if field.std() < 1e-4:
        raise InputError("the picture is of one colour: there is no pattern that a law could make; give another one")
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    power = np.abs(np.fft.fft2((field - np.average(field, weights=window)) * window)) ** 2
    kx, ky = wave_vectors((height, width))
    frequency = np.hypot(kx, ky) / (2 * math.pi)
    there = (frequency > 0) & (frequency <= 1 / SHORTEST)
    logs, weights = np.log(frequency[there]), power[there] * frequency[there] ** (STEEPNESS - 2)
    grid = np.linspace(logs.min(), logs.max(), 200)  # the modes of a ring grow with its frequency, hence -2
    near = np.exp(-0.5 * ((grid[:, None] - logs) / BLUR) ** 2)
    density = near @ weights
    wavelength = math.exp(-grid[density.argmax()])
    if 2 * wavelength > min(height, width):
        raise InputError(
            f"the picture shows fewer than two waves of its pattern: about {wavelength:.0f} cells long, on {height} × "
            f"{width}; train on a larger part of the photo (--crop)"
        )
    octave = there & (np.abs(np.log(np.where(there, frequency, 1) * wavelength)) < 0.5)
    turned = (power * (kx + 1j * ky) ** 2 / np.maximum(kx**2 + ky**2, 1e-12))[octave].sum() / power[octave].sum()
    return Scale(wavelength, float(np.angle(turned)) / 2 % math.pi, float(abs(turned)))


def main_contrast(picture: Array) -> Array:
    """(h, w): the picture along its first principal colour, in standard deviations, the rarer side positive."""
    apart = picture.reshape(-1, 3) - picture.reshape(-1, 3).mean(axis=0)
    along = apart @ np.linalg.eigh(apart.T @ apart)[1][:, -1]
    along /= max(float(along.std()), 1e-12)
    side = 1.0 if (along**3).mean() >= 0 else -1.0
    return np.asarray(side * along, np.float64).reshape(picture.shape[:2])
