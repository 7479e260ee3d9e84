"""Concentrations are told from quantities that have both signs."""

from __future__ import annotations

import pytest

from equations import models
from equations.analysis.analysis import analyze
from equations.analysis.positive import positive_channels
from equations.analysis.split import split_rule
from equations.rule.init import Init
from tests.test_equations.helpers import make_rule


@pytest.mark.parametrize(
    ("preset", "positive"),
    [
        ("gray-scott", (True, True)),
        ("may-leonard", (True, True, True)),
        ("oregonator", (True, True)),
        ("fisher-kpp", (True,)),
        ("schnakenberg", (True, True)),
        ("fitzhugh-nagumo", (False, False)),
        ("allen-cahn:domains", (False,)),  # it starts with both signs
        ("lambda-omega", (False, False)),
        ("swift-hohenberg", (False, False)),
    ],
)
def test_known_models(preset: str, positive: tuple[bool, ...]) -> None:
    rule = models.get(preset)
    assert positive_channels(rule, split_rule(rule)) == positive


@pytest.mark.parametrize(
    "updates",
    [
        {"u": "v - u - 0.01", "v": "1 - v"},  # drained at 0
        {"u": "u - u^2 + 0.1*v_lap", "v": "1 - v"},  # cross-diffusion can empty it
        {"u": "u - u^2 + 0.1*u_dx", "v": "1 - v"},
        {"u": "u - u^2 - 0.1*u_lap", "v": "1 - v"},
    ],
)
def test_what_can_make_a_channel_negative(updates: dict[str, str]) -> None:
    rule = make_rule(updates, init=Init("noise", (1.0, 1.0), (0.1, 0.1)))
    assert positive_channels(rule, split_rule(rule)) == (False, True)


def test_one_that_falls_takes_with_it_those_that_rely_on_it() -> None:
    rule = make_rule({"u": "v - u", "v": "-1 - v"}, init=Init("noise", (1.0, 1.0), (0.1, 0.1)))
    assert positive_channels(rule, split_rule(rule)) == (False, False)


def test_negative_fixed_points_of_concentrations_are_left_out() -> None:
    found = analyze(models.get("barkley"), size=16, run=False)
    assert [point.values[0] < 0 for point in found.outside] == [True]
    assert len(found.readings) == 2
