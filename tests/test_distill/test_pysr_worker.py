"""The worker itself, in its own process, with a stand-in for the `pysr` package; and once with the real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import distill
from distill.engines.base import FitOptions
from distill.engines.pysr import probe, protocol
from distill.engines.pysr.arguments import BELOW
from distill.engines.pysr.engine import PysrEngine
from distill.engines.pysr.runner import WORKER, Limits, Worker
from equations.errors import MissingPartError, SrncaError
from equations.rule.symbols import symbols
from tests.test_distill.conformance import EngineConformance
from tests.test_distill.pysr_planted import OPTIONS, U, V, alive, gray_scott, is_law, wait_for

HALLS = Path(__file__).parent / "data" / "pysr" / "gray_scott"
QUICK = Limits(stall_s=60.0, late_s=5.0, poll_s=0.02)

FAKE = """
import json, os, shutil, sys, time
HOW = os.environ.get("FAKE_PYSR", "")
os.set_blocking(0, False)  # as Julia does with the pipes it finds
if HOW == "no-julia":
    raise RuntimeError("could not load libjulia")
SEEN = {"numpy_first": "numpy" in sys.modules, "pid": os.getpid(), "searches": []}
class PySRRegressor:
    def __init__(self, **arguments):
        self.arguments = arguments
    def fit(self, X, y, *, variable_names):
        run = os.path.join(self.arguments["output_directory"], self.arguments["run_id"])
        os.makedirs(run)
        print("searching", flush=True)
        number = len(SEEN["searches"]) + 1
        pairs = {name: isinstance(v, tuple) for name, v in self.arguments["constraints"].items()}
        status = json.load(open(os.path.join(os.path.dirname(self.arguments["output_directory"]), "status.json")))
        SEEN["searches"].append({
            "arguments": self.arguments, "pairs": pairs, "X": X[:3].tolist(), "shapes": [X.shape, y.shape],
            "names": variable_names, "phase": status["phase"]})
        SEEN["heavy"] = sorted({"torch", "juliacall"} & set(sys.modules))
        with open(os.environ["FAKE_SEEN"], "w") as file:
            json.dump(SEEN, file)
        if HOW == "first-fails" and number == 1:
            raise ValueError("Variable name S is already a function name.")
        hall = os.path.join(run, "hall_of_fame.csv")
        shutil.copyfile(os.path.join(os.environ["FAKE_HALLS"], f"hall_of_fame_output{number}.csv"), hall)
        while HOW == "hangs":
            time.sleep(1)
