"""The PySR engine against a stand-in worker that speaks the protocol, and against one that misbehaves."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import distill
from distill.engines import pysr
from distill.engines.pysr import runner
from distill.engines.pysr.engine import PysrEngine, screen_features
from distill.engines.pysr.runner import Limits
from distill.sampling import Samples
from equations.errors import MissingPartError, SrncaError
from equations.symbols import symbol, symbols
from tests.test_distill.conformance import LAW, EngineConformance
from tests.test_distill.pysr_planted import OPTIONS, QUICK, U, V, engine, gray_scott, is_law


@pytest.fixture
def samples() -> Samples:
    return gray_scott()


def alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def test_both_laws_are_found_and_their_constants_refitted(samples: Samples) -> None:
    fronts = engine("good").fit_channels(samples, {U: OPTIONS, V: OPTIONS})
    assert set(fronts) == {U, V}
    for channel, front in fronts.items():
        assert is_law(front[-1].expr, channel)
        assert front[-1].loss < 1e-25
        assert {c.engine for c in front} == {"pysr"}
        assert [c.complexity for c in front] == sorted({c.complexity for c in front})
        assert all(a.loss > b.loss for a, b in pairwise(front))
        assert all(c.terms <= OPTIONS.max_terms for c in front)


def test_fit_is_fit_channels_of_one(samples: Samples) -> None:
    assert engine("good").fit(samples, U, options=OPTIONS) == engine("good").fit_channels(samples, {U: OPTIONS})[U]


def test_no_equation_has_more_terms_than_asked_for(samples: Samples) -> None:
    few = replace(OPTIONS, max_terms=2)
    assert {c.terms for c in engine("good").fit(samples, U, options=few)} == {0, 1, 2}


def test_progress_is_reported(samples: Samples) -> None:
    heard: list[tuple[str, float, str]] = []
    with pytest.raises(SrncaError):
        engine("hangs", Limits(0.3, 0.1, 0.02)).fit(
            samples, U, options=OPTIONS, progress=lambda *said: heard.append(said)
        )
    assert heard[0] == ("pysr", pytest.approx(0, abs=0.05), "starting Julia")
    heard.clear()
    engine("hangs-late", Limits(2.0, 0.1, 0.02)).fit(
        samples, U, options=OPTIONS, progress=lambda *said: heard.append(said)
    )
    assert any(detail == "u: 8 equations" for _, _, detail in heard)
    assert heard[-1][1] == 1.0


def test_a_channel_that_never_changes_is_not_searched(samples: Samples) -> None:
    still = Samples(samples.X, samples.Y * [1, 0], samples.names, ("u", "v"), samples.X_held, samples.Y_held * [1, 0])
    (candidate,) = engine("dies").fit(still, V, options=OPTIONS)
    assert candidate.expr == 0


@pytest.mark.parametrize(
    ("how", "limits", "words"),
    [
        ("dies", QUICK, r"killed by signal 9(?s:.)*Segmentation fault in some library"),
        ("hangs", Limits(0.3, 0.1, 0.02), r"stopped after 0 s.*give it more time"),
        ("silent", QUICK, r"ended with exit code 0"),
        ("rubbish", QUICK, r"wrote no equation that can be read"),
        ("rubbish-words", QUICK, r"ended with exit code 0"),
        ("complains", QUICK, r"failed.*libjulia is gone"),
        ("no-such-behaviour", QUICK, r"exit code 1.*no such behaviour"),
    ],
)
def test_a_worker_that_finds_nothing_is_an_error(samples: Samples, how: str, limits: Limits, words: str) -> None:
    with pytest.raises(SrncaError, match=f"^engine pysr: (?s:.)*{words}") as caught:
        engine(how, limits).fit(samples, U, options=OPTIONS)
    assert not isinstance(caught.value, MissingPartError)


def test_a_worker_that_cannot_start_julia_is_a_missing_part(samples: Samples) -> None:
    with pytest.raises(MissingPartError, match=r"libjulia is gone; mend the Julia installation"):
        engine("missing").fit(samples, U, options=OPTIONS)


@pytest.mark.parametrize("how", ["chatty", "half", "done-hangs", "done-crashes"])
def test_what_does_not_matter(samples: Samples, how: str, caplog: pytest.LogCaptureFixture) -> None:
    assert is_law(engine(how).fit(samples, U, options=OPTIONS)[-1].expr, U)
    assert not caplog.records


@pytest.mark.parametrize(
    ("how", "limits", "words"),
    [
        ("hangs-late", Limits(2.0, 0.1, 0.02), "was stopped after"),
        ("stubborn", Limits(2.0, 0.1, 0.02), "was stopped after"),
        ("endless", Limits(20.0, 0.1, 0.02, log_bytes=10**6), "printed more than 1000000 bytes"),
    ],
)
def test_partial_results_are_used_and_said(
    samples: Samples, how: str, limits: Limits, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        front = engine(how, limits).fit(samples, U, options=OPTIONS)
    assert is_law(front[-1].expr, U)
    assert words in caplog.text


def test_a_half_written_line_without_a_backup_is_left_out(samples: Samples) -> None:
    front = engine("half-no-bak").fit(samples, U, options=OPTIONS)
    # the exact law was the last line; the line before it has the law's terms, and refitting mends its constants
    assert len(front) > 3
    assert front[-1].loss > 1e-12


def test_a_channel_whose_turn_never_came_is_absent(samples: Samples, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        fronts = engine("dies-between").fit_channels(samples, {U: OPTIONS, V: OPTIONS})
    assert set(fronts) == {U}
    assert "killed by signal 11" in caplog.text


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("how", ["good", "stubborn", "dies", "silent"])
def test_no_process_is_left(samples: Samples, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_PIDS", str(tmp_path / "pids"))
    with contextlib.suppress(SrncaError):
        engine(how, Limits(2.0, 0.1, 0.02)).fit(samples, U, options=OPTIONS)
    worker, child = map(int, (tmp_path / "pids").read_text().split())
    assert not alive(worker)
    _wait_for(lambda: not alive(child))


def _wait_for(condition: object, seconds: float = 5.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _interrupt_when_found(stage: str, fraction: float, detail: str) -> None:
    if "equations" in detail and fraction < 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize("how", ["polite", "hangs-late", "stubborn"])
def test_interrupted_with_results(samples: Samples, how: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        front = engine(how).fit(samples, U, options=OPTIONS, progress=_interrupt_when_found)
    assert is_law(front[-1].expr, U)
    assert "was interrupted; going on with what it found" in caplog.text


def test_interrupted_with_nothing(samples: Samples) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine("hangs").fit(samples, U, options=OPTIONS, progress=interrupt)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_a_second_interrupt_kills_at_once(samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("STAND_IN_PIDS", str(tmp_path / "pids"))
    monkeypatch.setattr(runner, "_stop", again)
    with pytest.raises(KeyboardInterrupt):
        engine("stubborn").fit(samples, U, options=OPTIONS, progress=_interrupt_when_found)
    assert not any(alive(int(pid)) for pid in (tmp_path / "pids").read_text().split()[:1])


def test_an_error_of_the_caller_stops_the_worker_too(
    samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        if (tmp_path / "pids").exists() and (tmp_path / "pids").read_text():
            raise ZeroDivisionError

    monkeypatch.setenv("STAND_IN_PIDS", str(tmp_path / "pids"))
    with pytest.raises(ZeroDivisionError):
        engine("stubborn").fit(samples, U, options=OPTIONS, progress=fail)
    if Path("/proc/self/stat").exists():
        assert not alive(int((tmp_path / "pids").read_text().split()[0]))


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_real_ctrl_c() -> None:
    """SIGINT to the whole foreground program, as a terminal sends it: PySR's fronts are read, the program goes on."""
    program = """
from tests.test_distill.pysr_planted import OPTIONS, engine, gray_scott, is_law
def progress(stage, fraction, detail):
    if "equations" in detail and fraction < 1:
        print("found", flush=True)
front = engine("polite").fit(gray_scott(), 0, options=OPTIONS, progress=progress)
print("went on", is_law(front[-1].expr, 0), flush=True)
"""
    root = str(Path(distill.__file__).parent.parent)
    command = [sys.executable, "-c", program]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "found\n"
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait(20) == 0
    assert rest.endswith("went on True\n")


def test_features_are_screened_to_twelve_and_guesses_come_first() -> None:
    rng = np.random.default_rng(1)
    names = tuple(f"h{i}" for i in range(30))
    x = rng.normal(size=(400, 30))
    y = x[:, [3]] - 2 * x[:, [7]] * 1.0 + 0.5 * np.abs(x[:, [11]])
    many = Samples(x, y, names, ("h0",), x[:50], y[:50])
    plain = screen_features(many, 0, ())
    assert len(plain) <= 12
    assert {3, 7, 11} <= set(plain)
    guess = symbol("h25") * symbol("h26") + symbol("h27")
    seeded = screen_features(many, 0, [guess])
    assert {25, 26, 27} <= set(seeded)
    assert screen_features(many, 0, [guess], limit=3) == [25, 26, 27]
    assert len(seeded) <= 12
    assert screen_features(many, 0, [sum(symbols(names))]) == sorted(screen_features(many, 0, [sum(symbols(names))]))
    assert len(screen_features(many, 0, [sum(symbols(names))])) == 12


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
