"""The PySR engine against a stand-in worker that speaks the protocol, and against one that misbehaves."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from distill.deadline import Deadline
from distill.engines import pysr
from distill.engines.pysr.engine import FEATURES, PysrEngine, screen_features
from distill.engines.pysr.runner import Limits
from distill.sampling import Samples
from equations.errors import InputError, MissingPartError, SrncaError
from equations.rule.symbols import symbol, symbols
from tests.test_distill.conformance import LAW, EngineConformance
from tests.test_distill.pysr_planted import (
    OPTIONS,
    QUICK,
    Logbook,
    U,
    V,
    engine,
    gray_scott,
    is_law,
    many_features,
    wait_for,
)

HASTY = Limits(stall_s=3.0, late_s=0.1, poll_s=0.02)


@pytest.fixture
def samples() -> Samples:
    return gray_scott()


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Logbook:
    """What the stand-in does, and with it the promise that temporary folders lie where the test can see them."""
    monkeypatch.setenv("STAND_IN_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Logbook(tmp_path / "log")


def test_one_worker_serves_a_session_and_both_laws_are_found(samples: Samples, book: Logbook) -> None:
    with engine("good").session() as lasting:
        fronts = [lasting.fit(samples, channel, options=OPTIONS) for channel in (U, V, U)]
    assert len(book.starts) == 1
    assert [job["job"] for job in book.jobs] == ["job1", "job2", "job3"]
    assert fronts[0] == fronts[2]
    for channel, front in enumerate(fronts[:2]):
        assert is_law(front[-1].expr, channel)
        assert front[-1].loss < 1e-25
        assert {c.engine for c in front} == {"pysr"}
        assert [c.complexity for c in front] == sorted({c.complexity for c in front})
        assert all(a.loss > b.loss for a, b in pairwise(front))
        assert all(c.terms <= OPTIONS.max_terms for c in front)
    assert book.nothing_is_left()


def test_without_a_session_every_search_has_its_own_worker(samples: Samples, book: Logbook) -> None:
    lone = engine("good")
    fronts = [lone.fit(samples, channel, options=OPTIONS) for channel in (U, V)]
    assert len(book.starts) == 2
    assert all(is_law(front[-1].expr, channel) for channel, front in enumerate(fronts))
    assert book.nothing_is_left()


def test_a_session_without_a_search_starts_nothing(book: Logbook) -> None:
    with engine("good").session():
        pass
    assert not book.starts


def test_no_equation_has_more_terms_than_asked_for(samples: Samples) -> None:
    few = replace(OPTIONS, max_terms=2)
    assert {c.terms for c in engine("good").fit(samples, U, options=few)} == {0, 1, 2}


def test_a_channel_that_never_changes_is_not_searched(samples: Samples) -> None:
    still = Samples(samples.X, samples.Y * [1, 0], samples.names, ("u", "v"), samples.X_held, samples.Y_held * [1, 0])
    (candidate,) = engine("dies").fit(still, V, options=OPTIONS)
    assert candidate.expr == 0


# progress


def test_progress_names_the_phases_and_never_falls(samples: Samples) -> None:
    first, second = list[tuple[str, float, str]](), list[tuple[str, float, str]]()
    options = replace(OPTIONS, evaluations=20_000)
    with engine("slow-start|slow").session() as lasting:
        for channel, reports in ((U, first), (V, second)):
            lasting.fit(samples, channel, options=options, progress=lambda *said, to=reports: to.append(said))
    for reports in (first, second):
        assert all(a[1] <= b[1] for a, b in pairwise(reports))
        assert reports[-1][1] == 1.0
    assert "starting Julia" in [detail for _, _, detail in first]
    assert "starting Julia" not in [detail for _, _, detail in second]
    searching = {fraction for _, fraction, detail in second[:-1] if "equations" in detail}
    assert len(searching) > 3, "the search's progress is that of its rounds"


def test_compiling_is_called_so(samples: Samples) -> None:
    details: list[str] = []
    with pytest.raises(SrncaError, match=r"did nothing for 3 s \(compiling\)"):
        engine("hangs-compiling", HASTY).fit(
            samples, U, options=OPTIONS, progress=lambda *said: details.append(said[2])
        )
    assert "u: compiling" in details


# what does not change the work


def test_a_slow_start_and_a_busy_machine_change_no_argument(samples: Samples, book: Logbook) -> None:
    for how in ("good", "slow-start"):
        with engine(how).session() as lasting:
            for channel in (U, V):
                lasting.fit(samples, channel, options=OPTIONS)
    given = [job["arguments"] for job in book.jobs]
    assert given[:2] == given[2:]
    assert all(arguments["timeout_in_seconds"] is None for arguments in given)
    assert all(arguments["max_evals"] == 1000 for arguments in given)


def test_a_search_that_makes_progress_is_never_cut_short(samples: Samples, caplog: pytest.LogCaptureFixture) -> None:
    front = engine("slow", HASTY).fit(samples, U, options=OPTIONS)  # it takes longer than that
    assert is_law(front[-1].expr, U)
    assert not caplog.records


# a clock


def test_a_deadline_ends_the_search_and_what_it_found_is_used(samples: Samples, book: Logbook) -> None:
    now = [0.0]

    def found(stage: str, fraction: float, detail: str) -> None:
        if "equations" in detail:
            now[0] = 100.0

    deadline = Deadline(7.0, clock=lambda: now[0])
    front = engine("hangs-late").fit(samples, U, options=replace(OPTIONS, deadline=deadline), progress=found)
    assert is_law(front[-1].expr, U)
    assert deadline.left_out == ["pysr: a part of the search for u"]
    assert book.jobs[0]["arguments"]["timeout_in_seconds"] == 7.0
    assert book.nothing_is_left()


@pytest.mark.parametrize("how", ["hangs-starting", "hangs-compiling"])
def test_a_deadline_before_the_search_leaves_it_out(samples: Samples, how: str) -> None:
    deadline = Deadline(0.3)
    patient = Limits(stall_s=20.0, late_s=60.0, poll_s=0.02)  # late_s is for a search that has something to end with
    (candidate,) = engine(how, patient).fit(samples, U, options=replace(OPTIONS, deadline=deadline))
    assert candidate.expr == 0
    assert deadline.left_out == ["pysr: a part of the search for u"]


def test_deadlines_are_checked() -> None:
    now = [0.0]
    deadline = Deadline(2.0, clock=lambda: now[0])
    assert (deadline.remaining_s(), deadline.passed) == (2.0, False)
    now[0] = 2.5
    assert (deadline.remaining_s(), deadline.passed) == (-0.5, True)
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="deadline: expected seconds above 0"):
            Deadline(bad)


# failures


@pytest.mark.parametrize(
    ("how", "limits", "words"),
    [
        ("dies", QUICK, r"killed by signal 9(?s:.)*Segmentation fault in some library"),
        ("hangs-starting", HASTY, r"did nothing for 3 s \(starting Julia\)"),
        ("silent", QUICK, r"ended with exit code 0"),
        ("rubbish", QUICK, r"wrote no equation that can be read"),
        ("rubbish-words", QUICK, r"ended with exit code 0"),
        ("fails", QUICK, r"failed.*Variable name S is already a function name"),
        ("no-such-behaviour", QUICK, r"exit code 1.*no such behaviour"),
    ],
)
def test_a_worker_that_finds_nothing_is_an_error(
    samples: Samples, how: str, limits: Limits, words: str, book: Logbook
) -> None:
    with pytest.raises(SrncaError, match=f"^engine pysr: (?s:.)*{words}") as caught:
        engine(how, limits).fit(samples, U, options=OPTIONS)
    assert not isinstance(caught.value, MissingPartError)
    assert book.nothing_is_left()


@pytest.mark.parametrize("how", ["missing", "missing-hangs"])
def test_a_worker_that_cannot_start_julia_is_a_missing_part(samples: Samples, how: str, book: Logbook) -> None:
    with pytest.raises(MissingPartError, match=r"libjulia is gone; mend the Julia installation"):
        engine(how).fit(samples, U, options=OPTIONS)
    assert book.nothing_is_left()


@pytest.mark.parametrize("how", ["chatty", "half", "done-crashes"])
def test_what_does_not_matter(samples: Samples, how: str, caplog: pytest.LogCaptureFixture) -> None:
    assert is_law(engine(how).fit(samples, U, options=OPTIONS)[-1].expr, U)
    assert not caplog.records


@pytest.mark.parametrize(
    ("how", "limits", "words"),
    [
        ("dies-late", QUICK, "was killed by signal 9 while it searched for u"),
        ("fails-late", QUICK, "failed while it searched for u (DomainError: sqrt)"),
        ("hangs-late", HASTY, "was stopped because it did nothing for 3 s (searching) while it"),
        ("stubborn", HASTY, "was stopped because it did nothing for 3 s (searching) while it"),
        ("endless", Limits(20.0, 0.1, 0.02, log_bytes=10**6), "printed more than 1000000 bytes"),
    ],
)
def test_partial_results_are_used_and_said(
    samples: Samples, how: str, limits: Limits, words: str, book: Logbook
) -> None:
    notes: list[str] = []
    front = engine(how, limits).fit(samples, U, options=replace(OPTIONS, note=notes.append))
    assert is_law(front[-1].expr, U)
    (note,) = notes
    assert note.startswith("engine pysr: the worker ")
    assert words in note
    assert book.nothing_is_left()


def test_without_a_place_for_notes_they_are_logged(samples: Samples, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        engine("dies-late").fit(samples, U, options=OPTIONS)
    assert "was killed by signal 9" in caplog.text


def test_after_a_death_the_next_search_has_a_new_worker(samples: Samples, book: Logbook) -> None:
    notes: list[str] = []
    options = replace(OPTIONS, note=notes.append)
    with engine("dies-late").session() as lasting:
        assert is_law(lasting.fit(samples, U, options=options)[-1].expr, U)
        assert is_law(lasting.fit(samples, V, options=options)[-1].expr, V)
    assert (len(book.starts), len(notes)) == (2, 2)
    assert book.nothing_is_left()


def test_a_worker_that_dies_between_two_searches_is_replaced(samples: Samples, book: Logbook) -> None:
    with engine("done-crashes").session() as lasting:
        assert is_law(lasting.fit(samples, U, options=OPTIONS)[-1].expr, U)
        wait_for(lambda: lasting._worker is not None and not lasting._worker.alive)
        assert is_law(lasting.fit(samples, V, options=OPTIONS)[-1].expr, V)
    assert len(book.starts) == 2
    assert book.nothing_is_left()


def test_after_a_search_that_failed_by_itself_the_worker_lives_on(samples: Samples, book: Logbook) -> None:
    with engine("fails|good").session() as lasting:
        with pytest.raises(SrncaError, match="already a function name"):
            lasting.fit(samples, U, options=OPTIONS)
        assert is_law(lasting.fit(samples, V, options=OPTIONS)[-1].expr, V)
    assert len(book.starts) == 1


def test_a_half_written_line_without_a_backup_is_left_out(samples: Samples) -> None:
    front = engine("half-no-bak").fit(samples, U, options=OPTIONS)
    # the exact law was the last line; the line before it has the law's terms, and refitting mends its constants
    assert len(front) > 3
    assert front[-1].loss > 1e-12


# what the search is given


def test_on_many_features_it_gets_few_and_starts_from_linear_equations(book: Logbook) -> None:
    samples = many_features()
    engine("says:h3;h3 + h7").fit(samples, 0, options=OPTIONS)
    (job,) = book.jobs
    assert len(job["names"]) <= FEATURES
    assert {"h3", "h7", "h11"} <= set(job["names"])
    guesses = job["arguments"]["guesses"]
    assert len(guesses) == 3
    assert "abs(h11)" in guesses[-1]
    assert "h3" in guesses[-1]


def test_features_of_guesses_come_first() -> None:
    samples = many_features()
    plain = screen_features(samples, 0, ())
    assert len(plain) <= FEATURES
    assert {3, 7, 11} <= set(plain)
    guess = symbol("h25") * symbol("h26") + symbol("h27")
    assert {25, 26, 27} <= set(screen_features(samples, 0, [guess]))
    assert len(screen_features(samples, 0, [sum(symbols(samples.names))])) == FEATURES


def test_a_law_of_few_species_is_searched_with_all_features(book: Logbook) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 12))
    samples = Samples(x, x[:, :1] * x[:, 11:], tuple(f"x{i}" for i in range(12)), ("x0",), x[:50], x[:50, :1])
    engine("says:x0*x11").fit(samples, 0, options=OPTIONS)
    assert len(book.jobs[0]["names"]) == 12


def test_guesses_of_other_engines_are_handed_on_last(samples: Samples, book: Logbook) -> None:
    u, v = symbols(["u", "v"])
    engine("good").fit(samples, U, options=replace(OPTIONS, guesses=(u * v**2,)))
    guesses = book.jobs[0]["arguments"]["guesses"]
    assert guesses[-1] in ("(u * (v * v))", "((v * v) * u)")
    assert len(guesses) > 1


def test_names_that_sympy_or_julia_would_not_take_are_hidden_from_pysr() -> None:
    """The search runs on x0 … x3 then, and its equations come back in our names."""
    front = engine("good").fit(gray_scott(channels=("end", "begin")), U, options=OPTIONS)
    a, b = symbols(["end", "begin"])
    assert front[-1].expr.free_symbols == set(symbols(["end", "end_lap", "begin"]))
    assert is_law(front[-1].expr.xreplace({a: symbol("u"), b: symbol("v"), symbol("end_lap"): symbol("u_lap")}), U)


def test_a_missing_julia_is_said_before_anything_is_started(samples: Samples) -> None:
    absent = PysrEngine(("/nowhere/worker",), QUICK, ready=lambda: "engine pysr: Julia is not there; do this")
    with pytest.raises(MissingPartError, match=r"^engine pysr: Julia is not there; do this$"):
        absent.fit(samples, U, options=OPTIONS)


class TestConformance(EngineConformance):
    """The engine's own half (screening, refitting, the front) with a worker that knows the laws roughly."""

    engine = "pysr"

    @pytest.fixture(scope="class", autouse=True)
    def knowing(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pysr, "ENGINE", engine(f"says:u;u * v;{';'.join(LAW.values())}"), raising=False)
            yield
