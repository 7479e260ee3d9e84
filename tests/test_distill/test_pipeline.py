from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill import RecordingTeacher, RuleTeacher, distill, read_hall_of_fame, sample, starting_rule
from distill.engines import ENGINES
from distill.fidelity import predict
from distill.stages import on_policy, stability, trial
from equations import load_rule
from equations.errors import InputError
from equations.rule import Rule
from tests.test_distill.conformance import same_law
from tests.test_distill.teachers import Network, gray_scott, hidden, planted

SMALL: dict[str, Any] = {"rows": 1500, "size": (24, 24), "steps": 40}


@pytest.mark.parametrize("engine", ["exact", "sparse", "auto"])
def test_gray_scott_comes_back(engine: str) -> None:
    rule = gray_scott()
    found = distill(RuleTeacher(rule, hide=engine != "exact"), engine=engine, **SMALL)
    for channel in rule.channels:
        same_law(found.rule.updates[channel], rule.updates[channel])
    assert (found.rule.init, found.rule.display, found.rule.dt) == (rule.init, rule.display, rule.dt)
    assert found.report["r2"] == pytest.approx({"u": 1.0, "v": 1.0}, abs=1e-10)
    assert found.report["terms"] == {"total": 7, "per_channel": 3.5, "by_channel": {"u": 4, "v": 3}}
    expected = engine if engine != "auto" else "sparse"
    assert found.report["regression"]["engine"] == {"u": expected, "v": expected}


def test_auto_is_exact_for_a_teacher_with_a_closed_form() -> None:
    rule = gray_scott()
    found = distill(RuleTeacher(rule), **SMALL)
    assert found.rule == rule
    assert {c.engine for front in found.fronts.values() for c in front} == {"exact"}


@pytest.fixture(scope="module")
def network() -> Any:
    with pytest.MonkeyPatch.context() as patch:  # a short search is enough to take part
        patch.setattr("distill.engines.operon.ROUND", 20_000)
        return distill(Network(("r", "g", "b")), engine="auto", budget_s=3, max_terms=12, **SMALL)


def test_a_network_gets_a_merged_front_that_names_its_engines(network: Any) -> None:
    assert min(network.report["r2"].values()) > 0.5
    engines = {c.engine for front in network.fronts.values() for c in front}
    assert {"sparse", "operon"} <= engines
    for front in network.fronts.values():
        assert all(c.terms <= 12 for c in front)
        assert [c.complexity for c in front] == sorted({c.complexity for c in front})
        assert all(a.loss > b.loss for a, b in pairwise(front))
    assert set(network.report["time_s"]) == {"sample", "fit", "on-policy"}
    assert network.report["stability"]["stable"]


def test_engines_beyond_those_installed_are_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "pysr", "distill.engines.absent")
    monkeypatch.setitem(ENGINES, "operon", "distill.engines.absent")
    found = distill(Network(), engine="auto", max_terms=6, **SMALL)
    assert {c.engine for front in found.fronts.values() for c in front} == {"sparse"}


def test_same_seed_same_rule(tmp_path: Path) -> None:
    one, two = (distill(Network(), engine="sparse", max_terms=6, seed=5, **SMALL) for _ in range(2))
    one.save(tmp_path / "one")
    two.save(tmp_path / "two")
    assert (tmp_path / "one/rule.json").read_bytes() == (tmp_path / "two/rule.json").read_bytes()


def test_saved_files_read_back(network: Any, tmp_path: Path) -> None:
    folder = network.save(tmp_path / "a" / "run")
    assert sorted(p.name for p in folder.iterdir()) == [
        *(f"hall_of_fame_output{i}.csv" for i in (1, 2, 3)),
        "report.json",
        "rule.json",
    ]
    rule = load_rule(folder / "rule.json")
    assert rule == network.rule
    assert rule.fronts == network.rule.fronts
    assert json.loads((folder / "report.json").read_text()) == network.report
    front = read_hall_of_fame(folder / "hall_of_fame_output2.csv", rule.feature_names)
    assert [c.expr for c in front] == [c.expr for c in network.fronts["g"]]


