"""`verify` accepts the automaton's own algebra and refuses everything else, each of its checks on its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from equations.errors import InputError, SrncaError
from equations.expressions.infix import parse_infix
from equations.rule.reduce import drop_unseen
from equations.rule.rule import Display, Rule
from equations.rule.stencils import nca_stencils
from srnca.automata.verification import Verification
from srnca.texture import verify as texture_verify
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import make_judge
from tests.test_srnca.test_evaluate import rule_of
from tests.test_srnca.tiny import checkpoint, simulate_on_torch

MADE = checkpoint(activation="abs", update_rate=0.5)
RULE = rule_of(MADE)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_on_torch(monkeypatch)


def verify(rule: Rule, made: Checkpoint, **options: Any) -> Verification:
    """Short rollouts to the pictures: what is tested is what verify makes of them."""
    return texture_verify.verify(rule, made, picture_steps=60, **options)


def changed(**updates: str) -> Rule:
    return RULE.replace(updates={**RULE.updates, **{k: parse_infix(v, RULE.feature_names) for k, v in updates.items()}})


def failed(result: Verification) -> set[str]:
    return {check.name for check in result.checks if not check.ok}


def test_the_closed_form_passes_with_a_ratio_of_one() -> None:
    result = verify(RULE, MADE, steps=300)
    assert result.ok
    values = {check.name: check.value for check in result.checks}
    assert values["fidelity (R², one step)"] == pytest.approx(1, abs=1e-9)
    assert values["rollout agreement"] == pytest.approx(1, abs=1e-6)
    assert values["texture"] == pytest.approx(1, abs=1e-3)
    assert values["judge"] == pytest.approx(1, abs=1e-3)
    names = [check.name for check in result.checks]
    assert names.index("judge") == names.index("texture") + 1
    assert 0 < values["stability"] < 1


def test_the_rule_of_another_network_fails() -> None:
    result = verify(rule_of(checkpoint(seed=9, activation="abs", update_rate=0.5)), MADE, steps=200)
    assert not result.ok
    assert any(name.startswith("fidelity") for name in failed(result))


def test_a_rule_that_stands_still_fails() -> None:
    result = verify(changed(r="0", g="0", b="0", h3="0"), MADE, steps=50)
    assert any(name.startswith("rollout") for name in failed(result))


def test_a_rule_of_the_wrong_sign_fails_on_agreement() -> None:
    opposite = RULE.replace(updates={name: -expr for name, expr in RULE.updates.items()})
    names = failed(verify(opposite, MADE, steps=50))
    assert any(name.startswith("fidelity") for name in names)
    assert any(name.startswith("rollout") for name in names)


def test_a_refined_rule_promises_its_texture_only() -> None:
    opposite = RULE.replace(updates={name: -expr for name, expr in RULE.updates.items()})
    refined = opposite.replace(provenance={"refined": True})
    checks = {check.name: check for check in verify(refined, MADE, steps=50).checks}
    for name in ("fidelity (R², one step)", "rollout agreement"):
        assert checks[name].ok
        assert checks[name].threshold is None
        assert checks[name].value < 0
    assert checks["texture"].threshold is not None
    assert checks["automaton's texture"].threshold == 0.5


def test_a_rule_without_an_idle_channel_is_still_the_automatons() -> None:
    """Nothing that is shown depends on h4, which is the last channel: the first states of the others stay the same."""
    made = checkpoint(activation="abs", channels=5)
    names = [name for name in rule_of(made).feature_names if name.startswith("h4")]
    with torch.no_grad():
        for number, name in enumerate(rule_of(made).feature_names):
            if name in names:
                made.nca.weight[:4, number] = 0
                made.nca.weight[:4, number + len(rule_of(made).feature_names)] = 0
    bare = drop_unseen(rule_of(made))
    assert bare.channels == ("r", "g", "b", "h3")
    result = verify(bare, made, steps=50)
    assert result.ok
    values = {check.name: check.value for check in result.checks}
    assert values["fidelity (R², one step)"] == pytest.approx(1, abs=1e-9)
    assert values["rollout agreement"] == pytest.approx(1, abs=1e-6)


def test_a_refined_rule_must_show_more_than_a_flat_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a network that shows little, one that shows nothing at all is only 1.7 times worse."""
    monkeypatch.setattr("srnca.texture.verify.flat_loss", lambda *_: 1.0)
    refined = RULE.replace(provenance={"refined": True})
    for late, wanted, ours, names in (
        (0.1, 0.6, 1.03, {"automaton's texture", "texture"}),
        (0.1, 0.4, 0.6, {"texture"}),
        (0.1, 0.4, 0.45, set()),
        (0.1, 0.1, 0.21, {"texture"}),
        (0.21, 0.1, 0.1, {"texture later"}),
        (0.6, 0.4, 0.4, {"texture later"}),
    ):
        losses = iter((late, wanted, ours))  # the long run's, the automaton's, the rule's
        monkeypatch.setattr("srnca.texture.verify.texture_loss", lambda *_, losses=losses: next(losses))
        assert failed(verify(refined, MADE, steps=20)) == names


