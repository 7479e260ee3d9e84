"""Grid instabilities by name: the limit is that of theory, and the simulator agrees on both its sides."""

from __future__ import annotations

import numpy as np
import pytest

from equations import models
from equations.analysis.dispersion import dispersion
from equations.analysis.grid import GridInstability, grid_instability, largest_stable_step
from equations.analysis.jacobian import linearise
from equations.errors import DivergenceError
from equations.rule.rule import Rule
from equations.rule.stencils import STENCILS, Stencil
from equations.simulation import Simulator
from tests.test_equations.helpers import make_rule

PLAIN = (STENCILS["id"], Stencil("lap", STENCILS["lap5"].kernel))


def named(rule: Rule, point: tuple[float, ...] = (0.0, 0.0)) -> GridInstability | None:
    return grid_instability(dispersion(linearise(rule, point), (16, 16)))


def diffusion(dt: float) -> Rule:
    return make_rule({"u": "0.25*u_lap - 0.1*u", "v": "0.1*v_lap - 0.2*v"}, PLAIN, dt=dt)


def test_diffusion_with_too_large_a_step_is_a_checkerboard() -> None:
    limit = 2 / (8 * 0.25 + 0.1)
    assert named(diffusion(0.999 * limit)) is None
    found = named(diffusion(1.001 * limit))
    assert found is not None
    assert found.name == "checkerboard"
    assert found.dt_max == pytest.approx(limit)
    assert found.wave.wavelength == pytest.approx(2 / np.sqrt(2))
    assert f"stable up to {limit:.4g}" in found.reason


@pytest.mark.parametrize(("factor", "stable"), [(0.98, True), (1.02, False)])
def test_the_simulator_agrees_on_both_sides_of_the_limit(factor: float, stable: bool) -> None:
    simulator = Simulator(diffusion(factor * 2 / 2.1), 16, backend="reference", dtype="float64")
    first = np.abs(simulator.state).max()
    assert (np.abs(simulator.step(400)).max() < first) == stable


def test_gray_scott_with_too_large_a_step() -> None:
    """The limit is that of diffusion and washing out: 2 / (8 Du + F)."""
    rule = models.get("gray-scott").replace(dt=1.6)
    found = grid_instability(dispersion(linearise(rule, (1.0, 0.0)), (32, 32)))
    assert found is not None
    assert found.name == "checkerboard"
    assert found.dt_max == pytest.approx(2 / (8 * 0.16 + 0.055))
    with pytest.raises(DivergenceError):
        Simulator(rule, 32).step(3000)


def test_a_stiff_reaction_overshoots() -> None:
    found = named(make_rule({"u": "-2.5*u + 0.01*u_lap", "v": "-v"}, PLAIN))
    assert found is not None
    assert (found.name, found.dt_max) == ("overshoot", pytest.approx(2 / 2.58))
    assert "overshoots" in found.reason


def test_explicit_steps_drive_damped_oscillations_outwards() -> None:
    rule = make_rule({"u": "-0.01*u - v", "v": "u - 0.01*v"}, PLAIN, dt=0.1)
    found = named(rule)
    assert found is not None
    assert found.name == "outward spiral"
    assert found.dt_max == pytest.approx(2 * 0.01 / (1 + 0.01**2))
    assert named(rule.replace(dt=0.019)) is None
    assert named(models.get("lambda-omega:frozen")) is None  # growing oscillations are the rule's own


def test_a_rule_that_grows_the_shortest_waves_at_any_step() -> None:
    rule = make_rule({"u": "-0.1*u_lap - 0.5*u", "v": "-v"}, PLAIN, dt=0.001)
    found = named(rule)
    assert found is not None
    assert (found.name, found.dt_max) == ("grid-scale growth", None)
    assert "any time step" in found.reason


def test_the_mask_makes_longer_steps_stable() -> None:
    assert named(diffusion(1.0)) is not None
    assert named(diffusion(1.0).replace(update_rate=0.9)) is None


def test_channels_held_by_the_clamp_do_not_limit_the_step() -> None:
    rule = make_rule({"u": "-1 - 5*u", "v": "-v"}, PLAIN, clamp=(0.0, 1.0), dt=0.5)
    free = largest_stable_step(dispersion(linearise(rule, (0.0, 0.0), (True, False)), (8, 8)))
    assert free == pytest.approx(2)


def test_nothing_to_damp() -> None:
    assert (
        largest_stable_step(dispersion(linearise(make_rule({"u": "u", "v": "0"}, PLAIN), (0.0, 0.0)), (8, 8))) is None
    )


@pytest.mark.parametrize("name", models.names())
def test_the_catalogue_is_within_its_limits(name: str) -> None:
    """At the state that a model starts from nothing flips: all presets are known to be stable."""
    from equations.analysis.fixed_points import find_fixed_points

    rule = models.get(name)
    for point in find_fixed_points(rule).points[:1]:
        found = dispersion(linearise(rule, point.values, point.held), (32, 32))
        assert rule.dt < (largest_stable_step(found) or np.inf)
