"""Rollouts: which frames, which errors, the patterns that should form, pictures, comparisons."""

from __future__ import annotations

import numpy as np
import pytest

from equations import models
from equations.compare import compare_rollouts
from equations.errors import DivergenceError, InputError
from equations.init import Init
from equations.rendering import render
from equations.rule import Display
from equations.simulation import Simulator, frame_steps, simulate
from tests.test_equations.helpers import make_rule

GROWING = make_rule({"u": "0*u", "v": "v"}, init=Init("noise", (1.0, 1.0), (0.0, 0.0)))


def test_frame_steps():
    assert frame_steps(10, 4) == [0, 4, 8, 10]
    assert frame_steps(0) == [0]
    assert frame_steps(3, 100) == [0, 3]
    assert len(frame_steps(1000)) == 51
    assert len(frame_steps(1001)) == 49
    assert frame_steps(7)[-1] == 7
    for bad in ((-1, None), (10, 0), (1.5, None), (True, 1)):
        with pytest.raises(InputError, match="whole number"):
            frame_steps(*bad)


def test_frames_are_the_simulator_s_states():
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


def test_a_given_state():
    state = np.random.default_rng(0).random((2, 6, 7))
    frames = simulate(GROWING, state=state, steps=1, backend="reference")
    np.testing.assert_array_equal(frames[0], state.astype(np.float32))
    np.testing.assert_array_equal(frames[1, 1], 2 * state[1].astype(np.float32))
    for bad in (np.zeros((3, 6, 7)), np.zeros((6, 7)), np.zeros((2, 0, 7))):
        with pytest.raises(InputError, match="2 channels"):
            simulate(GROWING, state=bad, steps=1)


def test_divergence_names_the_place():
    with pytest.raises(DivergenceError, match=r"channel 'v'.*smaller dt") as caught:
        simulate(GROWING, size=8, steps=100, every=10)
    assert (caught.value.step, caught.value.channel, caught.value.y, caught.value.x) == (20, "v", 0, 0)
    state = np.zeros((2, 4, 4))
    state[0, 2, 3] = np.nan
    with pytest.raises(DivergenceError) as caught:
        simulate(GROWING, state=state, steps=1)
    assert (caught.value.step, caught.value.channel, caught.value.y, caught.value.x) == (0, "u", 2, 3)


def test_bad_arguments():
    for changes in ({"size": 0}, {"seed": -1}, {"steps": -1}, {"backend": "cobol"}, {"size": (4, 4, 4)}):
        with pytest.raises(InputError):
            simulate(GROWING, **{"size": 8, "steps": 1, **changes})
    with pytest.raises(InputError, match="fewer with a larger `every`"):
        simulate(GROWING, size=1024, steps=10**6, every=1)
    with pytest.raises(InputError, match="steps from 0 up"):
        Simulator(GROWING, 4).step(-1)


@pytest.mark.parametrize("preset", ["coral", "spots", "waves"])
def test_gray_scott_forms_patterns(preset):
    rule = models.get("gray-scott", preset=preset)
    frames = simulate(rule, size=96, steps=3000, seed=0, every=1500)
    v = frames[-1, 1]
    assert v.std() > 0.05
    assert 0.2 < v.max() < 1.0
    spectrum = np.abs(np.fft.rfft2(v - v.mean())) ** 2
    fine = np.hypot(*np.meshgrid(np.fft.rfftfreq(96), np.fft.fftfreq(96))) > 1.5 / 96
    assert spectrum[fine].sum() / spectrum.sum() > 0.3, "no structure below the size of the grid"


def test_gray_scott_dies_of_too_much_removal():
    dead = simulate(models.load("gray-scott").rule("coral", k=0.09), size=96, steps=1500, seed=0, every=1500)
    assert dead[-1, 1].std() < 1e-3


def test_render():
    rule = make_rule({"r": "0*r", "g": "0*g", "b": "0*b"}, display=Display(("b", "r", "g"), 0.5, 0.5))
    state = np.zeros((3, 2, 2), np.float32)
    state[0] = [[-2, -1], [1, 2]]
    picture = render(rule, state)
    assert picture.dtype == np.uint8
    assert picture.shape == (2, 2, 3)
    assert picture[..., 1].tolist() == [[0, 0], [255, 255]]
    assert (picture[..., 0] == 128).all()
    grey = render(rule.replace(display=Display(("r",))), np.full((3, 1, 1), 0.2))
    assert grey.tolist() == [[[51, 51, 51]]]
    ends = render(rule.replace(display=Display(("r",), colormap="viridis")), np.array([[[0.0, 1, np.nan]]] * 3))
    assert ends.tolist() == [[[68, 1, 84], [253, 231, 37], [68, 1, 84]]]
    assert render(rule.replace(display=None), state)[..., 0].tolist() == [[0, 0], [255, 255]]
    with pytest.raises(InputError, match="3 channels"):
        render(rule, state[:2])


def test_comparison():
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
