"""The texture loss of pictures, automata and rules, measured the same way for all."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from distill.teacher import compose
from equations.expressions.infix import parse_infix
from equations.rule.rule import Rule
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import (
    SEEDS,
    flat_loss,
    make_loss,
    make_objective,
    nca_pictures,
    picture_of,
    rule_pictures,
    shortfall,
    texture_loss,
)
from srnca.texture.patches import PatchDistance
from srnca.texture.teacher import NCATeacher
from tests.test_equations.helpers import in_colours
from tests.test_srnca.tiny import checkpoint, simulate_on_torch

MADE = checkpoint(activation="abs", update_rate=0.5)
GRAM = checkpoint(activation="abs", update_rate=0.5, bank="multiscale")  # whose objective has patches too


def rule_of(made: Checkpoint) -> Rule:
    teacher = NCATeacher(made)
    form = teacher.closed_form()
    assert form is not None
    return compose(teacher, form)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_on_torch(monkeypatch)


def test_the_scale_flat_is_one_and_the_target_is_zero() -> None:
    loss = make_loss(MADE)
    assert flat_loss(loss, MADE.target) == pytest.approx(1, abs=1e-4)
    assert texture_loss(loss, MADE.target[None]) == pytest.approx(0, abs=1e-9)
    assert texture_loss(
        loss, np.stack([MADE.target, MADE.target.mean(axis=(0, 1)) + 0 * MADE.target])
    ) == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(
    ("teacher", "rule", "said"),
    [
        (0.1, 0.19, None),
        (0.1, 0.32, "the rule has 3.2 times"),
        (0.1, 0.9, "the rule is no better than a flat colour"),
        (0.1, None, "the rule is no better than a flat colour"),
        (0.6, 0.7, None),
        (1.0, 0.7, "the automaton itself is no better"),
        (None, None, "the automaton itself is no better"),
    ],
)
def test_what_rules_are_warned_of(teacher: float | None, rule: float | None, said: str | None) -> None:
    for refined, advice in ((True, "more --effort"), (False, "so leave out --refine none")):
        got = shortfall({"flat": 0.9, "teacher": teacher, "rule": rule}, refined)
        assert got is None if said is None else got is not None and got.startswith(said)
        assert got is None or not got.startswith("the rule") or advice in got


def test_the_judge_warns_too() -> None:
    good = {"flat": 1.0, "teacher": 0.1, "rule": 0.1}
    for losses, judged, said in (
        (good, good, None),
        (
            good,
            {**good, "rule": 0.26},
            "the rule has 2.6 times the automaton's distance from the picture by the judge:",
        ),
        (
            {**good, "rule": 0.31},
            {**good, "rule": 0.26},
            "the rule has 3.1 times the automaton's texture loss and has 2.6",
        ),
        (good, {**good, "rule": 1.2}, "the rule is no better than a flat colour:"),
        ({**good, "rule": 0.31}, {**good, "rule": None}, "the rule is no better than a flat colour:"),
        (good, {**good, "teacher": 1.1}, "the automaton itself is no better than a flat colour"),
    ):
        got = shortfall(losses, True, judged)
        assert got is None if said is None else got is not None and got.startswith(said)


def test_pictures_of_an_automaton() -> None:
    pictures = nca_pictures(MADE, steps=7)
    assert pictures.shape == (4, 16, 16, 3)
    wanted = NCATeacher(MADE).rollout(size=(16, 16), steps=7, seed=SEEDS[2], every=7)[-1]
    np.testing.assert_allclose(pictures[2], wanted[:3].transpose(1, 2, 0) + 0.5, atol=1e-6)


def test_a_closed_form_makes_the_automatons_pictures() -> None:
    np.testing.assert_allclose(
        rule_pictures(rule_of(MADE), (16, 16), steps=50), nca_pictures(MADE, steps=50), atol=1e-5
    )


def test_colours_that_are_formulas_make_the_pictures() -> None:
    rule = in_colours(rule_of(MADE), "0.5 + r - b*g", "0.5 - g^2", "r")
    state = np.random.default_rng(0).normal(size=(len(rule.channels), 5, 7)).astype(np.float32)
    r, g, b = state[:3].astype(float)
    np.testing.assert_allclose(picture_of(rule, state), np.stack([0.5 + r - b * g, 0.5 - g**2, r], 2), atol=1e-6)
    assert rule_pictures(rule, (8, 8), steps=2, seeds=(0,)).shape == (1, 8, 8, 3)


@pytest.mark.parametrize("clamp", [None, (0.0, 1.0)])
def test_the_display_offset_counts_once(clamp: tuple[float, float] | None) -> None:
    made = checkpoint(activation="linear", clamp=clamp)
    np.testing.assert_allclose(rule_pictures(rule_of(made), (16, 16), steps=3), nca_pictures(made, steps=3), atol=1e-5)


def test_a_rule_that_diverges_has_an_infinite_loss() -> None:
    rule = rule_of(MADE)
    wild = rule.replace(updates={**rule.updates, "g": parse_infix("3*g + 1", rule.feature_names)})
    pictures = rule_pictures(wild, (16, 16), steps=60)
    assert np.isnan(pictures).all()
    assert texture_loss(make_loss(MADE), pictures) == math.inf


def test_evaluation_has_seeds_of_its_own() -> None:
    assert len(set(SEEDS)) == 4
    assert all(seed < 2**31 for seed in SEEDS)  # refinement judges from 2^31 up


# what refinement follows and is judged by


def drawn(batch: int = 2) -> torch.Tensor:
    """Noise in the target's place, so that some of it fits better than the rest."""
    return torch.rand(batch, 3, 16, 16, generator=draws())


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_objective_is_the_training_loss() -> None:
    objective, loss, pictures = make_objective(MADE), make_loss(MADE), drawn().requires_grad_()
    for measure in (objective.measure, objective.judge):
        torch.testing.assert_close(measure(pictures), loss(pictures))
    trained = objective.train(pictures, draws())
    torch.testing.assert_close(trained, loss(pictures).log())
    trained.sum().backward()
    assert pictures.grad is not None
    assert bool(pictures.grad.isfinite().all())
    assert bool(pictures.grad.flatten(1).abs().sum(dim=1).gt(0).all())


