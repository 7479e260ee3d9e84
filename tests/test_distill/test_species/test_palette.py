"""First colours: they give a law's states the picture's distribution of colours."""

from __future__ import annotations

import numpy as np

from distill.species.palette import fit_colours
from equations.expressions.numeric import compile_numpy
from tests.test_distill.test_species.made import DARK, LIGHT, spots, waves


def painted(picture: np.ndarray, state: np.ndarray) -> np.ndarray:
    names = ("u", "v", "w")[: len(state)]
    colours = fit_colours(picture, state, names)
    exprs = [sum(weight * basis for basis, weight in terms.items()) for terms in colours.values()]
    return np.asarray(compile_numpy(exprs, names)(state)).transpose(1, 2, 0)


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
