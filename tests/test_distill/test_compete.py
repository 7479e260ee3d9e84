"""Several engines on one channel: seeded by each other, sharing the work, and what is said when one of them fails."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sympy import Expr

from distill.deadline import Deadline
from distill.engines import ENGINES, FitOptions, get_engine
from distill.engines.operon import _Search
from distill.engines.session import MOST_FAILURES, Happenings, open_engines
from distill.fronts.compete import fit_channel, line_up
from distill.regression.polish import refit
from distill.sampling import Samples
from distill.teacher import RuleTeacher
from equations.errors import MissingPartError, SrncaError
from equations.expressions.infix import parse_infix
from equations.rule.rule import Candidate
from tests.test_distill.teachers import Network, drawn, gray_scott

KINK = {"u": "0.5*max(0, u + v) - 0.25*u_lap", "v": "v_lap"}


class Oracle:
    """A free-form engine that knows some answers and remembers what it was told."""

    name = "pysr"

    def __init__(self, *answers: str, error: Exception | None = None) -> None:
        self.answers, self.error = answers, error
        self.calls, self.sessions = list[FitOptions](), 0

    @contextmanager
    def session(self) -> Iterator[Oracle]:
        self.sessions += 1
        yield self

    def fit(self, samples: Samples, channel: int, *, options: FitOptions, progress: Any) -> list[Candidate]:
        self.calls.append(options)
        progress(self.name, 0.5, "half")
        if self.error is not None:
            raise self.error
        found = [refit(parse_infix(text, samples.names), samples, channel, engine=self.name) for text in self.answers]
        return [candidate for candidate in found if candidate is not None]


def fit(engines: tuple[str, ...], samples: Samples, channel: int = 0, **more: Any) -> tuple[Candidate, ...]:
    progress = {"progress": more.pop("progress")} if "progress" in more else {}
    happenings = more.pop("happenings", None)
    with open_engines(engines, happenings) as session:
        return fit_channel(session, samples, channel, options=FitOptions(max_terms=3, **more), **progress)


def enlist(monkeypatch: pytest.MonkeyPatch, oracle: Oracle, reason: str | None = None) -> None:
    module = types.ModuleType("oracle_engine")
    module.ENGINE = oracle  # type: ignore[attr-defined]
    module.probe = lambda: reason  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "oracle_engine", module)
    monkeypatch.setitem(ENGINES, "pysr", "oracle_engine")


def test_engines_are_seeded_by_each_others_winners(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle hears of sparse's terms; sparse then joins the oracle's kink to its own Laplacian. The kink is the
    oracle's find all the same.
    """
    oracle = Oracle("max(0, u + v) + 0.3*u_dx")
    enlist(monkeypatch, oracle)
    samples = drawn(KINK, 800)
    alone = fit(("sparse",), samples)
    front = fit(("sparse", "pysr"), samples)
    assert list(oracle.calls[0].guesses) == [c.expr for c in alone]
    best: Expr = front[-1].expr
    assert best == parse_infix(KINK["u"], samples.names)
    assert front[-1].engine == "pysr"
    assert "sparse" in {c.engine for c in front}
    assert alone[-1].loss > 1e-3


