"""A zoomed rule makes the same pattern in another size, where the rule is a differential equation."""

from __future__ import annotations

import dataclasses

import pytest

from equations import models
from equations.analysis.spectrum import peak_wavelength
from equations.errors import InputError
from equations.expressions.terms import split_terms
from equations.rule.init import Init
from equations.rule.rule import Rule
from equations.rule.stencils import STENCILS, Stencil
from equations.rule.symbols import symbol
from equations.rule.zoom import derivative_order, substeps, zoomed
from equations.simulation import Simulator


def fitzhugh_nagumo() -> Rule:
    return models.get("fitzhugh-nagumo:stripes")


def test_diffusion_and_drift_are_scaled_and_reactions_are_not() -> None:
    rule = models.get("gray-scott")
    before = {str(b): c for c, b in split_terms(rule.updates["u"])}
    after = {str(b): c for c, b in split_terms(zoomed(rule, 3).updates["u"])}
    assert after.pop("u_lap") == pytest.approx(9 * before.pop("u_lap"))
    assert after == before
    u, dx = symbol("u"), symbol("u_dx")
    drift = Rule(("u",), (STENCILS["id"], STENCILS["dx"]), {"u": 0.5 * dx - u})
    assert {str(b): c for c, b in split_terms(zoomed(drift, 0.5).updates["u"])} == {"u_dx": 0.25, "u": -1}


def test_the_time_of_a_step_is_divided_so_that_diffusion_stays_stable() -> None:
    rule = fitzhugh_nagumo()
    assert [substeps(rule, factor) for factor in (0.5, 1, 1.5, 2, 3)] == [1, 1, 3, 4, 9]
    assert zoomed(rule, 2).dt == rule.dt / 4
    assert zoomed(rule, 0.5).dt == rule.dt


@pytest.mark.parametrize("factor", [1.5, 2.0])
def test_the_pattern_has_the_same_shape_and_another_wavelength(factor: float) -> None:
    rule = fitzhugh_nagumo()
    side, steps = 96, 3000
    own = Simulator(rule, size=side, seed=1).step(steps)
    other = Simulator(zoomed(rule, factor), size=side, seed=1).step(steps * substeps(rule, factor))
    lengths = [peak_wavelength(state[0]) for state in (own, other)]
    assert lengths[0] is not None
    assert lengths[1] == pytest.approx(factor * lengths[0], rel=0.08)
    assert other[0].std() == pytest.approx(own[0].std(), rel=0.1)


def test_the_laplacian_of_a_laplacian_is_of_fourth_order() -> None:
    assert substeps(models.get("swift-hohenberg"), 2) == 16
    assert substeps(models.get("gray-scott"), 2) == 4


def test_zooming_back_gives_the_terms_of_the_rule_again() -> None:
    rule = fitzhugh_nagumo()
    back = zoomed(zoomed(rule, 2), 0.5)
    for a, b in zip(rule.expressions, back.expressions, strict=True):
        assert {str(x): c for c, x in split_terms(a)} == pytest.approx({str(x): c for c, x in split_terms(b)})


@pytest.mark.parametrize("name", ["id", "lap", "dx", "dy", "moore"])
def test_stencils_are_told_apart_by_their_weights(name: str) -> None:
    wanted = {"id": 0, "lap": 2, "dx": 1, "dy": 1, "moore": None}
    assert derivative_order(STENCILS[name]) == wanted[name]
    assert derivative_order(Stencil("mixed", ((1, 0, -1), (0, 0, 0), (-1, 0, 1)))) == 2


def test_a_rule_that_is_no_differential_equation_is_refused() -> None:
    law = fitzhugh_nagumo()
    with pytest.raises(InputError, match=r"with probability 0\.5"):
        zoomed(law.replace(update_rate=0.5), 2)
    odd = Rule(("u",), (STENCILS["id"], STENCILS["moore"]), {"u": symbol("u_moore") - symbol("u")})
    with pytest.raises(InputError, match=r"u_moore.*is no first or second derivative"):
        zoomed(odd, 2)
    unused = dataclasses.replace(odd, updates={"u": -symbol("u")}, init=Init("noise", (0.0,), (1.0,)))
    assert zoomed(unused, 2).updates == unused.updates
    for wrong in (0.0, -1.0, 17.0, float("nan")):
        with pytest.raises(InputError, match="expected a factor"):
            zoomed(law, wrong)
