"""A network that runs on grids of any size, in bands, as the teacher's rollouts have it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from equations.errors import DivergenceError, InputError
from equations.rule.init import make_state
from srnca.automata import Automaton, load
from srnca.automata.stepping import LEAST_ROWS, NUMBERS, make_simulator, make_stepper, outline
from srnca.dynamics.automaton import RecordingAutomaton
from srnca.dynamics.teacher import RecordingNCATeacher
from srnca.texture.automaton import TextureAutomaton
from srnca.texture.checkpoint import save_checkpoint
from srnca.texture.teacher import NCATeacher
from tests.test_srnca.recorded import untrained
from tests.test_srnca.tiny import checkpoint

TALL = (3 * LEAST_ROWS + 3, 14)


def in_bands(teacher: NCATeacher | RecordingNCATeacher) -> NCATeacher | RecordingNCATeacher:
    """A teacher that claims to need so much memory that bands are as low as they may be."""
    teacher.numbers = 10**9
    return teacher


@pytest.mark.parametrize("mask", ["cell", "channel"])
@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_a_run_has_the_states_of_a_rollout(activation: str, mask: str) -> None:
    automaton = TextureAutomaton(checkpoint(activation=activation, update_rate=0.5, mask=mask))
    simulator = automaton.simulator(TALL, 3)
    frames = automaton.teacher.rollout(size=TALL, steps=9, seed=3, every=3)
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(simulator.state, frame)
        assert simulator.steps_done == 3 * number
        simulator.step(3)
    assert not np.array_equal(frames[1], automaton.teacher.rollout(size=TALL, steps=3, seed=4, every=3)[1])


@pytest.mark.parametrize(
    "made", [NCATeacher(checkpoint(update_rate=0.5, clamp=(0.0, 1.0))), RecordingNCATeacher(untrained())]
)
def test_bands_and_threads_change_nothing(made: NCATeacher | RecordingNCATeacher) -> None:
    state = make_state(outline(made).init, len(made.channels), TALL, 5).astype(made.dtype)  # type: ignore[arg-type]
    whole = make_stepper(made)(state, 7, 4, 5)
    numbers, made.numbers = made.numbers, 10**9
    bands = [make_stepper(made, threads)(state, 7, 4, 5) for threads in (1, 2)]
    made.numbers = numbers
    np.testing.assert_array_equal(*bands)
    np.testing.assert_allclose(bands[0], whole, rtol=1e-5, atol=1e-6)
    assert np.abs(whole - state).max() > 1e-3


def test_a_band_is_neighbour_to_the_opposite_edge() -> None:
    """A shift by half the height moves a cell across an edge, and changes nothing else."""
    teacher = in_bands(NCATeacher(checkpoint()))
    state = make_state(teacher.nca.first_state, 4, (32, 11), 2)
    stepper = make_stepper(teacher)
    shifted = stepper(np.roll(state, 16, axis=1), 0, 5, 0)
    np.testing.assert_allclose(np.roll(shifted, -16, axis=1), stepper(state, 0, 5, 0), atol=1e-6)


def test_a_stepper_leaves_the_state_alone_unless_it_gets_scratch() -> None:
    teacher = NCATeacher(checkpoint())
    state = make_state(teacher.nca.first_state, 4, (9, 8), 0)
    before, threads = state.copy(), torch.get_num_threads()
    later = make_stepper(teacher)(state, 0, 3, 0)
    np.testing.assert_array_equal(state, before)
    scratch = np.empty_like(state)
    again = make_stepper(teacher)(state, 0, 3, 0, scratch)
    np.testing.assert_array_equal(again, later)
    assert again is state or again is scratch
    assert torch.get_num_threads() == threads


def test_a_recording_starts_from_its_first_frame_in_its_own_size_and_precision() -> None:
    automaton: Automaton = RecordingAutomaton(untrained())
    for seed, size in ((0, (20, 20)), (3, (12, 20))):
        simulator = automaton.simulator(seed=seed)
        assert (simulator.size, simulator.state.dtype, simulator.state.shape[0]) == (size, np.float64, 3)
        frames = automaton.teacher.rollout(size=size, steps=4, seed=seed, every=2)
        np.testing.assert_array_equal(simulator.state.astype(np.float32), frames[0])
        np.testing.assert_array_equal(simulator.step(4).astype(np.float32), frames[-1])
        assert np.abs(frames[-1] - frames[0]).max() > 1e-4
    larger = automaton.simulator((30, 25), seed=1)
    assert larger.rule.init is not None
    np.testing.assert_array_equal(larger.state, make_state(larger.rule.init, 3, (30, 25), 1))


def test_the_outline_has_all_but_the_updates() -> None:
    made = checkpoint(update_rate=0.25, mask="channel", clamp=(0.0, 1.0))
    rule = outline(NCATeacher(made))
    assert (rule.channels, rule.update_rate, rule.mask, rule.clamp) == (("r", "g", "b", "h3"), 0.25, "channel", (0, 1))
    assert rule.display == made.nca.display
    assert not any(rule.expressions)
    law = outline(RecordingNCATeacher(untrained()))
    assert (law.dt, law.dx) == (0.01, 0.5)
    other = outline(NCATeacher(checkpoint(seed=1, update_rate=0.25, mask="channel", clamp=(0.0, 1.0))))
    assert (other == rule, other.provenance["network"] == rule.provenance["network"]) == (True, False)


def test_a_network_that_blows_up_says_where_and_when() -> None:
    made = checkpoint()
    with torch.no_grad():
        made.nca.weight.mul_(-300)
    simulator = make_simulator(NCATeacher(made), 16)
    with pytest.raises(DivergenceError, match="diverged at step"):
        simulator.step(50)


def test_a_simulator_of_a_file_is_reset_and_continued(tmp_path: Path) -> None:
    save_checkpoint(checkpoint(update_rate=0.5), tmp_path / "x.pt")
    simulator = load(tmp_path / "x.pt").simulator(16, 2)
    late = simulator.step(6).copy()
    simulator.reset()
    half = simulator.step(3).copy()
    other = load(tmp_path / "x.pt").simulator(seed=2, state=half, threads=1)
    other.steps_done = 3
    np.testing.assert_array_equal(other.step(3), late)
    assert load(tmp_path / "x.pt").simulator().size == (256, 256)
    with pytest.raises(InputError, match="expected a seed"):
        load(tmp_path / "x.pt").simulator(16, -1)


def test_a_large_grid_is_stepped_in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = NCATeacher(checkpoint(channels=8, hidden=48))
    heights = []

    def advance(state: torch.Tensor, rows: torch.Tensor, seed: int, step: int) -> torch.Tensor:
        heights.append(state.shape[1] - 2)
        return state

    monkeypatch.setattr(teacher, "advance", advance)
    state = make_state(teacher.nca.first_state, 8, (1024, 1024), 0)
    np.testing.assert_array_equal(make_stepper(teacher)(state, 0, 1, 0), state)
    assert sum(heights) == 1024
    assert max(heights) * 1024 * teacher.numbers <= NUMBERS
    assert max(heights) - min(heights) <= 1
