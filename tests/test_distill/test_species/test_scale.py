"""The wavelength and the direction of a picture's pattern."""

from __future__ import annotations

import numpy as np
import pytest

from distill.species.scale import check_pattern, main_contrast, measure_scale
from equations.errors import InputError, SrncaError
from tests.test_distill.test_species.made import spots, waves


@pytest.mark.parametrize(("wavelength", "degrees"), [(8.0, 0.0), (11.0, 90.0), (6.0, 135.0), (13.0, 30.0)])
def test_stripes_have_their_wavelength_and_direction(wavelength: float, degrees: float) -> None:
    found = measure_scale(waves(64, wavelength, degrees))
    assert found.wavelength == pytest.approx(wavelength, rel=0.08)
    apart = abs(np.degrees(found.direction) - degrees) % 180
    assert min(apart, 180 - apart) < 4
    assert found.has_direction


def test_spots_on_a_lattice_have_their_distance_and_no_direction() -> None:
    found = measure_scale(spots(64, 16, 4.0))
    assert found.wavelength == pytest.approx(16, rel=0.15)
    assert not found.has_direction


def test_noise_does_not_hide_a_pattern() -> None:
    noisy = waves(48, 9.0, 60.0) + np.random.default_rng(0).normal(0, 0.2, (48, 48, 3))
    assert measure_scale(noisy).wavelength == pytest.approx(9, rel=0.1)


def test_a_picture_of_one_colour_and_one_of_less_than_two_waves_are_refused() -> None:
    with pytest.raises(InputError, match="no pattern"):
        measure_scale(np.full((32, 32, 3), 0.4))
    with pytest.raises(InputError, match="of one colour"):
        check_pattern(np.full((32, 32, 3), [0.4, 0.1, 0.7], np.float32))
    with pytest.raises(InputError, match="fewer than two waves"):
        measure_scale(waves(48, 36.0, 0.0))


def test_a_gradient_and_noise_are_no_pattern() -> None:
    ramp = np.tile(np.linspace(0.2, 0.8, 48)[:, None, None], (1, 48, 3))
    with pytest.raises(SrncaError, match=r"no law of few species makes this picture: 100 %.*gradient"):
        check_pattern(ramp)
    with pytest.raises(SrncaError, match=r"correlation of 0\.0"):
        check_pattern(np.random.default_rng(0).random((48, 48, 3)))
    for picture in (waves(48, 3.0, 30.0), waves(48, 20.0, 90.0), spots(48, 16, 4.0)):
        check_pattern(picture)


def test_the_rarer_colour_is_positive() -> None:
    light = spots(32, 16, 4.0)
    assert main_contrast(light)[8, 8] > 0 > main_contrast(light)[0, 0]
    assert main_contrast(1 - light)[8, 8] > 0