@pytest.mark.parametrize(("times", "ok"), [(1.9, True), (2.1, False)])
def test_the_judge_may_find_twice_the_automatons_distance(
    monkeypatch: pytest.MonkeyPatch, times: float, ok: bool
) -> None:
    judge = make_judge(MADE)
    distances = iter((0.1 * times, 0.1))  # the rule's, the automaton's
    monkeypatch.setattr(judge, "mean", lambda _: next(distances))
    result = verify(RULE, MADE, steps=20, judge=judge)
    check = next(check for check in result.checks if check.name == "judge")
    assert (check.value, check.threshold, check.ok) == (pytest.approx(times), 2.0, ok)
    assert "over the automaton's 0.1 (60 steps; flat picture 1)" in check.detail
    assert failed(result) == (set() if ok else {"judge"})


def test_a_rule_that_grows_fails_on_stability() -> None:
    result = verify(changed(h3="0.05*h3 + 0.1"), MADE, steps=600)
    assert "stability" in failed(result)
    explosive = verify(changed(g="40*g + 1"), MADE, steps=100)
    assert {"rollout agreement", "texture", "judge", "texture later", "stability"} <= failed(explosive)
    assert next(check for check in explosive.checks if check.name == "stability").value == np.inf


def test_every_check_says_its_value_and_its_limit() -> None:
    for check in verify(RULE, MADE, steps=20).checks:
        assert np.isfinite(check.value)
        assert check.threshold is None or np.isfinite(check.threshold)
        assert check.detail


@pytest.mark.parametrize(
    "other",
    [
        Rule(channels=("u", "v"), stencils=nca_stencils(4), updates=dict.fromkeys(("u", "v"), parse_infix("0", ()))),
        rule_of(checkpoint(activation="abs", channels=5)),
        rule_of(checkpoint(activation="abs", filters=3)),
    ],
    ids=["channels", "more channels", "stencils"],
)
def test_a_rule_of_other_channels_is_refused(other: Rule) -> None:
    with pytest.raises(InputError, match="verify: expected a rule over the automaton's channels r, g, b, h3"):
        verify(other, MADE, steps=10)


@pytest.mark.parametrize("display", [None, Display(("r",))])
def test_a_rule_that_shows_no_colours_is_refused(display: Display | None) -> None:
    with pytest.raises(InputError, match="display"):
        verify(RULE.replace(display=display), MADE, steps=10)


def test_the_result_is_the_same_again() -> None:
    options: dict[str, Any] = {"steps": 20, "seed": 5}
    assert verify(RULE, MADE, **options) == verify(RULE, MADE, **options)


def test_an_automaton_that_runs_away_is_said_to_be_the_one_at_fault() -> None:
    wild = checkpoint(activation="abs", update_rate=0.5, clamp=None)
    rule = rule_of(wild)
    with torch.no_grad():
        wild.nca.weight.mul_(1e3)
    with pytest.raises(SrncaError, match="the automaton itself runs away within 400 steps"):
        verify(rule, wild, steps=20)
