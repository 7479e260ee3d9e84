"""Steps of a rule, or samples of continuous time."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.pde_data import add_noise
from benchmarks.pde_data import record as solve
from distill.weak.both_ways import step_rows
from distill.weak.bumps import Bump
from distill.weak.timing import decide_time
from tests.test_distill.recorded import ALLEN_CAHN, law, noisy, record

RULE = law(ALLEN_CAHN, dt=0.1)


@pytest.mark.parametrize(("every", "step"), [(1, 1.0), (4, 0.25)])
def test_an_automaton_takes_steps_and_their_length_is_found(every: int, step: float) -> None:
    frames = record(RULE, steps=30 * every, every=every, size=24)
    found = decide_time([frames], ("u",), 0.1 * every)
    assert (found.time, found.step) == ("steps", step)
    assert found.unexplained["steps"] < 1e-9 < 1e-5 < found.unexplained["continuous"]
    assert "read as the steps of a rule: of the squared change, 3 x 3 stencils leave" in found.reason


def test_samples_of_a_differential_equation_are_continuous() -> None:
    recording = solve("allen-cahn", size=32, frames=30)
    found = decide_time([recording.frames], recording.channels, recording.dt, recording.dx)
    assert found.time == "continuous"
    assert found.odds < -3 * found.error < 0
    assert found.unexplained["continuous"] < 0.1 * found.unexplained["steps"]


def test_what_noise_hides_is_called_continuous_for_lack_of_a_difference() -> None:
    found = decide_time([noisy(record(RULE, steps=30, size=24), 0.2)], ("u",), 0.1)
    assert found.time == "continuous"
    assert "for lack of a clear difference" in found.reason


@pytest.mark.parametrize(("every", "noise"), [(1, 0.02), (8, 0.01)])
def test_an_automaton_is_told_from_a_differential_equation_in_spite_of_noise(every: int, noise: float) -> None:
    frames = record(RULE, steps=50 * every, every=every, size=48)
    found = decide_time([noisy(frames, noise)], ("u",), 0.1 * every)
    assert found.time == "steps"
    assert "few terms through 3 x 3 stencils" in found.reason
    assert found.unexplained["steps"] < found.unexplained["continuous"]


def test_a_differential_equation_with_noise_is_told_from_an_automaton() -> None:
    recording = add_noise(solve("fitzhugh-nagumo", size=48, frames=50), 0.01)
    found = decide_time([recording.frames], recording.channels, recording.dt, recording.dx)
    assert found.time == "continuous"
    assert "the same terms by derivatives" in found.reason


def test_few_terms_that_explain_little_say_nothing() -> None:
    recording = add_noise(solve("swift-hohenberg", size=48, frames=50), 0.01)  # its fourth derivatives are not in them
    found = decide_time([recording.frames], recording.channels, recording.dt, recording.dx)
    assert found.time == "continuous"
    assert "few terms" not in found.reason


def test_small_recordings_and_still_channels_are_read_as_steps() -> None:
    frames = record(RULE, steps=30, size=24)
    assert "fewer than 16 frames" in decide_time([frames[:12]], ("u",), 0.1).reason
    still = np.concatenate([frames, np.ones_like(frames)], axis=1)
    found = decide_time([still], ("u", "v"), 0.1)
    assert (found.time, "the same value throughout" in found.reason) == ("steps", True)


def test_units_do_not_matter() -> None:
    frames = 3e7 * record(RULE, steps=30, size=24).astype(np.float64) + 1e9
    assert decide_time([frames], ("u",), 1e-6, 1e-6).time == "steps"


def test_a_step_in_a_window_is_the_mean_of_forward_differences() -> None:
    u = np.random.default_rng(0).normal(size=30)
    bump = Bump(6, 5)
    weights = step_rows(30, bump, [12], 1.0)[0]
    shape = (1 - (np.arange(-6, 7) / 6) ** 2) ** 5
    assert weights @ u == pytest.approx(shape @ np.diff(u)[6:19] / shape.sum())
    t = np.arange(30.0)
    assert step_rows(30, Bump(9, 9), [14], 0.5)[0] @ t**2 == pytest.approx(2 * 14 + 0.5, rel=1e-4)
    assert step_rows(30, Bump(9, 9), [14], 0.0)[0] @ t**2 == pytest.approx(2 * 14, rel=1e-4)
