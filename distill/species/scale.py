"""What a law must be scaled to: the wavelength and the direction of a picture's pattern, read from its spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equations.analysis.spectrum import wave_vectors
from equations.errors import InputError, SrncaError

Array = npt.NDArray[np.float64]

SHORTEST = 3.0  # cells: a shorter wave cannot be told from noise, and no stencil of 3 × 3 cells makes one
WAVES = 3.0  # a picture has to show so many to tell a pattern from a shade, unless no shorter wave is nearly as strong
NEARLY = 0.5  # as strong as the strongest: that is, from this share of it on
STEEPNESS = 1.25  # power is multiplied by frequency to this: 2 would be the energy in an octave, but it favours edges
BLUR = 0.15  # standard deviation of the smoothing of the spectrum, in ln(frequency)
GRADIENT = 0.9  # share of the contrast that a plane explains, from which a picture is a gradient and no pattern
NOISE = 0.2  # correlation of neighbouring pixels below which a picture is noise
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


def check_pattern(picture: npt.ArrayLike) -> None:
    """Raises SrncaError for a picture (h, w, 3) that has no pattern: a gradient, or noise without any scale.

    Raises InputError, which is one of these, for a picture of one colour.
    """
    field = _contrast_of_colours(picture)
    height, width = field.shape
    y, x = np.mgrid[:height, :width]
    plane = np.stack([np.ones(field.size), x.ravel(), y.ravel()], axis=1)
    rest = field.ravel() - plane @ np.linalg.lstsq(plane, field.ravel(), rcond=None)[0]
    share = 1 - float(rest.var()) / max(float(field.var()), 1e-12)
    if share > GRADIENT:
        raise SrncaError(
            f"no law of few species makes this picture: {100 * share:.0f} % of its contrast is one even gradient "
            f"(at most {100 * GRADIENT:.0f} % is a pattern); give a picture with a pattern"
        )
    near = max(abs(_correlation(field, shift)) for shift in ((0, 1), (1, 0)))
    if near < NOISE:
        raise SrncaError(
            f"no law of few species makes this picture: neighbouring pixels have a correlation of {near:.2f}, as noise "
            f"has (at least {NOISE:g} is a pattern); give a picture with a pattern, or a larger --size of it"
        )


def _correlation(field: Array, shift: tuple[int, int]) -> float:
    """Of a field (h, w) with mean 0 and the same field moved by (down, right) cells."""
    down, right = shift
    one, other = field[down:, right:], field[: field.shape[0] - down, : field.shape[1] - right]
    return float((one * other).mean() / max(float((field**2).mean()), 1e-12))


def measure_scale(picture: npt.ArrayLike) -> Scale:
    """The scale of a picture (h, w, 3): where the spectrum of its main colour contrast is strongest.

    A maximum of which the picture shows three waves goes before a longer one that is at most twice as strong: shades
    across the whole of a photo are no pattern.

    Raises InputError where the picture is flat, or its pattern so large that fewer than two waves fit in.
    """
    field = _contrast_of_colours(picture)
    height, width = field.shape
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    power = np.abs(np.fft.fft2((field - np.average(field, weights=window)) * window)) ** 2
    kx, ky = wave_vectors((height, width))
    frequency = np.hypot(kx, ky) / (2 * math.pi)
    there = (frequency > 0) & (frequency <= 1 / SHORTEST)
    logs, weights = np.log(frequency[there]), power[there] * frequency[there] ** (STEEPNESS - 2)
    grid = np.linspace(logs.min(), logs.max(), 200)  # the modes of a ring grow with its frequency, hence -2
    near = np.exp(-0.5 * ((grid[:, None] - logs) / BLUR) ** 2)
    density = near @ weights
    wavelength = math.exp(-grid[_peak(density, np.exp(-grid) * WAVES <= min(height, width))])
    if 2 * wavelength > min(height, width):
        raise InputError(
            f"the picture shows fewer than two waves of its pattern: about {wavelength:.0f} cells long, on {height} × "
            f"{width}; give a larger part of the photo (srnca train has --crop)"
        )
    octave = there & (np.abs(np.log(np.where(there, frequency, 1) * wavelength)) < 0.5)
    turned = (power * (kx + 1j * ky) ** 2 / np.maximum(kx**2 + ky**2, 1e-12))[octave].sum() / power[octave].sum()
    return Scale(wavelength, float(np.angle(turned)) / 2 % math.pi, float(abs(turned)))


def _peak(density: Array, preferred: npt.NDArray[np.bool_]) -> int:
    """Where the density is largest; at a preferred local maximum, if one has NEARLY as much."""
    peaks = np.flatnonzero((density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:])) + 1
    good = [peak for peak in peaks if preferred[peak] and density[peak] >= NEARLY * density.max()]
    return int(max(good, key=lambda peak: density[peak], default=density.argmax()))


def _contrast_of_colours(picture: npt.ArrayLike) -> Array:
    """The main contrast. Raises InputError for a picture of one colour."""
    field = main_contrast(np.asarray(picture, np.float64))
    if field.std() < 1e-4:
        raise InputError("the picture is of one colour: there is no pattern that a law could make; give another one")
    return field


def main_contrast(picture: Array) -> Array:
    """(h, w): the picture along its first principal colour, in standard deviations, the rarer side positive."""
    apart = picture.reshape(-1, 3) - picture.reshape(-1, 3).mean(axis=0)
    along = apart @ np.linalg.eigh(apart.T @ apart)[1][:, -1]
    along /= max(float(along.std()), 1e-12)
    side = 1.0 if (along**3).mean() >= 0 else -1.0
    return np.asarray(side * along, np.float64).reshape(picture.shape[:2])