def test_the_objective_of_a_gram_loss_has_patches() -> None:
    objective = make_objective(GRAM)
    pictures = drawn().requires_grad_()
    measured, judged = objective.measure(pictures), objective.judge(pictures)
    trained = objective.train(pictures, draws())
    assert measured.shape == judged.shape == trained.shape == (2,)
    torch.testing.assert_close(measured, make_loss(GRAM)(pictures))
    torch.testing.assert_close(judged, (measured**2 * PatchDistance(GRAM.target)(pictures)) ** (1 / 3))
    torch.testing.assert_close(trained, judged.log(), atol=0.2, rtol=0)  # along other directions
    trained.sum().backward()
    assert pictures.grad is not None
    assert bool(pictures.grad.isfinite().all())
    assert bool(pictures.grad.flatten(1).abs().sum(dim=1).gt(0).all())


def test_training_draws_its_directions_and_judging_does_not() -> None:
    objective, pictures = make_objective(GRAM), drawn()
    assert torch.equal(objective.judge(pictures), objective.judge(pictures))
    assert torch.equal(objective.train(pictures, draws(1)), objective.train(pictures, draws(1)))
    assert not torch.equal(objective.train(pictures, draws(1)), objective.train(pictures, draws(2)))
    random = draws(1)
    assert not torch.equal(objective.train(pictures, random), objective.train(pictures, random))


@pytest.mark.parametrize("made", [MADE, GRAM], ids=["wavelet", "gram"])
def test_the_objective_prefers_the_target(made: Checkpoint) -> None:
    objective = make_objective(made)
    target = torch.from_numpy(made.target.transpose(2, 0, 1).copy())[None].requires_grad_()
    for score in (objective.judge, objective.measure, lambda rgb: objective.train(rgb, draws())):
        assert float(score(target.detach())) < float(score(drawn(1)))
    assert float(objective.judge(target.detach())) == pytest.approx(0, abs=2e-6)
    trained = objective.train(target, draws())
    assert float(trained.detach()) == pytest.approx(math.log(1e-6))  # as good as can be told
    trained.sum().backward()
    assert target.grad is not None
    assert not target.grad.any()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_pictures_that_are_not_finite_have_an_infinite_loss(value: float) -> None:
    pictures = np.full((1, 32, 32, 3), 0.5, np.float32)
    loss = make_loss(MADE)
    assert np.isfinite(texture_loss(loss, pictures))
    pictures[0, 3, 4] = value
    assert texture_loss(loss, pictures) == np.inf
    assert texture_loss(loss, np.full_like(pictures, 7.0)) == texture_loss(loss, np.ones_like(pictures))  # as shown
