"""Control pictures: what a texture loss must rank below another piece of the same photo.

Each keeps something of a picture and destroys the rest, so a loss that cannot tell it from the picture does not see
what was destroyed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]  # (h, w, 3) in [0, 1]


def random_phases(picture: Picture, random: np.random.Generator, *, histogram: bool = False) -> Picture:
    """A Gaussian random field with the picture's spectrum, and the cross-spectra of its colours.

    histogram: then give each colour the picture's histogram, by rank.
    """
    spectrum = np.fft.fft2(picture, axes=(0, 1))
    phases = np.angle(np.fft.fft2(random.normal(size=picture.shape[:2])))  # odd, as the phases of a real picture
    phases -= phases[0, 0]
    turned = np.angle(spectrum) - np.angle(spectrum[..., 1:2]) + phases[..., None]
    field = np.fft.ifft2(np.abs(spectrum) * np.exp(1j * turned), axes=(0, 1)).real
    field += picture.mean(axis=(0, 1)) - field.mean(axis=(0, 1))
    if histogram:
        for c in range(picture.shape[2]):
            field[..., c].flat[np.argsort(field[..., c], axis=None)] = np.sort(picture[..., c], axis=None)
    return _clipped(field)


def shuffled_blocks(picture: Picture, side: int, random: np.random.Generator) -> Picture:
    """The picture's blocks of side × side pixels in random order; what does not fill a block is cut off."""
    rows, columns = (length // side for length in picture.shape[:2])
    cut = picture[: rows * side, : columns * side].reshape(rows, side, columns, side, 3).transpose(0, 2, 1, 3, 4)
    order = random.permutation(rows * columns)
    mixed = cut.reshape(rows * columns, side, side, 3)[order].reshape(rows, columns, side, side, 3)
    return _clipped(mixed.transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, 3))


def colour_noise(picture: Picture, random: np.random.Generator, deviation: float = 0.12) -> Picture:
    """White noise of the given standard deviation that changes colours but not their mean."""
    noise = random.normal(size=picture.shape) * deviation
    return _clipped(picture + noise - noise.mean(axis=2, keepdims=True))


def negative(picture: Picture) -> Picture:
    """The picture mirrored about its mean colour: light becomes dark."""
    return _clipped(2 * picture.mean(axis=(0, 1)) - picture)


def flat(picture: Picture) -> Picture:
    """A picture of the same size in one colour, the mean."""
    return _clipped(np.broadcast_to(picture.mean(axis=(0, 1)), picture.shape))


def control_pictures(picture: Picture, seed: int = 0) -> dict[str, Picture]:
    """Seven control pictures by name. Only `flat` has no structure at all."""
    random = np.random.default_rng(seed)
    return {
        "random phases": random_phases(picture, random),
        "random phases, same histogram": random_phases(picture, random, histogram=True),
        "blocks of 8": shuffled_blocks(picture, 8, random),
        "blocks of 16": shuffled_blocks(picture, 16, random),
        "colour noise": colour_noise(picture, random),
        "negative": negative(picture),
        "flat": flat(picture),
    }


def _clipped(picture: NDArray[np.floating]) -> Picture:
    return np.clip(picture, 0, 1).astype(np.float32)
