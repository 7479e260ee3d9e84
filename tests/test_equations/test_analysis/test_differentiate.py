"""Derivatives agree with finite differences wherever there are any; kinks and poles are told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from equations.analysis.differentiate import Jet, differentiate
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import evaluate_tree
from equations.expressions.tree import to_tree
from tests.test_equations.helpers import NAMES, trees

POINTS = np.random.default_rng(1).normal(size=(20, len(NAMES)))


@given(trees)
@settings(max_examples=80, deadline=None)
def test_values_and_slopes(tree: object) -> None:
    jet = differentiate(tree, NAMES, POINTS)
    with np.errstate(all="ignore"):
        value = np.broadcast_to(evaluate_tree(tree, dict(zip(NAMES, POINTS.T, strict=True))), len(POINTS))
    fine = np.isfinite(value) & (np.abs(value) < 1e6)
    assert np.allclose(jet.value[fine], value[fine], rtol=1e-9, atol=1e-9)
    for index in range(len(NAMES)):
        slopes = []
        for step in (1e-5, 2e-5):
            moved = [POINTS.copy(), POINTS.copy()]
            moved[0][:, index] -= step
            moved[1][:, index] += step
            with np.errstate(all="ignore"):
                low, high = (evaluate_tree(tree, dict(zip(NAMES, m.T, strict=True))) for m in moved)
                slopes.append(np.broadcast_to((high - low) / (2 * step), len(POINTS)))
        with np.errstate(all="ignore"):  # only where finite differences themselves agree
            sure = fine & (np.abs(slopes[0] - slopes[1]) <= 1e-6 * (1 + np.abs(slopes[0])))
        sure &= (jet.spread.max(axis=1) == 0) & (np.abs(slopes[0]) < 1e6)
        assert np.allclose(jet.slope[sure, index], slopes[0][sure], rtol=1e-3, atol=1e-3)


def jet_of(text: str, u: float, v: float = 0.0) -> Jet:
    return differentiate(to_tree(parse_infix(text, ("u", "v"))), ("u", "v"), np.array([[u, v]]))


@pytest.mark.parametrize(
    ("text", "u", "slope", "spread"),
    [
        ("abs(u)", 0, 0, 1),
        ("abs(u)", 1e-3, 1, 0),
        ("abs(u)", -2, -1, 0),
        ("3*u - 2*abs(u)", 0, 3, 2),
        ("u*abs(u)", 0, 0, 0),  # its derivative is 2|u|
        ("relu(u)", 0, 0.5, 0.5),
        ("max(u, 2*u)", 0, 1.5, 0.5),
        ("max(u, 2*u, -5)", 0, 1.5, 0.5),
        ("min(u, 1 - u)", 0.5, 0, 1),
        ("min(u, 1 - u)", 0.2, 1, 0),
        ("abs(abs(u))", 0, 0, 1),
        ("abs(u - 0.1 - 0.2)", 0.3, 0, 1),  # 0.3 − 0.1 − 0.2 is not quite 0
        ("exp(u)", 100, 0, 0),  # beyond its guard
        ("u^-2", 2, -0.25, 0),
        ("sqrt(u)", 4, 0.25, 0),
        ("sqrt(u)", -4, 0, 0),
        ("tanh(u) + sin(2*u) + cos(u)", 0, 3, 0),
    ],
)
def test_kinks_have_a_middle_and_a_spread(text: str, u: float, slope: float, spread: float) -> None:
    jet = jet_of(text, u)
    assert jet.slope[0, 0] == pytest.approx(slope)
    assert jet.spread[0, 0] == pytest.approx(spread)
    assert not jet.pole[0]


def test_the_two_sides_of_a_root_are_far_apart() -> None:
    assert jet_of("sqrt(u)", 0).spread[0, 0] > 100


def test_poles() -> None:
    assert jet_of("v/u", 0, 1).pole[0]
    assert jet_of("v/(1 + u)", -1, 0).pole[0]
    assert jet_of("v*u^-2", 0).pole[0]
    assert not jet_of("v/(1 + u)", 0, 1).pole[0]


def test_a_far_kink_of_another_feature_does_not_count() -> None:
    jet = jet_of("abs(v) + 2*u", 1, 0)
    assert jet.slope[0] == pytest.approx((2, 0))
    assert jet.spread[0] == pytest.approx((0, 1))
