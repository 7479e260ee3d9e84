"""Colours as rows of the table: their pictures, their gradient, and what pruning may not take."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distill.refine import Objective
from distill.refine.coloured import gradients_of, pictures_of
from distill.refine.pictures import rgb_of
from distill.refine.table import TermTable
from equations.expressions.infix import parse_infix
from equations.rule.rule import Display, Rule
from tests.test_distill.teachers import planted

TARGET = torch.tensor([0.3, 0.6, 0.1])[:, None, None]
OBJECTIVE = Objective(
    train=lambda rgb, random: (rgb - TARGET).square().mean(dim=(1, 2, 3)),
    judge=lambda rgb: (rgb - TARGET).square().mean(dim=(1, 2, 3)),
    measure=lambda rgb: (rgb - TARGET).square().mean(dim=(1, 2, 3)),
)


def law() -> Rule:
    colours = {"r": "0.5 + 0.3*u - 0.2*u*v", "g": "0.4*v**2", "b": "0.1 + 0.2*v"}
    shown = Display(colours={name: parse_infix(text, ("u", "v")) for name, text in colours.items()})
    return planted({"u": "0.1*u - 0.1*v + 0.2*u_lap", "v": "0.1*u - 0.2*v"}, filters=2, display=shown)


def states() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (2, 2, 6, 5)).astype(np.float32)


def test_a_table_with_colours_counts_them_and_gives_the_rule_back() -> None:
    table = TermTable(law(), colours=True)
    assert (table.terms, len(table.alive), len(table.constants())) == (11, 5, 5)
    assert table.in_words(11) == "11 numbers"
    assert TermTable(law()).terms == 5
    assert TermTable(table.to_rule(), colours=True).to_rule() == table.to_rule()
    np.testing.assert_allclose(rgb_of(table.to_rule(), states()), rgb_of(law(), states()), rtol=1e-5, atol=1e-6)


def test_its_pictures_are_those_of_its_rule() -> None:
    table = TermTable(law(), colours=True)
    table.calibrate(states())
    table.scaled *= 1.1
    np.testing.assert_allclose(pictures_of(table, states()), rgb_of(table.to_rule(), states()), rtol=1e-5, atol=1e-6)
    assert np.array_equal(pictures_of(TermTable(law()), states()), rgb_of(law(), states()))


def test_the_gradient_of_the_colours_agrees_with_differences() -> None:
    table, random = TermTable(law(), colours=True), torch.Generator()
    table.calibrate(states())
    by_states, by_colours = gradients_of(table, OBJECTIVE, states(), random)
    assert by_states.shape == states().shape
    places = [place for place in np.argwhere(table.alive) if place[0] >= table.channels]
    assert len(by_colours) == len(places) == 6

    def loss(changed: TermTable) -> float:
        return float(OBJECTIVE.measure(torch.from_numpy(pictures_of(changed, states()))).mean())

    for place, slope in zip(places, by_colours, strict=True):
        sides = []
        for step in (1e-3, -1e-3):
            other = table.copy()
            other.scaled[tuple(place)] += step
            sides.append(loss(other))
        assert slope == pytest.approx((sides[0] - sides[1]) / 2e-3, rel=0.02, abs=1e-3)


def test_pruning_leaves_a_colour_that_shows_the_state() -> None:
    table = TermTable(law(), colours=True)
    alive = table.alive.copy()
    alive[table.channels :] &= np.array([not basis.free_symbols for basis in table.bases])
    table.keep(alive)
    display = table.to_rule().display
    assert display is not None
    assert display.channels
    assert table.terms == 5 + 2 + 1
