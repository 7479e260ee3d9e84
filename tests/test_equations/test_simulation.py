"""Rollouts: which frames, which errors, how much memory, the patterns that should form, comparisons."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from equations import models
from equations.backends import reference, resolve
from equations.comparison.rollouts import compare_rollouts
from equations.errors import DivergenceError, InputError
from equations.rule.init import Init
from equations.simulation import Simulator, frame_steps, simulate
from tests.test_equations.helpers import make_rule

GROWING = make_rule({"u": "0*u", "v": "v"}, init=Init("noise", (1.0, 1.0), (0.0, 0.0)))


def test_frame_steps() -> None:
    assert frame_steps(10, 4) == [0, 4, 8, 10]
    assert frame_steps(0) == [0]
    assert frame_steps(3, 100) == [0, 3]
    assert len(frame_steps(1000)) == 51
    assert len(frame_steps(1001)) == 49
    assert frame_steps(7)[-1] == 7
    for bad in ((-1, None), (10, 0), (1.5, None), (True, 1)):
        with pytest.raises(InputError, match="whole number"):
            frame_steps(*bad)


def test_frames_are_the_simulator_s_states() -> None:
    rule = models.get("gray-scott:coral").replace(update_rate=0.5)
    calls = []
    frames = simulate(rule, size=(20, 24), steps=9, seed=2, every=4, progress=lambda *a: calls.append(a))
    assert frames.shape == (4, 2, 20, 24)
    assert frames.dtype == np.float32
    assert calls == [(0, 9), (4, 9), (8, 9), (9, 9)]
    simulator = Simulator(rule, (20, 24), seed=2)
    np.testing.assert_array_equal(frames[0], simulator.state)
    simulator.step(3)
    simulator.step()
    assert simulator.steps_done == 4
    np.testing.assert_array_equal(frames[1], simulator.state)
    np.testing.assert_array_equal(frames, simulate(rule, size=(20, 24), steps=9, seed=2, every=4))
    assert not np.array_equal(frames, simulate(rule, size=(20, 24), steps=9, seed=3, every=4))


def test_a_given_state() -> None:
    state = np.random.default_rng(0).random((2, 6, 7))
    frames = simulate(GROWING, state=state, steps=1, backend="reference")
    np.testing.assert_array_equal(frames[0], state.astype(np.float32))
    np.testing.assert_array_equal(frames[1, 1], 2 * state[1].astype(np.float32))
    for bad in (np.zeros((3, 6, 7)), np.zeros((6, 7)), np.zeros((2, 0, 7))):
        with pytest.raises(InputError, match="2 channels"):
            simulate(GROWING, state=bad, steps=1)


def test_a_state_can_be_taken_and_given() -> None:
    rule = models.get("gray-scott:coral").replace(update_rate=0.5)
    simulator = Simulator(rule, (12, 16), seed=3)
    first = simulator.state.copy()
    returned = simulator.step(5)
    assert returned is simulator.state
    kept = simulator.state.copy()
    on = simulator.step(4).copy()
    simulator.state, simulator.steps_done = kept, 5  # the mask counts on from there
    np.testing.assert_array_equal(simulator.step(4), on)
    assert not np.shares_memory(simulator.state, kept)
    simulator.reset()
    assert simulator.steps_done == 0
    np.testing.assert_array_equal(simulator.state, first)
    simulator.state = np.zeros((2, 5, 7), np.int8)  # another size will do
    assert simulator.step().shape == (2, 5, 7)
    simulator.reset()
    assert simulator.state.shape == (2, 5, 7)
    for bad in (np.zeros((3, 6, 7)), np.zeros((2, 3, 3), complex), [[[0]], [[0, 1]]], "state"):
        with pytest.raises(InputError, match=r"expected a state"):
            simulator.state = bad
    with pytest.raises(DivergenceError, match="at step 0"):
        simulator.state = np.full((2, 4, 4), np.inf)


def test_a_diverged_simulation_starts_again() -> None:
    simulator = Simulator(GROWING, 8)
    with pytest.raises(DivergenceError):
        simulator.step(100)
    simulator.reset()
    np.testing.assert_array_equal(simulator.step(3)[1], 8.0)


def test_backend_dtype_and_threads() -> None:
    rule = models.get("gray-scott:coral")
    assert Simulator(rule, 8).backend == resolve("auto")
    assert Simulator(rule, 8, backend="reference").backend == "reference"
    doubles = [simulate(rule, size=16, steps=50, backend=name, dtype="float64")[-1] for name in ("auto", "reference")]
    assert {frames.dtype for frames in doubles} == {np.dtype(np.float64)}
    np.testing.assert_allclose(doubles[0], doubles[1], rtol=1e-12)
    single = simulate(rule, size=16, steps=50, threads=1)[-1]
    assert single.dtype == np.float32
    assert 0 < np.abs(single - doubles[0]).max() < 1e-4
    for changes in ({"dtype": "float16"}, {"threads": 0}, {"threads": 1.5}, {"threads": True}):
        with pytest.raises(InputError, match=r"expected (dtype|a number of threads)"):
            simulate(rule, size=8, steps=1, backend="reference", **changes)


def test_threads_are_at_most_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr("equations.backends.cores", lambda: 3)
    monkeypatch.setattr(reference, "make_stepper", lambda *_, threads: taken.append(threads))
    for wanted in (None, 2, 3, 64):
        Simulator(models.get("gray-scott"), 8, backend="reference", threads=wanted)
    assert taken == [None, 2, 3, 3]


def test_a_run_takes_the_memory_of_two_states() -> None:
    rule = models.get("gray-scott:coral")
    Simulator(rule, 16).step(2)  # what is loaded once does not count
    tracemalloc.start()
    try:
        simulator = Simulator(rule, 1024)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(3):
            simulator.step(2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert simulator.state.nbytes <= before  # NumPy's memory is seen
    assert peak <= 2.2 * simulator.state.nbytes


def test_divergence_names_the_place() -> None:
    with pytest.raises(DivergenceError, match=r"channel 'v'.*smaller dt") as caught:
        simulate(GROWING, size=8, steps=100, every=10)
    assert (caught.value.step, caught.value.channel, caught.value.y, caught.value.x) == (20, "v", 0, 0)
    state = np.zeros((2, 4, 4))
    state[0, 2, 3] = np.nan
    with pytest.raises(DivergenceError) as caught:
        simulate(GROWING, state=state, steps=1)
    assert (caught.value.step, caught.value.channel, caught.value.y, caught.value.x) == (0, "u", 2, 3)


def test_bad_arguments() -> None:
    for changes in ({"size": 0}, {"seed": -1}, {"steps": -1}, {"backend": "cobol"}, {"size": (4, 4, 4)}):
        with pytest.raises(InputError):
            simulate(GROWING, **{"size": 8, "steps": 1, **changes})
    with pytest.raises(InputError, match="fewer with a larger `every`"):
        simulate(GROWING, size=1024, steps=10**6, every=1)
    with pytest.raises(InputError, match="steps from 0 up"):
        Simulator(GROWING, 4).step(-1)


@pytest.mark.parametrize("preset", ["coral", "spots", "waves"])
def test_gray_scott_forms_patterns(preset: str) -> None:
    rule = models.get("gray-scott", preset=preset)
    frames = simulate(rule, size=96, steps=3000, seed=0, every=1500)
    v = frames[-1, 1]
    assert v.std() > 0.05
    assert 0.2 < v.max() < 1.0
    spectrum = np.abs(np.fft.rfft2(v - v.mean())) ** 2
    fine = np.hypot(*np.meshgrid(np.fft.rfftfreq(96), np.fft.fftfreq(96))) > 1.5 / 96
    assert spectrum[fine].sum() / spectrum.sum() > 0.3, "no structure below the size of the grid"


def test_gray_scott_dies_of_too_much_removal() -> None:
    dead = simulate(models.load("gray-scott").rule("coral", k=0.09), size=96, steps=1500, seed=0, every=1500)
    assert dead[-1, 1].std() < 1e-3


def test_comparison() -> None:
    rule = models.get("gray-scott:coral").replace(update_rate=0.5)
    same = compare_rollouts(rule, rule, size=24, steps=20)
    assert same.worst == 0
    assert same.steps[-1] == 20
    swapped = rule.replace(channels=("v", "u"), init=None)
    assert compare_rollouts(rule, swapped, size=24, steps=20, backend="reference").worst == 0
    other = compare_rollouts(rule, rule.replace(dt=0.9), size=24, steps=20)
    assert 0 < other.rms[1] <= other.maximum[1]
    assert other.maximum[0] == 0
    gone = compare_rollouts(GROWING, GROWING.replace(updates={"u": 0, "v": 0}), size=8, steps=50, backend="reference")
    assert gone.diverged is not None
    assert gone.diverged.startswith("a: ")
    assert gone.worst == float("inf")
    with pytest.raises(InputError, match="same channels"):
        compare_rollouts(rule, make_rule({"a1": "0*a1"}))
