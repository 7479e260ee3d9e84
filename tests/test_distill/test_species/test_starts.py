"""Starts: textbook systems that have the wavelength, the direction and the colours of a picture from the beginning."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from distill.species import starts, systems
from distill.species.scale import measure_scale
from distill.species.starts import make_starts, sweep
from distill.species.systems import CATALOGUE, System
from equations.rule.display import render
from equations.rule.rule import Rule
from equations.rule.symbols import symbol
from equations.simulation import Simulator
from tests.test_distill.test_species.made import contrast_of, spots, waves


def made(picture: npt.NDArray[np.float32], species: int) -> list[Rule]:
    judge = contrast_of(picture).judge

    def measure(rgb: npt.NDArray[np.float32]) -> float:
        return float(judge(torch.from_numpy(rgb)).mean())

    return make_starts(picture, measure_scale(picture), species, measure, seed=0)


@pytest.fixture(autouse=True)
def _few_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "RATIOS", (0.1,))
    monkeypatch.setattr(systems, "CATALOGUE", ())
    monkeypatch.setattr(starts, "STRETCHES", (1.0,))


def catalogued(name: str) -> System:
    return systems._of_catalogue(*next(row for row in CATALOGUE if row[0] == name))


def test_the_sweep_has_stripes_spots_and_holes_of_several_textbook_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "CATALOGUE", CATALOGUE)
    every = list(systems.systems())
    assert {system.kind for system in every} == {"stripes", "spots", "holes"}
    assert len({system.name for system in every}) == len(every)
    assert {system.name.split(":")[0] for system in every} >= {"gray-scott", "schnakenberg", "brusselator"}


def test_a_system_in_other_units_and_zoomed_makes_the_same_pattern_in_them() -> None:
    system = catalogued("brusselator:spots")
    other = system.in_units((4.0, 0.5)).zoomed(2.0)
    u, v = symbol("u"), symbol("v")
    assert other.reactions["u"][u**2 * v] == pytest.approx(system.reactions["u"][u**2 * v] * 16 * 0.5 / 4)
    assert other.reactions["v"][u] == pytest.approx(system.reactions["v"][u] * 4 / 0.5)
    assert other.centre == pytest.approx((0.5, 4.0))
    assert other.spread == pytest.approx(tuple(4 * value for value in system.spread))
    assert other.wavelength == 2 * system.wavelength


def test_the_activator_of_a_catalogue_system_is_called_u() -> None:
    coral = catalogued("gray-scott:coral")
    u, v = symbol("u"), symbol("v")
    assert coral.reactions["u"][u**2 * v] == 1  # v of the catalogue, which grows by eating u
    assert coral.reactions["v"][u**2 * v] == -1
    assert coral.spread == (0.08, 0.16)


def test_one_step_is_short_enough_for_diffusion_and_for_the_reactions() -> None:
    system = catalogued("brusselator:stripes")
    reactions, spread = system.per_step()
    assert max(spread) <= systems.SPREAD
    slow = system.zoomed(0.1).per_step()
    assert max(slow[1]) < systems.SPREAD / 10  # here the reactions decide
    assert reactions["u"].keys() == system.reactions["u"].keys()


def test_laws_of_the_sweep_come_in_the_order_of_their_distance() -> None:
    picture = waves(48, 9.0, 0.0)
    judge = contrast_of(picture).judge
    found = sweep(picture, measure_scale(picture), lambda rgb: float(judge(torch.from_numpy(rgb)).mean()), 0)
    assert [tried.score for tried in found] == sorted(tried.score for tried in found)
    assert len(found) > 2


@pytest.mark.parametrize("degrees", [0.0, 120.0])
def test_stripes_come_out_with_the_wavelength_and_the_direction(degrees: float) -> None:
    picture = waves(48, 9.0, degrees)
    law = next(law for law in made(picture, 2) if str(law.provenance["start"]).startswith("stripes"))
    found = measure_scale(render(law, Simulator(law, size=64, seed=1).step(1500)) / 255)
    assert found.wavelength == pytest.approx(9, rel=0.12)
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
    assert len(laws) == 1 if species == 1 else 3 <= len(laws) <= starts.MOST
    for law in laws:
        assert np.abs(Simulator(law, size=24, seed=2).step(600)).max() < 4
