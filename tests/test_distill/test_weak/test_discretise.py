"""The rule that simulates an equation: how far it is from the equation, and that it keeps what the equation keeps."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.pde_data import Recording, record
from benchmarks.pde_systems import PDES
from distill.weak.discretise import Discretised, discretise
from distill.weak.equation import Equation
from equations.rule.auxiliary import settle
from equations.rule.rulefile import rule_from_dict, rule_to_dict
from equations.rule.zoom import zoomed
from equations.simulation import Simulator
from tests.test_distill.test_weak.laws import written


@cache
def recorded(name: str) -> Recording:
    return record(name, size=40, frames=24)


def equation_of(name: str) -> Equation:
    law, recording = PDES[name].law, recorded(name)
    assert law is not None
    return written(law, dt=recording.dt, dx=recording.dx)


@cache
def ruled(name: str) -> Discretised:
    found = discretise(equation_of(name), recorded(name).frames)
    assert found is not None
    return found


def run_on(found: Discretised, state: np.ndarray, frames: int) -> np.ndarray:
    simulator = Simulator(found.rule, state=settle(found.rule, state), dtype="float64")
    return np.array(simulator.step(found.steps * frames))


@pytest.mark.parametrize("name", ["lambda-omega", "swift-hohenberg", "anisotropic", "keller-segel"])
def test_the_rule_follows_the_recording_as_closely_as_it_says(name):
    found, frames = ruled(name), recorded(name).frames
    assert found.error is not None
    begin = len(frames) - 1 - found.frames
    state = run_on(found, frames[begin], found.frames)[: frames.shape[1]]
    change = np.sqrt(np.square(frames[-1] - frames[begin]).mean())
    apart = np.sqrt(np.square(state - frames[-1]).mean())
    assert apart / change < 3 * found.error  # the last of the frames that the error is a mean of
    assert found.error < 0.05
    assert found.step_error < 0.02


def test_a_fourth_order_law_becomes_a_rule_by_auxiliary_species():
    found = ruled("swift-hohenberg")
    assert found.rule.channels[0] == "u"
    assert {"w_u"} <= set(found.rule.provenance["auxiliary"])
    assert "auxiliary species" in found.text()
    again = rule_from_dict(rule_to_dict(found.rule))
    assert again == found.rule
    assert again.provenance["auxiliary"] == found.rule.provenance["auxiliary"]


def test_what_is_a_divergence_keeps_its_mean():
    found, start = ruled("cahn-hilliard"), recorded("cahn-hilliard").frames[3]
    after = run_on(found, start, 20)
    assert after[0].mean() == pytest.approx(start[0].mean(), abs=1e-9)
    assert np.abs(after[0] - start[0]).max() > 0.1


def test_waves_do_not_grow():
    found, start = ruled("wave"), recorded("wave").frames[3]
    early, late = (max(run_on(found, start, n).std() for n in range(a, a + 40)) for a in (100, 2000))
    assert late < 1.2 * early  # with the old velocity it would be e^30 times as large


def test_the_step_is_as_short_as_diffusion_asks_for():
    strong = discretise(written({"u": {"lap(u)": 50.0}}, dt=0.05, dx=0.7), recorded("allen-cahn").frames)
    assert strong is not None
    assert strong.steps > 1
    assert strong.rule.dt * 50 * (16 / 3) / 0.7**2 < 2  # of the shortest wave on the grid, 1 - dt·D·k² > -1


def test_an_equation_that_grows_without_bound_has_no_rule():
    assert discretise(written({"u": {"lap(u)": -1.0}}), recorded("allen-cahn").frames) is None


def test_walls_are_run_beside_their_mirror_images():
    recording = recorded("allen-cahn")
    pieces = recording.frames[:, :, :24, :30]
    law = PDES["allen-cahn"].law
    assert law is not None
    found = discretise(written(law, dt=recording.dt, dx=recording.dx, boundary="walls"), pieces)
    assert found is not None
    assert found.error is not None
    assert found.error < 0.1


def test_a_sharpened_rule_can_be_zoomed():
    found = ruled("swift-hohenberg")
    assert any(stencil.name == "sharp" for stencil in found.rule.stencils)
    larger = zoomed(found.rule, 2.0)
    # a wave four times as long as the grid's shortest decays as half as long a wave does without zoom
    rates = []  # of a wave, and of one half as long without the zoom
    for rule, waves in ((larger, 4), (found.rule, 8)):
        wave = 1e-3 * np.cos(2 * np.pi * waves * np.arange(64) / 64)[None, None, :] * np.ones((1, 8, 1))
        run = Simulator(rule, state=settle(rule, wave), dtype="float64")
        steps = round(1.0 / rule.dt)
        rates.append(np.log(np.abs(run.step(steps)[0]).max() / np.abs(wave).max()) / (steps * rule.dt))
    assert rates[0] == pytest.approx(rates[1], rel=0.05)
