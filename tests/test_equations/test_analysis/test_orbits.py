"""Runs of uniform states end where they should: at rest, on a cycle, away."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equations import models
from equations.analysis.jacobian import UniformRule
from equations.analysis.orbits import Orbit, follow, judge
from equations.analysis.perturb import duration, perturb, scales
from equations.simulation import Simulator
from tests.test_equations.helpers import make_rule

ONE = np.ones(2)


def run(updates: dict[str, str], start: tuple[float, float], steps: int = 4000, dt: float = 0.02) -> Orbit:
    uniform = UniformRule(make_rule(updates, dt=dt))
    times, path = follow(uniform, np.array([start]), steps)
    return judge(times, path[:, 0], np.zeros((1, 2)), ONE)


def test_rest() -> None:
    orbit = run({"u": "-u + v", "v": "-v"}, (1.0, 1.0))
    assert (orbit.kind, orbit.rest, orbit.period) == ("rest", 0, None)
    assert orbit.passed == (0,)


def test_a_cycle_and_its_period() -> None:
    orbit = run({"u": "u*(1 - u^2 - v^2) - 2*v", "v": "v*(1 - u^2 - v^2) + 2*u"}, (0.1, 0.0), dt=0.002, steps=20_000)
    assert orbit.kind == "cycle"
    assert orbit.period == pytest.approx(math.pi, rel=2e-3)
    assert orbit.swing == pytest.approx([2, 2], rel=0.01)


def test_away_and_neither() -> None:
    assert run({"u": "u", "v": "0"}, (1.0, 0.0)).kind == "diverged"
    assert run({"u": "0.01", "v": "0"}, (1.0, 0.0)).kind == "wandering"


def test_a_damped_oscillation_is_no_cycle() -> None:
    assert run({"u": "-0.02*u - v", "v": "u - 0.02*v"}, (1.0, 0.0), dt=0.01, steps=4000).kind != "cycle"


def test_uniform_runs_are_those_of_the_simulator() -> None:
    rule = models.get("gray-scott").replace(clamp=(0.0, 0.9))
    _, path = follow(UniformRule(rule), np.array([[0.8, 0.5]]), 50)
    state = np.broadcast_to(np.array([0.8, 0.5])[:, None, None], (2, 4, 4))
    simulator = Simulator(rule, backend="reference", state=state, dtype="float64")
    assert path[-1, 0] == pytest.approx(simulator.step(50)[:, 0, 0], abs=1e-12)
    assert path.shape == (51, 1, 2)


def test_an_excitable_state_has_a_threshold() -> None:
    """Barkley's threshold is (v + b)/a; a push of u beyond it by half comes back by a detour to u = 1."""
    rule, home = models.load("barkley").rule(None, b=0.05), np.zeros(2)
    rests = np.array([[0.0, 0.0], [1.0, 1.0]])
    scale = scales(rule, rests)
    found = perturb(UniformRule(rule), home, rests, scale, 3000, (True, True))
    assert found.threshold is not None
    assert found.channel == "u"
    assert 0.05 / 0.75 < found.threshold < 2 * 0.05 / 0.75
    assert found.detour is not None
    assert found.detour > 5


def test_a_plain_state_has_none() -> None:
    rule = make_rule({"u": "-u + 0.5*v", "v": "-0.5*v"}, dt=0.1)
    found = perturb(UniformRule(rule), np.zeros(2), np.zeros((1, 2)), ONE, 2000, (False, False))
    assert found.threshold is None
    assert {orbit.kind for orbit in found.orbits} == {"rest"}


def test_a_wide_swing_is_no_threshold() -> None:
    """Close to its Hopf bifurcation Schnakenberg swings far when pushed far, but no push is one too many."""
    rule, home = models.load("schnakenberg").rule(None, Dv=5), np.array([1.0, 0.9])
    found = perturb(UniformRule(rule), home, home[None], scales(rule, home[None]), 10_000, (True, True))
    assert found.threshold is None


def test_runs_outlast_the_slowest_rate() -> None:
    rule = make_rule({"u": "-u", "v": "-v"}, dt=0.1)
    assert duration(rule, np.array([-1.0, -0.05])) == 3000
    assert duration(rule, np.array([-1.0, 0.0])) == 2000
    assert duration(rule, np.array([0.0])) == 20_000
