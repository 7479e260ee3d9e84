from __future__ import annotations

import json
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

from distill import RecordingTeacher, RuleTeacher, distill, read_hall_of_fame, sample, starting_rule
from distill.deadline import Deadline
from distill.engines import ENGINES, FitOptions, get_engine
from distill.engines.sparse import fit_bases, linear_bases
from distill.fidelity import predict
from distill.on_policy import on_policy, on_policy_rounds, stability, state_distance, trial
from distill.refine.choice import RefinedRule
from distill.refine.settings import Settings
from distill.refine.starts import richer_rule
from distill.run import Run
from distill.sampling import Samples
from distill.unfinished import UNFINISHED
from equations import load_rule
from equations.errors import InputError, SrncaError
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import compile_numpy
from equations.expressions.terms import split_terms
from equations.rule.init import Init
from equations.rule.rule import Candidate, Display, Rule
from equations.simulation import Rollout
from tests.test_distill.conformance import same_law
from tests.test_distill.teachers import Network, drawn, gray_scott, hidden, planted

SMALL: dict[str, Any] = {"rows": 1500, "size": (24, 24), "steps": 40}


@pytest.mark.parametrize("engine", ["exact", "sparse", "auto"])
def test_gray_scott_comes_back(engine: str) -> None:
    rule = gray_scott()
    found = distill(RuleTeacher(rule, hide=engine != "exact"), engine=engine, **SMALL)
    for channel in rule.channels:
        same_law(found.rule.updates[channel], rule.updates[channel])
    assert (found.rule.init, found.rule.display, found.rule.dt) == (rule.init, rule.display, rule.dt)
    assert found.report["r2"] == pytest.approx({"u": 1.0, "v": 1.0}, abs=1e-10)
    assert found.report["terms"] == {
        "total": 7, "per_channel": 3.5, "distinct": 6, "by_channel": {"u": 4, "v": 3}
    }  # fmt: skip
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
        return distill(Network(("r", "g", "b")), engine="auto", effort=0.02, max_terms=12, **SMALL)


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
    one, two = (distill(Network(), **LATER) for _ in range(2))
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
    with pytest.raises(InputError, match=r"max_loss above 0, got -0\.1"):
        distill(Untouchable(), max_loss=-0.1)
    with pytest.raises(InputError, match="max_loss above 0, got 0"):
        distill(Untouchable(), max_loss=0)
    with pytest.raises(InputError, match="seed"):
        distill(Untouchable(), seed=-1)


@dataclass
class Refined:
    rule: Rule
    front: tuple[RefinedRule, ...]


def stand_in(monkeypatch: pytest.MonkeyPatch, refine: Any) -> None:
    """Put `refine` in the place of closed-loop refinement, which has tests of its own."""
    module = types.ModuleType("distill.refine")
    module.refine, module.Settings = refine, Settings  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "distill.refine", module)


def first_start(starts: Sequence[Rule], objective: Any, **rest: Any) -> Refined:
    """A refinement that finds nothing better than it was given."""
    return Refined(starts[0], (RefinedRule(9.0, 0.2, 0.3, starts[0], str(starts[0].provenance["start"])),))


def test_objective_calls_refine_with_rich_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def refine(starts: Sequence[Rule], loss: Any, **rest: Any) -> Refined:
        calls.append({"starts": starts, "loss": loss, **rest})
        rule = starts[0]
        simple = rule.replace(updates=dict.fromkeys(rule.channels, rule.updates["r"] * 0))
        return Refined(simple, (RefinedRule(0.0, 0.5, 0.7, simple, "here"),))

    stand_in(monkeypatch, refine)

    def objective(pictures: Any) -> Any:
        return pictures

    teacher = Network()
    options: dict[str, Any] = {
        "engine": "sparse", "max_terms": 5, "objective": objective, "rows": 600, "size": (16, 20), "steps": 12
    }  # fmt: skip
    found = distill(teacher, effort=2.0, max_loss=0.4, states=0.5, **options)
    (call,) = calls
    assert call["loss"] is objective
    assert call["teacher"] is teacher
    assert (call["size"], call["seed"], call["max_terms"], call["effort"]) == ((16, 20), 0, 5, 2.0)
    assert call["max_loss"] == 0.4
    wanted = ("starts", "loss", "teacher", "size", "seed", "effort", "max_terms", "max_loss", "progress")
    assert set(call) == {*wanted, "samples", "settings", "deadline", "unfinished"}
    assert call["settings"] == Settings(states=0.5)
    plain, richer = call["starts"]
    assert max(plain.terms().values()) > 20, "the rule to refine should be rich"
    assert sum(richer.terms().values()) > sum(plain.terms().values())
    assert plain.provenance["start"] == "features and absolute values"
    assert all(expr == 0 for expr in found.rule.expressions)
    assert found.texture_front[0][:2] == (0.0, 0.5)
    row = {"terms_per_channel": 0.0, "loss": 0.5, "score": 0.7, "start": "here", "lasts": None}
    assert found.report["refine"] == [row]
    assert found.report["left_out"] == []
    assert found.report["regression"]["terms"]["total"] > 0
    assert found.rule.fronts["r"] == found.fronts["r"]
    distill(teacher, refine=False, **options)
    assert len(calls) == 1


