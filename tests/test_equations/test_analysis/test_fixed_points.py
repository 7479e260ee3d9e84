"""Planted fixed points are all found: of polynomials, fractions, kinks and clamps; and continua are told."""

from __future__ import annotations

import numpy as np
import pytest

from equations import models
from equations.analysis.fixed_points import find_fixed_points
from equations.rule.init import Init
from equations.rule.rule import Rule
from equations.rule.stencils import STENCILS, Stencil
from tests.test_equations.helpers import make_rule

PLAIN = (STENCILS["id"], Stencil("lap", STENCILS["lap5"].kernel))


def rule_of(updates: dict[str, str], **settings: object) -> Rule:
    settings.setdefault("init", Init("noise", (0.5,) * len(updates), (0.1,) * len(updates)))
    return make_rule(updates, PLAIN, **settings)  # type: ignore[arg-type]


def values(rule: Rule) -> list[tuple[float, ...]]:
    return sorted(tuple(np.round(point.values, 6)) for point in find_fixed_points(rule).points)


def test_all_roots_of_a_polynomial_of_one_channel() -> None:
    rule = rule_of({"u": "(u - 1)*(u + 2)*(u - 0.25)*(u^2 + 1) + u_lap"})
    assert values(rule) == [(-2,), (0.25,), (1,)]
    assert find_fixed_points(rule).complete


def test_all_roots_of_two_polynomials() -> None:
    assert values(rule_of({"u": "u*(1 - u - 0.5*v)", "v": "v*(1 - v - 0.25*u)"})) == [
        (0, 0), (0, 1), (round(4 / 7, 6), round(6 / 7, 6)), (1, 0),
    ]  # fmt: skip


def test_fractions_and_their_poles() -> None:
    rule = rule_of({"u": "u^2/v - u", "v": "u^2 - v"})
    assert values(rule) == [(1, 1)]  # 0, 0 is a pole
    assert find_fixed_points(rule).poles == 1


def test_the_closed_forms_of_known_models() -> None:
    assert values(models.get("brusselator")) == [(4.5, round(7.5 / 4.5, 6))]
    assert values(models.get("schnakenberg")) == [(1, 0.9)]
    assert values(models.get("lengyel-epstein")) == [(2, 5)]
    gray_scott = models.load("gray-scott").rule(None, F=0.03, k=0.05)
    root = np.sqrt(1 - 4 * 0.08**2 / 0.03)
    upper = [(float(u), float(0.03 / 0.08 * (1 - u))) for u in ((1 + root) / 2, (1 - root) / 2)]
    assert np.array(values(gray_scott)) == pytest.approx(np.array(sorted([*upper, (1.0, 0.0)])), abs=1e-6)


def test_three_channels_by_search() -> None:
    found = find_fixed_points(models.get("may-leonard"))
    assert len(found.points) == 8
    assert not found.complete
    assert all(point.residual < 1e-12 for point in found.points)


def test_a_transcendental_rule() -> None:
    rule = rule_of({"u": "tanh(2*u) - u", "v": "exp(-v) - v"})
    assert [v[1] for v in values(rule)] == pytest.approx([0.567143] * 3, abs=1e-6)
    assert sorted(v[0] for v in values(rule)) == pytest.approx([-0.957504, 0, 0.957504], abs=1e-6)
    assert not find_fixed_points(rule).complete


def test_the_border_of_a_clamp_holds_what_is_pushed_out() -> None:
    rule = rule_of({"u": "u - 0.5", "v": "0.25 - v + 0*u"}, clamp=(0.0, 1.0))
    points = {point.values: point.held for point in find_fixed_points(rule).points}
    assert {tuple(np.round(v, 9)) for v in points} == {(0, 0.25), (0.5, 0.25), (1, 0.25)}
    for state, held in points.items():
        assert held == (state[0] in (0.0, 1.0), False)


def test_a_root_outside_the_clamp_is_none() -> None:
    assert values(rule_of({"u": "2 - u"}, clamp=(0.0, 1.0))) == [(1,)]
    assert find_fixed_points(rule_of({"u": "2 - u"}, clamp=(0.0, 1.0))).points[0].held == (True,)


def test_a_kinked_rule() -> None:
    assert values(rule_of({"u": "1 - abs(u)", "v": "max(v, 2*v) - 1"})) == [(-1, 0.5), (1, 0.5)]


def test_a_continuum_is_told_and_one_of_it_kept() -> None:
    for updates in ({"u": "0.2*u_lap"}, {"u": "v - u", "v": "u - v"}):
        found = find_fixed_points(rule_of(updates))
        assert found.continuum
        assert len(found.points) == 1
        assert not found.points[0].isolated


def test_none() -> None:
    assert find_fixed_points(rule_of({"u": "1 + u^2"})).points == ()
    assert find_fixed_points(rule_of({"u": "1 + abs(u)", "v": "exp(v)"})).points == ()


def test_nearest_to_the_first_state_first_and_the_same_every_time() -> None:
    rule = models.get("allen-cahn:drops")
    found = find_fixed_points(rule, seed=3)
    assert found.points[0].values == pytest.approx((-1,))
    assert found == find_fixed_points(rule, seed=3)


def test_sizes_far_apart() -> None:
    far = rule_of({"u": "u - u^3"}, init=Init("noise", (1e5,), (1.0,)))
    assert values(far) == [(-1,), (0,), (1,)]
    assert values(rule_of({"u": "1e-3*u - 1e4"})) == [(1e7,)]


def test_a_double_root() -> None:
    found = find_fixed_points(rule_of({"u": "-(u - 1)^2*(u + 2)"}))
    assert [round(point.values[0], 4) for point in found.points] == [1, -2]
    assert [point.isolated for point in found.points] == [False, True]
