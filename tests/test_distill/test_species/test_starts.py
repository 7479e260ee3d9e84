"""Starts: textbook systems that have the wavelength, the direction and the colours of a picture from the beginning."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from distill.species import starts
from distill.species.scale import measure_scale
from distill.species.starts import make_starts, recipes, wave_response
from equations.perception import perceive
from equations.rule.display import render
from equations.rule.rule import Rule
from equations.rule.stencils import LAP
from equations.simulation import Simulator
from tests.test_distill.test_species.made import contrast_of, spots, waves


def made(picture: npt.NDArray[np.float32], species: int) -> list[Rule]:
    judge = contrast_of(picture).judge

    def measure(rgb: npt.NDArray[np.float32]) -> float:
        return float(judge(torch.from_numpy(rgb)).mean())

    return make_starts(picture, measure_scale(picture), species, measure, seed=0)


@pytest.fixture(autouse=True)
def _few_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "SPREADS_U", (0.15,))
    monkeypatch.setattr(starts, "STRETCHES", (1.4,))


def test_a_wave_shrinks_under_the_laplacian_by_its_response() -> None:
    x = np.arange(24) * 2 * np.pi / 8
    wave = np.tile(np.sin(x), (24, 1)).astype(np.float32)
    along = -perceive(wave[None], (LAP,))[0] / np.where(np.abs(wave) < 0.1, 1, wave)
    assert wave_response(8.0) == pytest.approx(float(np.median(along)), rel=0.08)


def test_the_sweep_has_stripes_spots_and_holes() -> None:
    assert {recipe.kind for recipe in recipes()} == {"stripes", "spots", "holes"}
    assert len({recipe.name for recipe in recipes()}) == len(list(recipes()))


@pytest.mark.parametrize("degrees", [0.0, 120.0])
def test_stripes_come_out_with_the_wavelength_and_the_direction(degrees: float) -> None:
    picture = waves(48, 9.0, degrees)
    law = next(law for law in made(picture, 2) if str(law.provenance["start"]).startswith("stripes"))
    found = measure_scale(render(law, Simulator(law, size=64, seed=1).step(1500)) / 255)
    assert found.wavelength == pytest.approx(9, rel=0.2)
    apart = abs(np.degrees(found.direction) - degrees) % 180
    assert min(apart, 180 - apart) < 20
    assert found.directed > 0.5


def test_spots_of_the_rarer_colour_are_rarer() -> None:
    law = next(law for law in made(spots(48, 12, 3.0), 2) if str(law.provenance["start"]).startswith("spots"))
    state = Simulator(law, size=64, seed=1).step(1000)
    light = render(law, state)[..., 0] > 128
    assert 0.02 < light.mean() < 0.45


@pytest.mark.parametrize("species", [1, 3, 4, 6])
def test_every_number_of_species_has_starts_that_stay_bounded(species: int) -> None:
    laws = made(waves(32, 8.0, 0.0), species)
    assert {len(law.channels) for law in laws} == {species}
    assert len(laws) == (1 if species == 1 else 4)
    for law in laws:
        assert np.abs(Simulator(law, size=24, seed=2).step(600)).max() < 4
