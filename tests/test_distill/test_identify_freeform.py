"""Free-form search for a recording's terms: what is taken of a front, who found it, and going on after a stop."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.engines import ENGINES, FitOptions
from distill.identify import identify
from distill.identify.freeform import new_terms, pack, reciprocals, unpack
from distill.regression.polish import refit
from distill.sampling import Samples
from distill.work import search_evaluations
from equations.expressions.infix import parse_infix
from equations.expressions.terms import complexity, count_terms
from equations.rule.rule import Candidate
from equations.simulation import Simulator
from tests.test_distill.teachers import planted

UV = ("u", "v")
NAMES = ("a", "h", "a_lap")
LAW = {"a": "0.1*a_lap + 0.05*a^2/h - 0.05*a", "h": "0.1*h_lap + 0.05*a^2 - 0.05*h"}


def candidate(text: str, loss: float, engine: str = "pysr") -> Candidate:
    expr = parse_infix(text, NAMES)
    return Candidate(complexity(expr), loss, expr, engine, count_terms(expr))


def test_the_law_s_terms_are_taken_however_many_longer_equations_are_as_good() -> None:
    """Two engines make a long front: its last equations follow the noise, and the law is none of them."""
    tail = ["a*h", "h^3", "a_lap*h", "a^3", "a_lap^2", "a_lap*a"]
    law = "a_lap + a^2*inv(h) - a"
    longer = [candidate(" + ".join([law, *tail[:n]]), 1.0 - 0.004 * n, "operon") for n in range(1, 7)]
    front = [candidate("a", 9.0), candidate(law, 1.0), *longer]
    found = new_terms(front)
    assert [str(term) for term in found][:3] == [str(t) for t in new_terms(front[:2])][:3]
    assert parse_infix("a^2*inv(h)", NAMES) in list(found)[:3]
    assert found[parse_infix("a^2*inv(h)", NAMES)] == "pysr"
    assert found[parse_infix("a*h", NAMES)] == "operon"


def test_found_terms_keep_their_finders_in_a_file() -> None:
    found = {"a": {parse_infix("a^2*inv(h)", NAMES): "pysr", parse_infix("a*h", NAMES): "operon"}, "h": {}}
    assert unpack(pack(found)) == found
    assert list(unpack(pack(found))["a"]) == list(found["a"])
    assert unpack({"terms": np.array('{"a": [["Multiply", "a", "h"]]}')}) == {}, "an older file names no finders"


def samples_of(states: np.ndarray) -> Samples:
    half = len(states) // 2
    return Samples(states[:half], states[:half], UV, UV, states[half:], states[half:])


def test_reciprocals_are_offered_of_states_that_stay_clear_of_zero() -> None:
    draw = np.random.default_rng(0)
    states = np.stack([draw.uniform(-1, 1, 100), draw.uniform(0.5, 2, 100)], axis=1)
    states[0, 0] = 1e-4
    assert [str(e) for e in reciprocals(samples_of(states))] == ["1/v"]


def test_terms_of_a_front_come_without_constants_and_without_long_ones() -> None:
    short, long = parse_infix("2*u^2/v - 3", UV), parse_infix("u*(u*(v+2)/(u+3) + 1)/(v*(u+1)*(v+4)/(u+7)+5)", UV)
    front = [Candidate(9 * n, 1 / n, expr, "operon", 1) for n, expr in ((1, long), (2, short))]
    found = new_terms(front)
    assert next(str(e) for e in found) == "u**2/v"
    assert all(e.free_symbols for e in found)
    assert set(found.values()) == {"operon"}


class Oracle:
    """Knows one equation of each channel; `stop` is raised in place of the answer for channel 1."""

    name = "pysr"

    def __init__(self, stop: type[BaseException] | None = None) -> None:
        self.stop, self.asked = stop, list[int]()

    def fit(
        self, samples: Samples, channel: int, *, options: FitOptions, progress: Callable[..., None]
    ) -> list[Candidate]:
        self.asked.append(channel)
        assert options.evaluations == search_evaluations(1.0, len(LAW), alone=True)
        if channel == 1 and self.stop is not None:
            raise self.stop
        text = list(LAW.values())[channel].replace("/h", "*inv(h)")
        found = refit(parse_infix(text, samples.names), samples, channel, engine=self.name)
        assert found is not None
        return [found]


def enlist(monkeypatch: pytest.MonkeyPatch, oracle: Oracle) -> Oracle:
    module: Any = types.ModuleType("oracle_engine")
    module.ENGINE, module.probe = oracle, lambda: None
    monkeypatch.setitem(sys.modules, "oracle_engine", module)
    monkeypatch.setitem(ENGINES, "pysr", "oracle_engine")
    return oracle


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    law = {channel: text.replace("/h", "*inv(h)") for channel, text in LAW.items()}
    rule = planted(law, filters=2)
    rng = np.random.default_rng(0)
    start = np.stack([rng.uniform(0.5, 1.5, (12, 12)), rng.uniform(0.8, 1.6, (12, 12))])
    simulator = Simulator(rule, state=start.astype(np.float32), backend="reference")
    found = [np.array(simulator.state)]
    for _ in range(12):
        found.append(np.array(simulator.step(1)))
    return np.stack(found)


def test_terms_that_pysr_found_are_labelled_pysr_and_resume_asks_for_the_rest_only(
    frames: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go(**more: Any) -> Any:
        return identify(
            [frames], 1.0, ("a", "h"), engine="pysr", derivative="step", stencil="lap", rows=800, max_terms=4, **more
        ).result

    enlist(monkeypatch, Oracle())
    whole = go()
    assert whole.report["regression"]["engine"]["a"] == "pysr"
    assert whole.report["engines"] == {"pysr": "ok, 2 of 2 equations chosen"}
    assert "operon" not in {c.engine for front in whole.fronts.values() for c in front}

    stopped = enlist(monkeypatch, Oracle(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        go(folder=tmp_path)
    assert stopped.asked == [0, 1]
    last = enlist(monkeypatch, Oracle())
    again = go(folder=tmp_path, resume=True)
    assert last.asked == [1]
    assert again.rule == whole.rule
    for report in (again.report, whole.report):
        report.pop("time_s")
    assert again.report == whole.report
