"""First colours: they give a law's states the picture's distribution of colours."""

from __future__ import annotations

import re

import numpy as np
import pytest

from distill.species import palette
from distill.species.palette import fit_colours
from equations.expressions.tree import to_tree
from tests.test_distill.test_species.made import DARK, LIGHT, spots, waves


def painted(picture: np.ndarray, state: np.ndarray, *, blend: bool = False) -> np.ndarray:
    names = ("u", "v", "w")[: len(state)]
    colours = fit_colours(picture, state, names, blend=blend)
    return palette.painted(colours, state[None], names)[0].transpose(1, 2, 0)


def test_the_rarer_colour_is_where_u_is_large() -> None:
    picture = spots(32, 16, 4.0)
    state = np.stack([(picture[..., 0] > 0.5).astype(np.float64), np.zeros((32, 32))])
    np.testing.assert_allclose(painted(picture, state), picture, atol=0.05)
    np.testing.assert_allclose(painted(1 - picture, state), 1 - picture, atol=0.05)


def test_cells_get_the_colours_of_the_picture_by_rank() -> None:
    random = np.random.default_rng(0)
    state = random.normal(size=(2, 40, 40))
    shown = painted(waves(40, 8.0, 0.0), state)
    np.testing.assert_allclose(shown.mean(axis=(0, 1)), (DARK + LIGHT) / 2, atol=0.05)


def test_a_third_species_changes_the_hue_but_not_the_mean() -> None:
    random = np.random.default_rng(1)
    picture = waves(40, 8.0, 0.0) + random.normal(0, 1, (40, 40, 1)) * np.array([0.1, 0.0, -0.1])
    state = random.normal(size=(3, 40, 40))
    without = painted(picture, np.stack([state[0], state[1], np.full((40, 40), state[2].mean())]))
    shown = painted(picture, state)
    assert (shown - without).std() > 0.01
    np.testing.assert_allclose(shown.mean(axis=(0, 1)), without.mean(axis=(0, 1)), atol=0.01)


def discs(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of soft-edged light discs, and a state whose u falls evenly from their centres."""
    y, x = (np.mod(axis, 16) - 7.5 for axis in np.mgrid[:size, :size])
    u = 1 - np.hypot(x, y) / 12
    share = 0.5 + 0.5 * np.tanh(14 * (u - 0.6))
    return DARK + share[..., None] * (LIGHT - DARK), np.stack([u, np.zeros_like(u)])


def test_a_blend_has_the_edges_that_a_square_cannot_have() -> None:
    picture, state = discs(64)
    soft, sharp = (np.abs(painted(picture, state, blend=blend) - picture).mean() for blend in (False, True))
    assert sharp < 0.02 < soft


def test_a_blend_is_one_function_of_u_with_short_constants() -> None:
    picture, state = discs(64)
    colours = fit_colours(picture, 0.5 * state, ("u", "v"), blend=True)
    bases = [basis for basis in colours["r"] if basis.func.__name__ == "tanh"]
    assert len(bases) == 1
    assert all(bases[0] in terms for terms in colours.values())
    numbers = re.findall(r"\d+\.\d+", str(to_tree(bases[0])))
    assert sorted(map(float, numbers)) == pytest.approx([14 * 0.6, 28], rel=0.05)
    assert all(len(number.replace(".", "").strip("0")) <= 3 for number in numbers)


def test_a_flat_state_has_no_blend() -> None:
    colours = fit_colours(spots(32, 16, 4.0), np.zeros((2, 32, 32)), ("u", "v"), blend=True)
    assert all(basis.func.__name__ != "tanh" for terms in colours.values() for basis in terms)
