from __future__ import annotations

import sys
import types

import pytest
from sympy import Expr

from distill.compete import fit_channel, line_up
from distill.engines import ENGINES, FitOptions, get_engine
from distill.engines.operon import _Search
from distill.polish import refit
from distill.sampling import Samples
from distill.teacher import RuleTeacher
from equations.infix import parse_infix
from equations.rule import Candidate
from tests.test_distill.teachers import Network, drawn, gray_scott

KINK = {"u": "0.5*max(0, u + v) - 0.25*u_lap", "v": "v_lap"}


class Oracle:
    """A free-form engine that knows one answer and remembers what it was told."""

    name = "pysr"

    def __init__(self, answer: str) -> None:
        self.answer, self.heard = answer, list[FitOptions]()

    def fit(self, samples: Samples, channel: int, *, options: FitOptions, progress: object) -> list[Candidate]:
        self.heard.append(options)
        found = refit(parse_infix(self.answer, samples.names), samples, channel, engine=self.name)
        assert found is not None
        return [found]


def enlist(monkeypatch: pytest.MonkeyPatch, oracle: Oracle, reason: str | None = None) -> None:
    module = types.ModuleType("oracle_engine")
    module.ENGINE = oracle  # type: ignore[attr-defined]
    module.probe = lambda: reason  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "oracle_engine", module)
    monkeypatch.setitem(ENGINES, "pysr", "oracle_engine")


def test_engines_are_seeded_by_each_others_winners(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle hears of sparse's terms; sparse then joins the oracle's kink to its own Laplacian."""
    oracle = Oracle("max(0, u + v) + 0.3*u_dx")
    enlist(monkeypatch, oracle)
    samples = drawn(KINK, 800)
    alone = fit_channel(("sparse",), samples, 0, options=FitOptions(max_terms=3))
    front = fit_channel(("sparse", "pysr"), samples, 0, options=FitOptions(max_terms=3))
    assert list(oracle.heard[0].guesses) == [c.expr for c in alone]
    best: Expr = front[-1].expr
    assert best == parse_infix(KINK["u"], samples.names)
    assert front[-1].engine == "sparse"
    assert alone[-1].loss > 1e-3


def test_an_exact_channel_is_not_searched_further(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = Oracle("u")
    enlist(monkeypatch, oracle)
    fit_channel(("sparse", "pysr"), drawn(KINK, 300), 1, options=FitOptions(max_terms=3))
    assert not oracle.heard


def test_auto_takes_what_the_teacher_and_the_machine_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    enlist(monkeypatch, Oracle("u"), reason="no Julia here")
    assert line_up("auto", Network()) == ("sparse", "operon")
    enlist(monkeypatch, Oracle("u"))
    assert line_up("auto", Network()) == ("sparse", "operon", "pysr")
    assert line_up("auto", RuleTeacher(gray_scott())) == ("exact",)
    assert line_up("sparse", Network()) == ("sparse",)


def test_operon_goes_on_until_exact_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = drawn(KINK, 300)
    answers = iter(["u", "v_lap - u", "max(0, u + v) + u_lap", "u_dx"])
    asked: list[int] = []

    def round(self: _Search, number: int, guesses: object, evaluations: int) -> list[Expr]:
        asked.append(number)
        assert evaluations == 100_000
        return [parse_infix(next(answers), samples.names)]

    monkeypatch.setattr(_Search, "round", round)
    front = get_engine("operon").fit(samples, 0, options=FitOptions(budget_s=1000))
    assert asked == [0, 1, 2]
    assert front[-1].loss <= samples.floor[0]
    asked.clear()
    answers = iter(["u", "v"])
    get_engine("operon").fit(samples, 0, options=FitOptions(budget_s=17))
    assert asked == [0, 1], "two rounds are what 17 seconds are for"