def test_free_form_search_alone_starts_from_features_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its formulas alone may all run away."""
    calls: list[Sequence[Rule]] = []

    def refine(starts: Sequence[Rule], objective: Any, **rest: Any) -> Refined:
        calls.append(starts)
        return Refined(starts[0], ())

    stand_in(monkeypatch, refine)
    monkeypatch.setattr("distill.engines.operon.ROUND", 2_000)
    teacher = planted({"u": "0.1*u_lap - 0.2*u"}, filters=2, **PICTURED)
    found = distill(hidden(teacher), engine="operon", objective=abs, effort=0.1, rows=200, size=(12, 12), steps=10)
    ((one, two),) = calls
    assert {point.engine for point in found.fronts["u"]} == {"operon"}
    assert one.provenance["start"] == "features and absolute values"
    assert two.provenance["start"] == "features, absolute values and 0 further terms (none)"
    assert one.updates["u"].has(sympy.Abs)
    assert two.updates["u"].has(sympy.Abs)


# unfinished

PICTURED: dict[str, Any] = {"init": Init("noise", (0.1,), (0.5,)), "display": Display(("u",))}
LATER: dict[str, Any] = {
    "engine": "sparse", "max_terms": 4, "seed": 5, "rows": 300, "size": (12, 12), "steps": 10
}  # fmt: skip


def test_on_policy_rounds_end_where_a_deadline_has_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a run that is resumed afterwards, without one, remembers what was left out."""
    late = distill(Network(), budget_s=1e-9, matched=-1.0, **LATER).report
    assert (late["left_out"][-1], len(late["on_policy"])) == ("on-policy: 3 of at most 3 rounds", 1)
    stand_in(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        distill(Network(), objective=abs, folder=tmp_path, budget_s=1e-9, matched=-1.0, **LATER)
    stand_in(monkeypatch, first_start)
    again = distill(Network(), objective=abs, folder=tmp_path, resume=True, matched=-1.0, **LATER)
    assert again.report["left_out"] == late["left_out"]


def test_no_clock_ends_the_on_policy_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine: three rounds, as the rule never stays where its teacher is."""
    slow = iter(range(0, 10**9, 3600))
    monkeypatch.setattr("time.monotonic", lambda: next(slow))
    assert len(distill(Network(), matched=-1.0, **LATER).report["on_policy"]) == 4


def test_a_deadline_ends_the_on_policy_rounds_and_is_told() -> None:
    now = [0.0]
    deadline = Deadline(1.0, clock=lambda: now[0])
    run = Run(Network(), 5, (12, 12), 10, 4, lambda *_: now.__setitem__(0, 2.0), deadline=deadline, matched=-1.0)
    samples = sample(run.teacher, rows=300, size=(12, 12), steps=10)
    fronts = {c: tuple(get_engine("sparse").fit(samples, i, options=FitOptions())) for i, c in enumerate("rgb")}
    fronts["h3"] = tuple(get_engine("sparse").fit(samples, 3, options=FitOptions()))
    on_policy_rounds(run, fronts, ("sparse",), samples)
    assert len(run.distances) == 2  # before and after the one round during which it passed
    assert deadline.left_out == ["on-policy: 2 of at most 3 rounds"]


def test_the_report_says_what_happened_to_each_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes and happenings outlive an interruption of the refinement."""
    report = distill(Network(), **LATER).report
    assert (report["engines"], report["notes"]) == ({"sparse": "ok, 4 of 4 equations chosen"}, [])

    def fail(*_: Any, **__: Any) -> None:
        raise SrncaError("engine operon: out of luck")

    monkeypatch.setattr("distill.engines.operon.OperonEngine.fit", fail)
    stand_in(monkeypatch, interrupted)
    both = {**LATER, "engine": "auto"}
    with pytest.raises(KeyboardInterrupt):
        distill(Network(), objective=abs, folder=tmp_path, **both)
    stand_in(monkeypatch, first_start)
    report = distill(Network(), objective=abs, folder=tmp_path, resume=True, **both).report
    assert report["notes"] == [f"engine operon: out of luck ({c}); went on with the others" for c in ("r", "g", "b")]
    assert report["engines"]["sparse"] == "ok, 4 of 4 equations chosen"
    assert report["engines"]["operon"].startswith("out of luck (r); went on with the others; out of luck (g); ")
    assert report["engines"]["operon"].endswith(", 0 of 4 equations chosen")


def interrupted(*_: Any, **__: Any) -> Refined:
    raise KeyboardInterrupt


def refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("done again")


def test_a_resumed_distillation_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the refinement: the regression is not done again, and nothing else differs."""
    stand_in(monkeypatch, first_start)
    whole = distill(Network(), objective=abs, **LATER)
    stand_in(monkeypatch, interrupted)
    folder = tmp_path / "new" / "run"
    with pytest.raises(KeyboardInterrupt):
        distill(Network(), objective=abs, folder=folder, **LATER)
    assert [path.name for path in folder.iterdir()] == [UNFINISHED]
    stand_in(monkeypatch, first_start)
    with monkeypatch.context() as patch:
        for stage in ("sample", "fit_channel"):
            patch.setattr(f"distill.pipeline.{stage}", refuse)
        again = distill(Network(), objective=abs, folder=folder, resume=True, **LATER)
    assert [path.name for path in folder.iterdir()] == [UNFINISHED]  # until the result is saved
    again.save(folder)
    assert UNFINISHED not in {path.name for path in folder.iterdir()}
    assert again.rule == whole.rule
    assert again.rule.fronts == whole.rule.fronts
    assert again.rule.provenance == whole.rule.provenance
    assert again.rule.metrics == whole.rule.metrics
    assert whole.report["on_policy"]
    for report in (again.report, whole.report):
        assert set(report.pop("time_s")) >= {"refine"}
    assert again.report == whole.report
    assert again.texture_front == whole.texture_front


def test_an_unfinished_recording_is_resumed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = hidden(gray_scott()).rollout(size=(24, 24), steps=20, seed=0, every=1)

    def go(**options: Any) -> Any:
        teacher = RecordingTeacher(frames, 1.0, ("u", "v"), gray_scott().stencils)
        return distill(teacher, engine="sparse", max_terms=6, rows=800, folder=tmp_path, **options)

    with monkeypatch.context() as patch:
        patch.setattr("distill.pipeline.make_report", interrupted)
        with pytest.raises(KeyboardInterrupt):
            go()
    whole = distill(
        RecordingTeacher(frames, 1.0, ("u", "v"), gray_scott().stencils), engine="sparse", max_terms=6, rows=800
    )
    monkeypatch.setattr("distill.pipeline.sample", refuse)
    assert go(resume=True).rule == whole.rule


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 6}, {"max_terms": 7}, {"effort": 1.1}, {"rows": 301}, {"size": (12, 13)}, {"steps": 11},
        {"refine": False},
    ],
)  # fmt: skip
def test_a_distillation_with_other_settings_is_not_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes, changes: dict[str, Any]
) -> None:
    (tmp_path / UNFINISHED).write_bytes(begun)
    stand_in(monkeypatch, first_start)
    with pytest.raises(InputError, match="begun with other settings or another teacher"):
        distill(Network(), objective=abs, folder=tmp_path, resume=True, **{**LATER, **changes})
    assert (tmp_path / UNFINISHED).read_bytes() == begun  # it is not lost


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a distillation that was interrupted in its refinement."""
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, interrupted)
        with pytest.raises(KeyboardInterrupt):
            distill(Network(), objective=abs, folder=folder, **LATER)
    return (folder / UNFINISHED).read_bytes()