def test_an_exact_channel_is_not_searched_further(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = Oracle("u")
    enlist(monkeypatch, oracle)
    fit(("sparse", "pysr"), drawn(KINK, 300), 1)
    assert not oracle.calls


def test_auto_takes_what_the_teacher_and_the_machine_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    enlist(monkeypatch, Oracle("u"), reason="no Julia here")
    assert line_up("auto", Network()) == ("sparse", "operon")
    enlist(monkeypatch, Oracle("u"))
    assert line_up("auto", Network()) == ("sparse", "operon", "pysr")
    assert line_up("auto", RuleTeacher(gray_scott())) == ("exact",)
    assert line_up("sparse", Network()) == ("sparse",)


# work is shared, and counted


def test_free_form_engines_share_the_evaluations_and_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle, rounds = Oracle("u"), []

    def round(self: _Search, number: int, guesses: object, evaluations: int) -> list[Expr]:
        rounds.append((self.seed, guesses, evaluations))
        return []

    enlist(monkeypatch, oracle)
    monkeypatch.setattr(_Search, "round", round)
    samples = drawn(KINK, 300)
    fit(("sparse", "operon", "pysr"), samples, evaluations=90_001, seed=7)
    fit(("sparse", "pysr"), samples, evaluations=90_001, seed=7)
    fit(("sparse", "operon"), samples, evaluations=90_001, seed=7)
    assert [call.evaluations for call in oracle.calls] == [45_000, 90_001]
    assert [evaluations for _, _, evaluations in rounds] == [45_000, 90_001]
    assert {call.seed for call in oracle.calls} == {seed for seed, _, _ in rounds} == {7}
    assert rounds[0][1] == oracle.calls[0].guesses, "nothing came between: both start from sparse's front"


@pytest.mark.parametrize("engines", [("pysr",), ("operon", "pysr")])
def test_a_search_without_sparse_starts_from_linear_equations(
    monkeypatch: pytest.MonkeyPatch, engines: tuple[str, ...]
) -> None:
    oracle = Oracle("u + v")
    enlist(monkeypatch, oracle)
    monkeypatch.setattr(_Search, "round", lambda *_: [])
    samples = drawn({"u": "0.5*u - 0.25*u_lap + 0.1*u*v", "v": "v"}, 300)
    front = fit(engines, samples)
    (call,) = oracle.calls
    assert any({"u", "u_lap"} <= {str(s) for s in expr.free_symbols} for expr in call.guesses)
    assert {c.engine for c in front} <= set(engines), "they are seeds, not rivals"


@pytest.mark.parametrize(
    ("evaluations", "rounds"),
    [(1, [1]), (54_000, [54_000]), (100_000, [100_000]), (240_000, [80_000] * 3), (100_001, [50_001, 50_000])],
)
def test_operon_tries_exactly_as_many_as_it_may(
    monkeypatch: pytest.MonkeyPatch, evaluations: int, rounds: list[int]
) -> None:
    asked: list[int] = []

    def round(self: _Search, number: int, guesses: object, evaluations: int) -> list[Expr]:
        asked.append(evaluations)
        return []

    monkeypatch.setattr(_Search, "round", round)
    get_engine("operon").fit(drawn(KINK, 300), 0, options=FitOptions(evaluations=evaluations))
    assert asked == rounds
    assert sum(asked) == evaluations


def test_operon_goes_on_until_exact_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = drawn(KINK, 300)
    answers = iter(["u", "v_lap - u", "max(0, u + v) + u_lap", "u_dx"])
    asked: list[int] = []

    def round(self: _Search, number: int, guesses: object, evaluations: int) -> list[Expr]:
        asked.append(number)
        return [parse_infix(next(answers), samples.names)]

    monkeypatch.setattr(_Search, "round", round)
    front = get_engine("operon").fit(samples, 0, options=FitOptions(evaluations=1_000_000))
    assert asked == [0, 1, 2]
    assert front[-1].loss <= samples.floor[0]


# the shorter of equals


@pytest.mark.parametrize(("times", "kept"), [(0.995, 1), (0.9, 2)])
def test_a_longer_equation_of_equal_error_is_not_kept(monkeypatch: pytest.MonkeyPatch, times: float, kept: int) -> None:
    """A law under noise, and one with further terms that noise was kind to on the held-out rows, by half a percent or
    by ten.
    """
    samples = drawn({"u": "0.5*u - 0.25*u_lap + 0.1*u*v", "v": "v"}, 600, noise=0.02)
    oracle = Oracle("u + u_lap + u*v", "u + u_lap + u*v + u_dx*v_lap + u_dy*v + v^3 + u_lap*u")
    law, longer = oracle.fit(samples, 0, options=FitOptions(), progress=lambda *_: None)
    assert law.terms == 3 < longer.terms
    answer = [law, replace(longer, loss=times * law.loss)]
    monkeypatch.setattr(Oracle, "fit", lambda *_, **__: answer)
    enlist(monkeypatch, oracle)
    assert fit(("pysr",), samples) == tuple(answer[:kept])


# progress, a clock


def test_the_progress_of_several_engines_never_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    enlist(monkeypatch, Oracle("max(0, u + v)"))
    monkeypatch.setattr(_Search, "round", lambda *_: [])
    for engines in (("sparse", "operon", "pysr"), ("sparse",), ("pysr",)):
        reports: list[tuple[str, float, str]] = []
        fit(engines, drawn(KINK, 300), progress=lambda *said, to=reports: to.append(said))
        fractions = [fraction for _, fraction, _ in reports]
        assert all(a <= b for a, b in pairwise(fractions)), engines
        assert {stage for stage, _, _ in reports} == set(engines)
        assert fractions[-1] == (0.5 if engines == ("pysr",) else pytest.approx(1.0))


def test_a_deadline_that_has_passed_leaves_out_the_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle, now = Oracle("u"), [0.0]
    enlist(monkeypatch, oracle)
    deadline = Deadline(1.0, clock=lambda: now[0])
    now[0] = 2.0
    front = fit(("sparse", "operon", "pysr"), drawn(KINK, 300), deadline=deadline)
    assert {c.engine for c in front} == {"sparse"}
    assert not oracle.calls
    assert deadline.left_out == ["operon: the search for u", "pysr: the search for u"]
    alone = fit(("pysr",), drawn(KINK, 300), deadline=deadline)
    assert {c.engine for c in alone} == {"sparse"}, "something to go on with"
    assert [c.terms for c in alone] == sorted({c.terms for c in alone})
    assert max(c.terms for c in alone) == 3
    (nothing,) = fit(("pysr",), drawn({"u": "0", "v": "v_lap"}, 200), deadline=deadline)
    assert nothing.expr == 0


def test_a_deadline_ends_operon_between_two_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def round(*_: object) -> list[Expr]:
        now[0] += 1.0
        return []

    monkeypatch.setattr(_Search, "round", round)
    deadline = Deadline(1.5, clock=lambda: now[0])
    get_engine("operon").fit(drawn(KINK, 300), 0, options=FitOptions(evaluations=400_000, deadline=deadline))
    assert now == [2.0]
    assert deadline.left_out == ["operon: 2 of 4 rounds for u"]


# failures


def test_a_failure_is_written_down_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = Oracle(error=SrncaError("engine pysr: the worker was killed by signal 9"))
    enlist(monkeypatch, oracle)
    happenings, samples = Happenings(), drawn(KINK, 300)
    front = fit(("sparse", "pysr"), samples, happenings=happenings)
    assert {c.engine for c in front} == {"sparse"}
    assert happenings.notes == ["engine pysr: the worker was killed by signal 9 (u); went on with the others"]
    assert happenings.troubles == {
        "sparse": [],
        "pysr": ["the worker was killed by signal 9 (u); went on with the others"],
    }
    with pytest.raises(SrncaError, match="killed by signal 9"):
        fit(("pysr",), samples)  # there is nobody to go on


@pytest.mark.parametrize(
    ("error", "tries"), [(SrncaError("broken"), MOST_FAILURES), (MissingPartError("Julia is gone"), 1)]
)
def test_an_engine_that_fails_again_and_again_is_left_out(
    monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int
) -> None:
    oracle = Oracle(error=error)
    enlist(monkeypatch, oracle)
    samples, happenings = drawn(KINK, 300), Happenings()
    with open_engines(("sparse", "pysr"), happenings) as session:
        for _ in range(5):
            fit_channel(session, samples, 0, options=FitOptions(max_terms=3))
    assert len(oracle.calls) == len(happenings.notes) == tries
    assert oracle.sessions == 1


def test_what_an_engine_survives_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle, happenings = Oracle("max(0, u + v)"), Happenings()
    enlist(monkeypatch, oracle)
    with open_engines(("sparse", "pysr"), happenings) as session:
        fit_channel(session, drawn(KINK, 300), 0, options=FitOptions(max_terms=3))
        oracle.calls[0].note("engine pysr: the worker failed\nwhile it searched for u")
    said = "the worker failed while it searched for u; went on with what it had found"
    assert happenings.troubles["pysr"] == [said]
    assert happenings.notes == [f"engine pysr: {said}"]
