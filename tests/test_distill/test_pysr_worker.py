"""The worker itself, in its own process, with a stand-in for the `pysr` package; and once with the real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import distill
from distill.engines.base import FitOptions
from distill.engines.pysr import probe, protocol
from distill.engines.pysr.engine import PysrEngine
from distill.engines.pysr.runner import Limits
from equations.errors import MissingPartError, SrncaError
from equations.symbols import symbols
from tests.test_distill.conformance import EngineConformance
from tests.test_distill.pysr_planted import OPTIONS, U, V, gray_scott, is_law

HALLS = Path(__file__).parent / "data" / "pysr" / "gray_scott"
QUICK = Limits(start_s=60.0, grace_s=5.0, poll_s=0.02)

FAKE = """
import json, os, shutil, signal, sys, time
HOW = os.environ.get("FAKE_PYSR", "")
if HOW == "no-julia":
    raise RuntimeError("could not load libjulia")
SEEN = {"numpy_first": "numpy" in sys.modules}
class PySRRegressor:
    interrupted_ = False
    def __init__(self, **arguments):
        self.arguments = arguments
    def fit(self, X, y, *, variable_names):
        run = os.path.join(self.arguments["output_directory"], self.arguments["run_id"])
        os.makedirs(run)
        print("searching", flush=True)
        number = self.arguments["run_id"][-1]
        if HOW == "first-fails" and number == "1":
            raise ValueError("Variable name S is already a function name.")
        hall = os.path.join(run, "hall_of_fame.csv")
        shutil.copyfile(os.path.join(os.environ["FAKE_HALLS"], f"hall_of_fame_output{number}.csv"), hall)
        SEEN[self.arguments["run_id"]] = {
            "arguments": self.arguments, "X": X[:3].tolist(), "shapes": [X.shape, y.shape], "names": variable_names}
        if HOW == "wait":  # PySR keeps SIGINT to itself and returns what it has
            signal.signal(signal.SIGINT, lambda *_: setattr(self, "interrupted_", True))
            while not self.interrupted_:
                time.sleep(0.02)
        SEEN["heavy"] = sorted({"torch", "juliacall"} & set(sys.modules))
        with open(os.environ["FAKE_SEEN"], "w") as file:
            json.dump(SEEN, file)
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
    samples = gray_scott()
    u, v = symbols(["u", "v"])
    options = FitOptions(seed=5, max_terms=6, budget_s=1.0, guesses=(u * v,))
    fronts = engine().fit_channels(samples, {U: options, V: options})
    assert is_law(fronts[U][-1].expr, U)
    assert is_law(fronts[V][-1].expr, V)
    told = json.loads(seen.read_text())
    assert told["heavy"] == []
    assert told["numpy_first"] is False
    assert told["output1"]["names"] == ["u", "u_lap", "v", "v_lap"]
    assert told["output1"]["shapes"] == [[300, 4], [300]]
    assert told["output2"]["arguments"]["run_id"] == "output2"
    assert told["output1"]["arguments"]["random_state"] == 5
    assert len(told["output1"]["arguments"]["guesses"]) == 1
    np.testing.assert_array_equal(told["output1"]["X"], samples.X[:3])


def test_pysr_that_does_not_start_is_a_missing_part(seen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PYSR", "no-julia")
    with pytest.raises(MissingPartError, match="PySR did not start: RuntimeError: could not load libjulia; mend"):
        engine().fit(gray_scott(), U, options=OPTIONS)


def test_one_failing_output_does_not_take_the_other_with_it(
    seen: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FAKE_PYSR", "first-fails")
    fronts = engine().fit_channels(gray_scott(), {U: OPTIONS, V: OPTIONS})
    assert set(fronts) == {V}
    assert "output 1: ValueError: Variable name S is already a function name." in caplog.text
    with pytest.raises(SrncaError, match="Variable name S is already"):
        engine().fit(gray_scott(), U, options=OPTIONS)


def test_an_interrupted_search_is_not_followed_by_another(seen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(stage: str, fraction: float, detail: str) -> None:
        if fraction < 1 and "8 equations" in detail:
            raise KeyboardInterrupt

    monkeypatch.setenv("FAKE_PYSR", "wait")
    fronts = engine().fit_channels(gray_scott(), {U: OPTIONS, V: OPTIONS}, progress=interrupt)
    assert set(fronts) == {U}
    assert "output2" not in json.loads(seen.read_text())


@pytest.mark.parametrize(("arguments", "words"), [([], "usage"), (["a", "b"], "usage")])
def test_usage(arguments: list[str], words: str) -> None:
    assert words in _worker(*arguments).stderr


def test_a_folder_without_a_job(tmp_path: Path) -> None:
    assert _worker(str(tmp_path)).returncode == 2
    assert "job.json" in (protocol.read_error(tmp_path) or ("", False))[0]


def _worker(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(distill.__file__).parent.parent)}
    command = [sys.executable, "-m", "distill.engines.pysr.worker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.slow
@pytest.mark.skipif(probe() is not None, reason=f"needs Julia: {probe()}")
class TestRealPysr(EngineConformance):
    engine = "pysr"
    budget_s = 30.0


@pytest.mark.slow
@pytest.mark.skipif(probe() is not None, reason=f"needs Julia: {probe()}")
def test_real_pysr_finds_gray_scott() -> None:
    samples = gray_scott(1500)
    options = FitOptions(seed=0, max_terms=6, budget_s=60.0)
    fronts = PysrEngine().fit_channels(samples, {U: options, V: options})
    assert is_law(fronts[U][-1].expr, U)
    assert is_law(fronts[V][-1].expr, V)


@pytest.mark.slow
@pytest.mark.skipif(probe() is not None, reason=f"needs Julia: {probe()}")
def test_real_pysr_starts_from_a_guess_and_repeats_itself() -> None:
    samples = gray_scott(500)
    u, v, u_lap = symbols(["u", "v", "u_lap"])
    options = FitOptions(seed=0, max_terms=6, budget_s=5.0, guesses=(0.1 * u_lap - u * v**2 + 0.05 - 0.05 * u,))
    first = PysrEngine().fit(samples, U, options=options)
    assert is_law(first[-1].expr, U)
    assert PysrEngine().fit(samples, U, options=options) == first