def test_another_teacher_is_not_resumed_but_another_wanted_loss_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    (tmp_path / UNFINISHED).write_bytes(begun)
    stand_in(monkeypatch, first_start)
    with pytest.raises(InputError, match="another teacher"):
        distill(Network(seed=1), objective=abs, folder=tmp_path, resume=True, **LATER)
    distill(Network(), objective=abs, folder=tmp_path, resume=True, max_loss=0.3, **LATER)


def test_with_nothing_to_resume_it_begins_anew(tmp_path: Path) -> None:
    """As after a kill before the first stage."""
    seen: list[str] = []
    distill(Network(), folder=tmp_path / "r", resume=True, progress=lambda stage, *_: seen.append(stage), **LATER)
    assert seen[0] == "sample"
    with pytest.raises(InputError, match="expected a folder with an unfinished distillation"):
        distill(Network(), resume=True, **LATER)


def test_without_resume_it_begins_anew(tmp_path: Path, begun: bytes) -> None:
    (tmp_path / UNFINISHED).write_bytes(begun)
    seen: list[str] = []
    distill(Network(), folder=tmp_path, progress=lambda stage, *_: seen.append(stage), **{**LATER, "seed": 6})
    assert seen[0] == "sample"
    assert (tmp_path / UNFINISHED).read_bytes() != begun


