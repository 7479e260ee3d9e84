"""Measured wavelengths agree with predicted ones where theory holds: near the onset."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from equations import models
from equations.analysis import analyze, as_data
from equations.analysis.measure import measure, pattern_wavelength
from equations.analysis.nullclines import nullclines
from equations.errors import InputError
from equations.rule.init import Init
from equations.rule.stencils import ID, LAP5, Stencil
from tests.test_equations.helpers import make_rule


def test_the_wavelength_near_the_onset() -> None:
    """Swift-Hohenberg prefers k = 1: 2π / 0.8 cells, a little changed by the stencil."""
    found = analyze(models.load("swift-hohenberg").rule(None, r=0.1), size=64)
    assert found.verdict.name == "Turing"
    assert found.predicted is not None
    assert found.predicted * 0.8 == pytest.approx(2 * math.pi, rel=0.05)
    assert found.measured is not None
    assert found.measured.near
    assert found.measured.wavelength == pytest.approx(found.predicted, rel=0.06)
    assert found.measured.early == pytest.approx(found.predicted, rel=0.06)
    assert 0.05 < found.measured.deviation < 1


def test_the_linear_growth_is_the_predicted_one() -> None:
    rule = models.load("brusselator").rule(None, B=7.2)
    found = analyze(rule, size=64, run=False)
    assert found.reading is not None
    assert found.reading.best is not None
    growth, point = found.reading.best.growth, np.array(found.reading.point.values)
    runs = [measure(rule, (64, 64), found.scale, near=point, steps=n).deviation for n in (3000, 3500)]
    assert math.log(runs[1] / runs[0]) / (500 * rule.dt) == pytest.approx(growth, rel=0.06)


def test_from_the_first_state_where_nothing_grows() -> None:
    found = analyze(models.get("gray-scott:mitosis"), size=64, steps=50)
    assert found.measured is not None
    assert (found.measured.near, found.measured.steps, found.measured.early) == (False, 50, None)
    assert found.predicted is None


def test_no_wavelength_where_there_is_none() -> None:
    y, x = np.mgrid[:48, :48]
    assert pattern_wavelength(np.ones((1, 48, 48)), np.ones(1)) is None
    assert pattern_wavelength(np.exp(-((x - 24) ** 2 + (y - 24) ** 2) / 200)[None], np.ones(1)) is None
    assert pattern_wavelength(np.cos(2 * np.pi * x / 8)[None], np.ones(1)) == pytest.approx(8)


def test_a_channel_that_hardly_varies_does_not_count() -> None:
    y, x = np.mgrid[:48, :48]
    state = np.stack([np.cos(2 * np.pi * x / 8), 1e-4 * np.cos(2 * np.pi * y / 3)])
    assert pattern_wavelength(state, np.ones(2)) == pytest.approx(8)


def test_a_run_that_diverges_is_reported() -> None:
    found = analyze(models.get("gray-scott:alpha").replace(dt=2.0), size=32, steps=500)
    assert found.measured is not None
    assert found.measured.failure is not None
    assert "diverged" in found.measured.failure
    assert any(r.grid is not None and r.grid.name == "checkerboard" for r in found.readings)


def test_an_analysis_is_json_data() -> None:
    found = analyze(models.get("gray-scott:alpha"), size=16, steps=10)
    data = json.loads(json.dumps(as_data(found), allow_nan=False))
    assert data["diffusion"] == [[0.16, 0], [0, 0.08]]
    assert data["split"]["u"]["diffusion"] == "0.16*u_lap"
    assert data["fixed_points"][0]["values"] == {"u": 1, "v": 0}
    assert data["search"]["complete"]
    assert data["verdict"]["name"] == "excitable"


@pytest.mark.parametrize(("growth", "said"), [(-0.1, "is among those that grow"), (-0.7, "does not grow at")])
def test_of_texture_rules_it_is_said_whether_the_pattern_is_one_that_grows(growth: float, said: str) -> None:
    """λ = growth + 2q − 2q² with q = −∇², h1 being ∇²h0 a step late: a band around q = 1/2 that grows, or dies last."""
    updates = {"h0": f"{growth}*h0 - 2*h0_lap - 2*h1_lap - h0^3", "h1": "200*(h0_lap - h1)"}
    updates |= {f"h{i}": f"-0.5*h{i} + 0.1*h{i}_lap" for i in (2, 3, 4)}
    init = Init("noise", (0.0,) * 5, (0.1,) * 5)
    found = analyze(make_rule(updates, (ID, Stencil("lap", LAP5.kernel)), dt=0.005, init=init), size=48, steps=1600)
    assert found.verdict.name == "undecided"
    assert said in found.verdict.notes[-1]


def test_the_same_seed_gives_the_same_numbers() -> None:
    rule = models.get("brusselator")
    first, second, other = (as_data(analyze(rule, size=24, steps=400, seed=seed)) for seed in (1, 1, 2))
    assert first == second
    assert first["run"]["deviation"] != other["run"]["deviation"]


def test_nullclines_meet_at_the_fixed_points() -> None:
    rule = models.get("fitzhugh-nagumo:labyrinth")
    lines = nullclines(rule, np.array([-2.0, -1.5]), np.array([2.0, 1.5]), 401)
    u, v = lines.points(0).T
    assert v == pytest.approx(u - u**3 / 3, abs=1e-3)
    assert len(u) > 300
    u, v = lines.points(1).T
    assert v == pytest.approx((u + 0.17) / 2, abs=1e-3)


def test_bad_input() -> None:
    rule = models.get("gray-scott")
    with pytest.raises(InputError, match="at least 3 × 3"):
        analyze(rule, size=2)
    with pytest.raises(InputError, match="seed from 0"):
        analyze(rule, seed=-1)
    with pytest.raises(InputError, match="rule of two channels"):
        nullclines(make_rule({"u": "-u"}), np.zeros(1), np.ones(1))