"""


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-in package in front of the real one; where it writes what it was given."""
    (tmp_path / "fake" / "pysr").mkdir(parents=True)
    (tmp_path / "fake" / "pysr" / "__init__.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
    monkeypatch.setenv("FAKE_HALLS", str(HALLS))
    monkeypatch.setenv("FAKE_SEEN", str(tmp_path / "seen.json"))
    return tmp_path / "seen.json"


def engine() -> PysrEngine:
    return PysrEngine(limits=QUICK, ready=lambda: None)


def test_the_whole_way(seen: Path) -> None:
    """Two channels in one worker: PySR is started once, and the second search finds it warm."""
    samples = gray_scott()
    u, v = symbols(["u", "v"])
    options = FitOptions(seed=5, max_terms=6, evaluations=20_000, guesses=(u * v,))
    with engine().session() as lasting:
        fronts = [lasting.fit(samples, channel, options=options) for channel in (U, V)]
    assert is_law(fronts[U][-1].expr, U)
    assert is_law(fronts[V][-1].expr, V)
    told = json.loads(seen.read_text())
    assert told["heavy"] == []
    assert told["numpy_first"] is False
    first, second = told["searches"]
    assert first["names"] == ["u", "u_lap", "v", "v_lap"]
    assert first["shapes"] == [[300, 4], [300]]
    assert first["arguments"]["random_state"] == 5
    assert first["arguments"]["guesses"][-1] in ("(u * v)", "(v * u)")
    assert first["arguments"]["constraints"]["/"] == [-1, BELOW]
    assert first["pairs"] == {"/": True, "abs": False}, "PySR wants a tuple, which JSON does not have"
    assert (first["phase"], second["phase"]) == ("compiling", "searching")
    assert first["arguments"]["output_directory"] != second["arguments"]["output_directory"]
    np.testing.assert_array_equal(first["X"], samples.X[:3])
    assert not alive(told["pid"])


def test_pysr_that_does_not_start_is_a_missing_part(seen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PYSR", "no-julia")
    with pytest.raises(MissingPartError, match="PySR did not start: RuntimeError: could not load libjulia; mend"):
        engine().fit(gray_scott(), U, options=OPTIONS)


def test_one_failing_search_does_not_take_the_next_with_it(seen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PYSR", "first-fails")
    with engine().session() as lasting:
        with pytest.raises(SrncaError, match=r"ValueError: Variable name S is already a function name\."):
            lasting.fit(gray_scott(), U, options=OPTIONS)
        assert is_law(lasting.fit(gray_scott(), V, options=OPTIONS)[-1].expr, V)
    told = json.loads(seen.read_text())["searches"]
    assert [search["phase"] for search in told] == ["compiling", "compiling"], "what failed may not have compiled"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help")
def test_a_worker_in_mid_search_dies_with_its_keeper(
    seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where Julia holds Python's lock, and nobody looks at the end of the input."""
    monkeypatch.setenv("FAKE_PYSR", "hangs")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def found(stage: str, fraction: float, detail: str) -> None:
        if "8 equations" in detail:
            lasting._worker.process.kill()  # type: ignore[union-attr]

    notes: list[str] = []
    with engine().session() as lasting:
        options = replace(OPTIONS, note=notes.append)
        assert is_law(lasting.fit(gray_scott(), U, options=options, progress=found)[-1].expr, U)
    assert "was killed by signal 9" in notes[0]
    pid = json.loads(seen.read_text())["pid"]
    wait_for(lambda: not alive(pid))
    assert not list(tmp_path.glob("srnca-pysr-*"))


@pytest.mark.parametrize(("arguments", "words"), [([], "usage"), (["a", "b"], "usage")])
def test_usage(arguments: list[str], words: str) -> None:
    assert words in _worker(*arguments).stderr


def test_a_folder_without_a_job(seen: Path, tmp_path: Path) -> None:
    """It is a complaint about that job; the worker ends when its input does."""
    (tmp_path / "job1").mkdir()
    worker = Worker(WORKER, QUICK)
    try:
        folder, reason = worker.search(lambda folder: None, lambda folder, look: None)
        assert reason == "failed"
        assert "job.json" in (protocol.read_error(folder) or ("", False))[0]
        assert worker.alive
    finally:
        worker.close()
    assert not worker.alive
    assert not worker.folder.exists()


def _worker(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(distill.__file__).parent.parent)}
    command = [sys.executable, "-m", "distill.engines.pysr.worker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.slow
@pytest.mark.skipif(probe() is not None, reason=f"needs Julia: {probe()}")
class TestRealPysr(EngineConformance):
    engine = "pysr"
    evaluations = 600_000


@pytest.mark.slow
@pytest.mark.skipif(probe() is not None, reason=f"needs Julia: {probe()}")
def test_real_pysr_finds_gray_scott_and_repeats_itself_in_one_worker() -> None:
    samples = gray_scott(1500)
    options = FitOptions(seed=0, max_terms=6, evaluations=1_200_000)
    with PysrEngine().session() as lasting:
        fronts = [lasting.fit(samples, channel, options=options) for channel in (U, V, U)]
    assert is_law(fronts[0][-1].expr, U)
    assert is_law(fronts[1][-1].expr, V)
    assert fronts[2] == fronts[0], "a warm worker finds what a new one finds"


@pytest.mark.slow
@pytest.mark.skipif(probe() is not None, reason=f"needs Julia: {probe()}")
def test_real_pysr_starts_from_a_guess_and_repeats_itself() -> None:
    samples = gray_scott(500)
    u, v, u_lap = symbols(["u", "v", "u_lap"])
    guess = 0.1 * u_lap - u * v**2 + 0.05 - 0.05 * u
    options = FitOptions(seed=0, max_terms=6, evaluations=100_000, guesses=(guess,))
    first = PysrEngine().fit(samples, U, options=options)
    assert is_law(first[-1].expr, U)
    assert PysrEngine().fit(samples, U, options=options) == first
