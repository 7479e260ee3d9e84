"""Laws do not depend on how a rule is written, called and measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from equations import models
from equations.comparison.family import family_of
from equations.comparison.reduced_law import Law, law_of
from equations.comparison.rescale import in_units, law_in_units
from equations.errors import InputError
from equations.rule.display import colours_of
from equations.rule.stencils import ID, LAP5, STENCILS
from equations.simulation import simulate
from tests.test_equations.helpers import in_colours, make_rule
from tests.test_equations.test_comparison.planted import SCALES, changed, disguised


def same(a: Law, b: Law) -> None:
    assert a.channels == b.channels
    for channel in a.channels:
        ours, theirs = a.updates[channel], b.updates[channel]
        assert set(ours.terms) == set(theirs.terms)
        for term, value in ours.terms.items():
            assert value == pytest.approx(theirs.terms[term], rel=1e-9)
        for den, numbers in ours.below.items():
            assert numbers == pytest.approx(theirs.below[den], rel=1e-9)


@pytest.mark.parametrize("name", models.names())
def test_a_disguise_comes_off(name: str) -> None:
    rule = models.get(name)
    names = {f"q{i}": channel for i, channel in enumerate(rule.channels)}
    same(law_in_units(law_of(disguised(name)), names, dict(zip(names, SCALES, strict=False))), law_of(rule))


@pytest.mark.parametrize("name", models.names())
def test_a_family_has_the_law_of_each_preset(name: str) -> None:
    model = models.load(name)
    for preset in model.presets:
        same(family_of(name).law(model.values(preset)), law_of(model.rule(preset)))


@pytest.mark.parametrize(("a", "b"), [
    ("0.5*u_moore - 0.5*u", "0.1875*u_lap5 + 0.25*(u_lap - 0.25*u_lap5)"),  # lap - lap5/4 is the corners' difference
    ("u*(1 - u)*(u - 0.2)", "-0.2*u + 1.2*u^2 - u^3"),
    ("u^2/(2 + 4*v)", "0.5*u^2/(1 + 2*v)"),
    ("u/(v + 2*v^2)", "u/(v*(1 + 2*v))"),
    ("(u + v)^2/v", "u^2/v + 2*u + v"),
])  # fmt: skip
def test_one_law_in_two_ways(a: str, b: str) -> None:
    stencils = tuple(STENCILS[name] for name in ("id", "lap", "lap5", "moore"))
    first, second = (make_rule({"u": text, "v": "0"}, stencils) for text in (a, b))
    if "moore" in a:  # moore = id + 3/8 δ + 1/8 δx²δy²; lap = 1/4 δ + 1/16 δx²δy²
        second = make_rule({"u": "0.1875*u_lap5 + u_lap - 0.25*u_lap5", "v": "0"}, stencils)
    same(law_of(first), law_of(second))


def test_time_is_in_the_law() -> None:
    rule = models.get("gray-scott")
    faster = changed(
        rule.replace(dt=0.5), u="2*(0.16*u_lap - u*v^2 + 0.055*(1 - u))", v="2*(0.08*v_lap + u*v^2 - 0.117*v)"
    )
    same(law_of(faster), law_of(rule))


def test_in_units_scales_rollouts() -> None:
    """The run is the old one's, scaled."""
    rule = models.get("gray-scott")
    other = in_units(rule, {"u": 4.0, "v": 0.5}, {"u": "p"}, ("v", "u"))
    assert other.channels == ("v", "p")
    assert other.display.channels == ("v",)
    frames, moved = (
        simulate(r, size=24, steps=200, seed=3, backend="reference", dtype="float64") for r in (rule, other)
    )
    start = moved[0]
    assert start[1, 12, 12] == pytest.approx(4 * frames[0, 0, 12, 12], abs=0.2)  # noise is drawn by a channel's number
    again = simulate(
        rule, steps=200, state=np.stack([start[1] / 4, start[0] * 2]), backend="reference", dtype="float64"
    )
    np.testing.assert_allclose(moved[-1][1] / 4, again[-1][0], rtol=1e-12)
    np.testing.assert_allclose(moved[-1][0] * 2, again[-1][1], rtol=1e-12)


def test_colours_stay_in_other_units() -> None:
    rule = in_colours(models.get("gray-scott"), "0.5 - u*v", "v^2", "u")
    other = in_units(rule, {"u": 4.0, "v": -0.5}, {"u": "v", "v": "u"}, ("v", "u"))
    assert other.display.channels == other.channels == ("u", "v")
    u, v = np.random.default_rng(0).normal(size=(2, 5, 6)).astype(np.float32)
    np.testing.assert_allclose(
        colours_of(other, np.stack([-0.5 * v, 4 * u])), colours_of(rule, np.stack([u, v])), rtol=1e-6
    )


@pytest.mark.parametrize(("rule", "arguments", "said"), [
    ("gray-scott", ({"u": 0.0},), "finite scales other than 0"),
    ("gray-scott", ({"w": 2.0},), "the channels u, v"),
    ("gray-scott", ({}, {}, ("u", "u")), "the channels u, v"),
    ("turing", ({"X": 2.0},), "expected one scale for all channels of a rule with a clamp"),
])  # fmt: skip
def test_units_that_cannot_be(rule: str, arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        in_units(models.get(rule), *arguments)


def test_one_scale_moves_the_clamp() -> None:
    turned = in_units(models.get("turing"), {"X": -2.0, "Y": -2.0})
    assert turned.clamp == (-4.0, 0.0)
    bare = make_rule({"u": "u_lap5"}, (ID, LAP5), init=None, display=None)
    assert in_units(bare, {"u": 3.0}).init is None