def test_saving_into_a_file_is_refused(network: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make the folder"):
        network.save(tmp_path / "file")


def test_a_recording_is_distilled_without_an_on_policy_round() -> None:
    rule = gray_scott()
    frames = hidden(rule).rollout(size=(32, 32), steps=60, seed=0, every=1)
    found = distill(
        RecordingTeacher(frames, 1.0, rule.channels, rule.stencils), engine="sparse", max_terms=6, rows=4000
    )
    for channel in rule.channels:
        same_law(found.rule.updates[channel], rule.updates[channel], tolerance=1e-3)
    assert "on-policy" not in found.report["time_s"]


def test_bad_requests_are_refused_before_any_work() -> None:
    class Untouchable(Network):
        def rollout(self, **_: Any) -> np.ndarray:
            raise AssertionError("sampled")

    with pytest.raises(InputError, match="closed form"):
        distill(Untouchable(), engine="exact")
    with pytest.raises(InputError, match="expected one of auto"):
        distill(Untouchable(), engine="magic")
    with pytest.raises(InputError, match="max_terms above 0"):
        distill(Untouchable(), max_terms=0)
    with pytest.raises(InputError, match="seed"):
        distill(Untouchable(), seed=-1)


@dataclass
class Refined:
    rule: Rule
    front: list[tuple[float, float, Rule]]


def test_objective_calls_refine_with_a_rich_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def refine(rule: Rule, loss: Any, **rest: Any) -> Refined:
        calls.append({"rule": rule, "loss": loss, **rest})
        simple = rule.replace(updates=dict.fromkeys(rule.channels, rule.updates["r"] * 0))
        return Refined(simple, [(0.0, 0.5, simple)])

    module = types.ModuleType("distill.refine")
    module.refine = refine  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "distill.refine", module)

    def objective(pictures: Any) -> Any:
        return pictures

    teacher = Network()
    found = distill(teacher, engine="sparse", max_terms=5, objective=objective, budget_s=10, **SMALL)
    (call,) = calls
    assert call["loss"] is objective
    assert call["teacher"] is teacher
    assert (call["size"], call["seed"], call["max_terms"], call["budget_s"]) == ((24, 24), 0, 5, 7.5)
    assert set(call) == {*("rule", "loss", "teacher", "size", "seed", "budget_s", "max_terms", "progress", "samples")}
    assert max(call["rule"].terms().values()) > 20, "the rule to refine should be rich"
    assert all(expr == 0 for expr in found.rule.expressions)
    assert found.texture_front[0][:2] == (0.0, 0.5)
    assert found.report["refine"] == [{"terms_per_channel": 0.0, "loss": 0.5}]
    assert found.report["regression"]["terms"]["total"] > 0
    assert found.rule.fronts["r"] == found.fronts["r"]
    distill(teacher, engine="sparse", max_terms=5, objective=objective, refine=False, **SMALL)
    assert len(calls) == 1


def test_starting_rule_is_the_closed_form_or_linear() -> None:
    rule = planted({"u": "0.5*u_lap - 0.1*abs(u)", "v": "-0.2*v + 0.1*u"}, filters=2)
    samples = sample(RuleTeacher(rule), rows=500, size=(16, 16), steps=10)
    assert starting_rule(samples, RuleTeacher(rule)).updates == rule.updates
    net = Network()
    samples = sample(net, rows=1500, size=(24, 24), steps=20)
    rich = starting_rule(samples, net)
    assert all(terms == 2 * len(samples.names) + 1 for terms in rich.terms().values())
    wanted = net.update(samples.X_held)
    assert np.mean((predict(rich, samples.X_held) - wanted) ** 2) < 0.2 * np.var(wanted)
    for expr in rich.expressions:
        assert all(len(term.free_symbols) <= 1 for term in expr.args)


def test_on_policy_adds_the_rules_own_states() -> None:
    net = Network()
    samples = sample(net, rows=400, size=(16, 16), steps=10)
    rule = starting_rule(samples, net)
    wider = on_policy(rule, samples, net, size=(16, 16), steps=10, seed=0)
    assert len(wider.X) == pytest.approx(1.5 * len(samples.X), rel=0.05)
    np.testing.assert_allclose(wider.Y, net.update(wider.X), atol=1e-6)


def test_a_runaway_rule_is_stopped_and_reported() -> None:
    rule = planted({"u": "0.5*u", "v": "-0.1*v"}, filters=2)
    quiet = planted({"u": "-0.1*u", "v": "-0.1*v"}, filters=2)
    samples = sample(RuleTeacher(quiet), rows=100, size=(8, 8), steps=5)
    run = trial(rule, samples, size=(8, 8), steps=100, seed=0)
    assert run.diverged_at is not None
    assert np.abs(run.frames).max() <= 4
    assert not stability(rule, samples, size=(8, 8), steps=100, seed=0)["stable"]
    assert stability(quiet, samples, size=(8, 8), steps=100, seed=0)["stable"]