# starts


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
    assert rich.provenance["start"] == "features and absolute values"


def test_the_richer_rule_has_the_further_terms_of_each_channels_front() -> None:
    net = Network(("r", "g", "b"))
    samples = sample(net, rows=1500, size=(24, 24), steps=20)
    names = samples.names

    def front(text: str, engine: str) -> tuple[Candidate, ...]:
        expr = parse_infix(text, names)
        return (Candidate(1, 1.0, parse_infix("0", names), engine, 0), Candidate(9, 0.5, expr, engine, 2))

    long = "tanh(r*g*b)*" + "*".join(f"sin({i}.5*r)" for i in range(9))
    fronts = {
        "r": front("0.1*r*g + 0.3*abs(r_lap) - 2", "sparse"),
        "g": front("tanh(b - r) + 0.5*g", "operon"),
        "b": front(f"0.1*r*g + {long}", "sparse"),
    }
    plain, richer = starting_rule(samples, net), richer_rule(samples, net, fronts)
    for channel, further in {"r": {"r*g"}, "g": {"tanh(b - r)"}, "b": {"r*g"}}.items():  # not the long one
        old, new = ({basis for _, basis in split_terms(rule.updates[channel])} for rule in (plain, richer))
        assert new - old == {parse_infix(text, names) for text in further}
        assert old <= new
    assert richer.provenance["start"] == "features, absolute values and 3 further terms (operon, sparse)"
    wanted = net.update(samples.X)
    errors = [np.square(predict(rule, samples.X) - wanted).mean() for rule in (plain, richer)]
    assert errors[1] < errors[0]
    bare = richer_rule(samples, net, {channel: front("0.5*r", "sparse") for channel in net.channels})
    assert bare.updates == plain.updates
    assert bare.provenance["start"].endswith("0 further terms (none)")


def test_the_richer_rule_of_a_closed_form_is_that_form() -> None:
    teacher = RuleTeacher(planted({"u": "0.5*u_lap - 0.1*abs(u)"}, filters=2))
    samples = sample(teacher, rows=200, size=(16, 16), steps=10)
    assert richer_rule(samples, teacher, {}) == starting_rule(samples, teacher)


