"""Control pictures: each keeps what it says it keeps, and destroys the rest."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from srnca.media.samples import make_sample
from srnca.texture.controls import (
    colour_noise,
    control_pictures,
    flat,
    negative,
    random_phases,
    shuffled_blocks,
)


@cache  # nothing here changes it
def muted(height: int = 48, width: int = 40) -> np.ndarray:
    """Part of a sample, with a third of its contrast: nothing that is made from it leaves [0, 1]."""
    picture = make_sample("orchid", 64)[:height, :width]
    return (0.5 + (picture - picture.mean(axis=(0, 1))) / 3).astype(np.float32)


@pytest.mark.parametrize("size", [(48, 40), (33, 47)])
def test_random_phases_keep_the_spectra_of_the_colours_and_between_them(size: tuple[int, int]) -> None:
    picture = muted(*size)
    field = random_phases(picture, np.random.default_rng(0))
    wanted, got = (np.fft.fft2(p, axes=(0, 1)) for p in (picture, field))
    np.testing.assert_allclose(np.abs(got), np.abs(wanted), atol=2e-3)
    np.testing.assert_allclose(
        got[..., 0] * got[..., 1].conj(), wanted[..., 0] * wanted[..., 1].conj(), rtol=1e-4, atol=0.01
    )
    np.testing.assert_allclose(field.mean(axis=(0, 1)), picture.mean(axis=(0, 1)), atol=1e-6)
    assert np.corrcoef(field.ravel(), picture.ravel())[0, 1] < 0.3


def test_random_phases_with_the_histogram_have_the_same_values_in_other_places() -> None:
    picture = muted()
    field = random_phases(picture, np.random.default_rng(0), histogram=True)
    np.testing.assert_array_equal(np.sort(field.reshape(-1, 3), axis=0), np.sort(picture.reshape(-1, 3), axis=0))
    assert np.corrcoef(field.ravel(), picture.ravel())[0, 1] < 0.3


def test_shuffled_blocks_are_the_pictures_own() -> None:
    picture = muted(50, 41)
    mixed = shuffled_blocks(picture, 8, np.random.default_rng(0))
    assert mixed.shape == (48, 40, 3)

    def blocks(pixels: np.ndarray) -> list[bytes]:
        return sorted(pixels[y : y + 8, x : x + 8].tobytes() for y in range(0, 48, 8) for x in range(0, 40, 8))

    assert blocks(mixed) == blocks(picture)
    assert not np.array_equal(mixed, picture[:48, :40])


def test_colour_noise_keeps_the_mean_of_the_colours_of_every_pixel() -> None:
    noisy = colour_noise(muted(), np.random.default_rng(0), deviation=0.05)
    np.testing.assert_allclose(noisy.mean(axis=2), muted().mean(axis=2), atol=1e-6)
    assert float((noisy - muted()).std()) == pytest.approx(0.05 * np.sqrt(2 / 3), rel=0.05)


def test_the_negative_of_the_negative_is_the_picture() -> None:
    np.testing.assert_allclose(negative(negative(muted())), muted(), atol=1e-6)
    np.testing.assert_allclose(negative(muted()).mean(axis=(0, 1)), muted().mean(axis=(0, 1)), atol=1e-6)


def test_a_flat_picture_is_the_mean_colour() -> None:
    assert flat(muted()).shape == muted().shape
    np.testing.assert_allclose(flat(muted()).reshape(-1, 3), np.tile(muted().mean(axis=(0, 1)), (48 * 40, 1)))


def test_controls_are_pictures_and_the_same_for_a_seed() -> None:
    picture = make_sample("snake", 32)
    one, same, other = (control_pictures(picture, seed) for seed in (0, 0, 1))
    assert len(one) == 7
    for name, made in one.items():
        assert made.dtype == np.float32
        assert made.shape == picture.shape
        assert 0 <= made.min() <= made.max() <= 1
        assert np.array_equal(made, same[name])
        assert np.array_equal(made, other[name]) == (name in {"negative", "flat"})
