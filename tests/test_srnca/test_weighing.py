"""How much statistics count: by the chance in them, and by what they tell apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from srnca.texture.weighing import CHANCE, EQUAL, PARTS, STRONG, SURROGATES, counted, part_of, weigh


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_two_pieces_of_one_texture_have_a_distance_of_about_one() -> None:
    """A part has a quarter of the pixels, and so four times the variance of a picture."""
    random, distances, deviation = draws(), [], np.array([0.1, 0.2, 0.5, 1.0])
    for _ in range(400):
        pieces = deviation * random.normal(size=(2, 4))
        parts = 2 * deviation * random.normal(size=(PARTS, 4))
        weights = weigh(pieces[0], parts, deviation * random.normal(size=(SURROGATES, 4)), visible=1e-3, own=1.0)
        distances.append((pieces[1] - pieces[0]) ** 2 @ weights)
    assert float(np.median(distances)) == pytest.approx(1, abs=0.5)


def test_what_tells_the_target_apart_counts_most() -> None:
    parts = draws().normal(size=(PARTS, 3))
    structureless = np.tile([0.0, 0.0, 5.0], (SURROGATES, 1))
    weights = weigh(np.zeros(3), parts, structureless, visible=0.05, own=0.0)
    assert weights[2] > 5 * weights[0] == pytest.approx(5 * weights[1])
    assert weights[0] / weights[2] == pytest.approx(EQUAL / 3 / (1 + EQUAL / 3), rel=1e-6)


def test_without_structureless_fields_equally_certain_statistics_count_equally() -> None:
    parts = np.tile(draws().normal(size=(PARTS, 1)), (1, 3))
    weights = weigh(np.array([0.0, 1.0, 9.0]), parts, None, visible=0.05)
    np.testing.assert_allclose(weights, weights[0])
    assert 0 < float(weights[0]) < np.inf


def test_an_uncertain_statistic_counts_less() -> None:
    parts = draws().normal(size=(PARTS, 2)) * [1, 10]
    weights = weigh(np.zeros(2), parts, np.ones((SURROGATES, 2)), visible=1e-3)
    assert weights[0] > 3 * weights[1]


def test_what_is_certain_is_measured_in_units_of_the_visible_and_stays_finite() -> None:
    weights = weigh(np.zeros(4), np.zeros((PARTS, 4)), np.zeros((SURROGATES, 4)), visible=0.1)
    assert np.isfinite(weights).all()
    twice = weigh(np.zeros(4), np.zeros((PARTS, 4)), np.zeros((SURROGATES, 4)), visible=0.2)
    np.testing.assert_allclose(weights, 4 * twice)


@given(st.integers(0, 2**32 - 1), st.floats(0.001, 1000), st.integers(1, 20))
def test_weights_do_not_depend_on_the_unit_of_the_statistics(seed: int, unit: float, n: int) -> None:
    random = draws(seed)
    wanted, parts, fields = random.normal(size=n), random.normal(size=(PARTS, n)), random.normal(size=(SURROGATES, n))
    weights = weigh(wanted, parts, fields, visible=0.1)
    scaled = weigh(unit * wanted, unit * parts, unit * fields, visible=0.1 * unit)
    assert (weights > 0).all()
    np.testing.assert_allclose(scaled * unit**2, weights, rtol=1e-6)


@given(st.integers(4, 400))
def test_parts_are_half_as_long_and_reach_both_ends(length: int) -> None:
    places = [part_of(length, place) for place in range(3)]
    assert [place.stop - place.start for place in places] == [length // 2] * 3
    assert places[0].start == 0
    assert length - places[2].stop <= 1
    assert places[0].start < places[1].start < places[2].start


@given(st.floats(0, 1e6))
def test_a_distance_counts_more_the_larger_it_is_but_never_more_than_itself(distance: float) -> None:
    assert 0 <= counted(distance) <= distance
    assert counted(distance) <= counted(distance + 1)


def test_chance_hardly_counts_and_large_distances_count_by_their_logarithm() -> None:
    assert counted(0.0) == 0
    assert counted(0.1) < 0.1 / CHANCE
    assert counted(1e6) == pytest.approx(STRONG * np.log(1e6 / STRONG), rel=0.01)
    values = torch.tensor([0.0, 1.0, 50.0], dtype=torch.float64, requires_grad=True)
    np.testing.assert_allclose(counted(values, torch.log1p).detach(), counted(np.array([0.0, 1.0, 50.0])))
    (slope,) = torch.autograd.grad(counted(values, torch.log1p).sum(), values)
    assert slope[0] == 0
    assert bool((slope[1:] > 0).all())