def test_bases_are_fitted_by_least_squares() -> None:
    samples = drawn({"u": "0.3*u - 0.2*u*v + 0.05*tanh(u_lap) - 1", "v": "abs(v)"}, noise=0.01)
    bases = [parse_infix(text, samples.names) for text in ("1", "u", "u*v", "tanh(u_lap)", "abs(v)")]
    one, two = fit_bases(bases, samples)
    values = compile_numpy(bases, samples.names)(samples.X.T).T
    wanted = np.linalg.lstsq(values, samples.Y, rcond=None)[0]
    for expr, column in zip((one, two), wanted.T, strict=True):
        got = {basis: constant for constant, basis in split_terms(expr)}
        np.testing.assert_allclose([got[basis] for basis in bases], column, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(wanted[:, 0], [-1, 0.3, -0.2, 0.05, 0], atol=0.005)
    used = [[2, 1], [4, 0]]
    for expr, places, y in zip(fit_bases(bases, samples, used=used), used, samples.Y.T, strict=True):
        got = {basis: constant for constant, basis in split_terms(expr)}
        alone = np.linalg.lstsq(values[:, places], y, rcond=None)[0]
        np.testing.assert_allclose([got[bases[i]] for i in places], alone, rtol=1e-3, atol=1e-5)
        assert len(got) == 2


def test_bases_that_say_the_same_share_their_constant() -> None:
    samples = drawn({"u": "0.4*u"})
    bases = [parse_infix(text, samples.names) for text in ("u", "u_lap", "2*u_dx")]
    twin = Samples(samples.X.copy(), samples.Y, samples.names, samples.channels, samples.X_held, samples.Y_held)
    twin.X[:, samples.names.index("u_lap")] = twin.X[:, samples.names.index("u")]
    got = {str(basis): constant for constant, basis in split_terms(fit_bases(bases, twin)[0])}
    assert got["u"] == pytest.approx(0.2, rel=1e-3)
    assert got["u_lap"] == pytest.approx(0.2, rel=1e-3)


def test_plain_bases_leave_out_what_never_changes_sign() -> None:
    samples = drawn({"u": "u", "v": "v"})
    samples.X[:, samples.names.index("u")] = np.abs(samples.X[:, samples.names.index("u")])
    bases = {str(basis) for basis in linear_bases(samples)}
    assert "Abs(u)" not in bases
    assert {"1", "u", "v", "Abs(v)", "u_lap", "Abs(u_lap)"} <= bases
    assert len(bases) == 2 * len(samples.names)


def test_on_policy_adds_the_rules_own_states() -> None:
    net = Network()
    samples = sample(net, rows=400, size=(16, 16), steps=10)
    rule = starting_rule(samples, net)
    wider = on_policy(rule, samples, net, size=(16, 16), steps=10, seed=0)
    assert len(wider.X) == pytest.approx(1.5 * len(samples.X), rel=0.05)
    np.testing.assert_allclose(wider.Y, net.update(wider.X), atol=1e-6)


def test_the_distance_of_states_is_in_standard_deviations() -> None:
    rng = np.random.default_rng(0)
    theirs = rng.normal(0, 0.2, (6, 2, 30, 30)).astype(np.float32)
    same = Rollout(rng.normal(0, 0.2, (6, 2, 30, 30)).astype(np.float32), None)
    assert state_distance(same, theirs) < 0.05
    shifted = Rollout((same.frames + np.float32([0.2, 0.0])[:, None, None]).astype(np.float32), None)
    assert state_distance(shifted, theirs) == pytest.approx(0.5, abs=0.05)  # one of two channels is one deviation off
    young = Rollout(np.concatenate([9 + same.frames[:3], same.frames[3:]]), None)
    assert state_distance(young, theirs) < 0.05, "the first half of the run does not count"
    assert state_distance(Rollout(same.frames, 40), theirs) == np.inf


def test_rounds_end_when_the_rule_stays_where_its_teacher_is() -> None:
    report = distill(Network(), engine="sparse", max_terms=12, refine=False, **SMALL).report
    rounds = report["on_policy"]
    assert 1 <= len(rounds) <= 4
    assert len(rounds) == 4 or rounds[-1] <= 0.1
    once = distill(Network(), engine="sparse", max_terms=12, refine=False, matched=1e9, **SMALL).report
    assert len(once["on_policy"]) == 1


def test_a_runaway_rule_is_stopped_and_reported() -> None:
    rule = planted({"u": "0.5*u", "v": "-0.1*v"}, filters=2)
    quiet = planted({"u": "-0.1*u", "v": "-0.1*v"}, filters=2)
    samples = sample(RuleTeacher(quiet), rows=100, size=(8, 8), steps=5)
    run = trial(rule, samples, size=(8, 8), steps=100, seed=0)
    assert run.diverged_at is not None
    assert np.abs(run.frames).max() <= 4
    assert not stability(rule, samples, size=(8, 8), steps=100, seed=0)["stable"]
    assert stability(quiet, samples, size=(8, 8), steps=100, seed=0)["stable"]
