"""The automaton behind the teacher protocol says what the network says, mask and closed form included."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from distill.pipeline import distill
from distill.teacher import Teacher, compose
from equations.expressions.numeric import compile_numpy
from equations.perception import perceive
from equations.rule.init import make_state
from equations.rule.mask import update_mask
from equations.rule.stencils import feature_names
from equations.simulation import Simulator
from srnca.texture.network import NCA
from srnca.texture.teacher import NCATeacher
from tests.test_srnca.tiny import checkpoint

SIZE = (12, 15)


def teacher_of(**settings: object) -> NCATeacher:
    return NCATeacher(checkpoint(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("activation", ["relu", "linear", "abs"])
@pytest.mark.parametrize("filters", [2, 6])
def test_the_update_is_the_networks_update(activation: str, filters: int) -> None:
    made = checkpoint(activation=activation, filters=filters)
    teacher, state = NCATeacher(made), torch.randn(1, 4, *SIZE, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted = made.nca.update(made.nca.perceive(state))[0].flatten(1).T.numpy()  # (n, channel)
    rows = perceive(state[0].numpy(), teacher.stencils).reshape(4 * filters, -1).T
    np.testing.assert_allclose(teacher.update(rows), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(teacher.update(rows.astype(np.float64)), wanted, rtol=1e-5, atol=1e-5)
    assert np.abs(wanted).max() > 0.1


def test_it_answers_the_protocol() -> None:
    made = checkpoint(update_rate=0.5, mask="channel", clamp=(0.0, 1.0))
    teacher: Teacher = NCATeacher(made)
    assert teacher.channels == ("r", "g", "b", "h3")
    assert teacher.stencils == made.nca.perceive.stencils
    assert (teacher.dt, teacher.update_rate, teacher.mask, teacher.clamp) == (1.0, 0.5, "channel", (0.0, 1.0))
    assert teacher.init == made.nca.first_state
    assert teacher.display is not None
    assert teacher.display.offset == 0


@pytest.mark.parametrize(("rate", "mask"), [(1.0, "cell"), (0.5, "cell"), (0.5, "channel"), (0.98, "cell")])
def test_a_rollout_is_the_automaton_under_the_hashed_mask(rate: float, mask: str) -> None:
    made = checkpoint(update_rate=rate, mask=mask)
    teacher = NCATeacher(made)
    frames = teacher.rollout(size=SIZE, steps=5, seed=7, every=1)
    assert frames.shape == (6, 4, *SIZE)
    assert frames.dtype == np.float32
    state = make_state(made.nca.first_state, 4, SIZE, 7)
    np.testing.assert_array_equal(frames[0], state)
    for step in range(5):
        on = update_mask(rate, seed=7, step=step, shape=SIZE, channels=4 if mask == "channel" else None)
        rows = perceive(state, teacher.stencils).reshape(16, -1).T
        state = np.where(on, state + teacher.update(rows).T.reshape(4, *SIZE), state)
        np.testing.assert_allclose(frames[step + 1], state, atol=1e-5)


def test_every_keeps_every_so_many_steps() -> None:
    teacher = teacher_of()
    all_of_them = teacher.rollout(size=SIZE, steps=12, seed=0, every=1)
    np.testing.assert_array_equal(teacher.rollout(size=SIZE, steps=12, seed=0, every=5), all_of_them[::5])
    np.testing.assert_array_equal(teacher.rollout(size=SIZE, steps=0, seed=0, every=1), all_of_them[:1])


def test_a_full_update_rate_needs_no_mask() -> None:
    assert teacher_of().step_mask(SIZE, 0, 0) is None
    drawn = teacher_of(update_rate=0.25).step_mask(SIZE, 3, 4)
    assert drawn is not None
    np.testing.assert_array_equal(drawn[0, 0].numpy() == 1, update_mask(0.25, seed=3, step=4, shape=SIZE))


def test_a_relu_network_has_no_closed_form() -> None:
    assert teacher_of(activation="relu").closed_form() is None


@pytest.mark.parametrize("activation", ["linear", "abs"])
@pytest.mark.parametrize("mask", ["cell", "channel"])
@pytest.mark.parametrize("clamp", [None, (-0.2, 0.25)])
def test_exact_is_the_network_for_200_steps(activation: str, mask: str, clamp: tuple[float, float] | None) -> None:
    """The same mask, the fused kernel against the network: apart by float32 rounding, no more."""
    teacher = teacher_of(activation=activation, update_rate=0.6, mask=mask, clamp=clamp, channels=3, filters=3)
    rule = distill(teacher, engine="exact", rows=500, size=SIZE, steps=20).rule
    assert dict(rule.updates) == teacher.closed_form()
    simulator = Simulator(rule, size=SIZE, seed=11)
    frames = teacher.rollout(size=SIZE, steps=200, seed=11, every=1)
    np.testing.assert_array_equal(simulator.state, frames[0])
    for step in (1, 2, 20, 200):
        simulator.step(step - simulator.steps_done)
        np.testing.assert_allclose(simulator.state, frames[step], atol=3e-6)
    assert np.abs(frames[1] - frames[0]).max() > 0.01
    other = teacher.rollout(size=SIZE, steps=1, seed=12, every=1)
    assert np.abs(other[1] - frames[1]).max() > 0.01  # another seed is another mask: the check can fail


def test_the_closed_form_has_the_terms_of_the_network() -> None:
    teacher = teacher_of(activation="abs")
    form = teacher.closed_form()
    assert form is not None
    rule = compose(teacher, form)
    assert set(rule.terms().values()) == {2 * 16 + 1}
    assert rule.feature_names == feature_names(teacher.channels, teacher.stencils)


def test_an_untrained_automaton_has_the_zero_form() -> None:
    made = checkpoint(activation="abs")
    still = replace(made, nca=NCA(made.config.nca))
    assert NCATeacher(still).closed_form() == dict.fromkeys(("r", "g", "b", "h3"), 0)


def test_the_long_form_is_the_relu_network() -> None:
    made = checkpoint(activation="relu")
    teacher = NCATeacher(made)
    form = teacher.long_form()
    assert form is not None
    assert teacher.closed_form() is None
    p = np.random.default_rng(0).normal(size=(50, 16))
    evaluate = compile_numpy(
        [form[channel] for channel in teacher.channels], feature_names(teacher.channels, teacher.stencils)
    )
    np.testing.assert_allclose(evaluate(p.T).T, teacher.update(p), atol=1e-5)


@pytest.mark.parametrize("activation", ["linear", "abs"])
def test_others_have_no_long_form(activation: str) -> None:
    assert NCATeacher(checkpoint(activation=activation)).long_form() is None
