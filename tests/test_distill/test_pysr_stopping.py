"""However a distillation with PySR ends (Ctrl-C, SIGTERM, SIGKILL): at once, nothing is left behind, and it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import distill
from distill.engines import pysr
from distill.engines.pysr.runner import Worker
from distill.result import Distillation
from distill.unfinished import UNFINISHED
from tests.test_distill.pysr_planted import OPTIONS, QUICK, Logbook, U, command, engine, gray_scott, wait_for
from tests.test_distill.teachers import Network

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")

SETTINGS: dict[str, Any] = {"engine": "pysr", "max_terms": 3, "rows": 300, "size": (12, 12), "steps": 10, "seed": 5}
FOUND = "says:r;r + h3_lap;abs(g);r*b"


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Logbook:
    monkeypatch.setenv("STAND_IN_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Logbook(tmp_path / "log")


def interrupt_at(words: str) -> Callable[[str, float, str], None]:
    def progress(stage: str, fraction: float, detail: str) -> None:
        if words in detail and fraction < 1:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("hangs-starting", "starting Julia"),
        ("hangs-compiling", "compiling"),
        ("hangs-late", "equations"),
        ("stubborn", "equations"),
    ],
)
def test_a_stop_is_a_stop_at_once_in_every_phase(book: Logbook, how: str, words: str) -> None:
    stopped = list[float]()

    def stop(stage: str, fraction: float, detail: str) -> None:
        if words in detail:
            stopped.append(time.monotonic())
            raise KeyboardInterrupt

    with engine(how).session() as lasting, pytest.raises(KeyboardInterrupt):
        lasting.fit(gray_scott(), U, options=OPTIONS, progress=stop)
    assert time.monotonic() - stopped[0] < 2
    assert book.nothing_is_left(0.5)


def test_a_second_ctrl_c_leaves_nothing_either(book: Logbook, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = subprocess.Popen.wait

    def again(self: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout == 5.0:  # the wait of the tidying up
            monkeypatch.setattr(subprocess.Popen, "wait", wait)
            raise KeyboardInterrupt
        return wait(self, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", again)
    with pytest.raises(KeyboardInterrupt):
        engine("stubborn").fit(gray_scott(), U, options=OPTIONS, progress=interrupt_at("equations"))
    assert book.nothing_is_left()


def test_an_error_of_the_caller_stops_the_worker_too(book: Logbook) -> None:
    def fail(stage: str, fraction: float, detail: str) -> None:
        if "equations" in detail:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        engine("stubborn").fit(gray_scott(), U, options=OPTIONS, progress=fail)
    assert book.nothing_is_left()


def test_a_worker_whose_keeper_is_killed_is_seen_to_be_dead(book: Logbook) -> None:
    worker = Worker(command("hangs-late"), QUICK)
    try:
        wait_for(lambda: bool(book.starts))
        worker.process.kill()
        _, reason = worker.search(lambda folder: None, lambda folder, look: None)
        assert reason == "was killed by signal 9"
    finally:
        worker.close()
        for pid in (book.starts[0]["pid"], book.starts[0]["child"]):
            os.kill(pid, signal.SIGKILL)  # the stand-in does not ask the kernel to die with its parent; PySR's does


# a whole distillation


def use(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(pysr, "ENGINE", engine(how), raising=False)
    monkeypatch.setattr(pysr, "probe", lambda: None)


def go(folder: Path | None, **more: Any) -> Distillation:
    return distill.distill(Network(("r", "g", "b", "h3")), folder=folder, **SETTINGS, **more)


def test_one_ctrl_c_ends_it_and_resume_goes_on_to_the_same_end(
    tmp_path: Path, book: Logbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted while the third of four channels is searched."""
    use(monkeypatch, FOUND)
    whole = go(None)
    assert len(book.starts) == 1, "one worker for all channels and the on-policy rounds"
    assert len(book.jobs) == 4
    book.path.unlink()

    def stop(stage: str, fraction: float, detail: str) -> None:
        if "b: 0 equations" in detail and len(book.jobs) == 3:  # the worker has begun with it
            raise KeyboardInterrupt

    use(monkeypatch, f"{FOUND}|{FOUND}|hangs-compiling")
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "r", progress=stop)
    assert (len(book.starts), len(book.jobs)) == (1, 3), "nothing was started after the stop"
    assert book.nothing_is_left()
    assert [path.name for path in (tmp_path / "r").iterdir()] == [UNFINISHED]
    book.path.unlink()

    use(monkeypatch, FOUND)
    again = go(tmp_path / "r", resume=True)
    assert len(book.jobs) == 2, "the channels that were done are not searched again"
    assert again.rule == whole.rule
    assert again.fronts == whole.fronts
    for report in (again.report, whole.report):
        report.pop("time_s")
    assert again.report == whole.report


DRIVER = """
import signal, sys
from pathlib import Path
import distill
from distill.engines import pysr
from distill.engines.pysr.engine import PysrEngine
from distill.engines.pysr.runner import Limits
from tests.test_distill.pysr_planted import command
from tests.test_distill.teachers import Network
from tests.test_distill.test_pysr_stopping import SETTINGS

signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may have it ignored
pysr.ENGINE = PysrEngine(command(sys.argv[1]), Limits(), ready=lambda: None)
pysr.probe = lambda: None
try:
    distill.distill(Network(("r", "g", "b", "h3")), folder=Path(sys.argv[2]), **SETTINGS)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_real_signal_leaves_no_process_and_no_folder(tmp_path: Path, book: Logbook, number: signal.Signals) -> None:
    """Ctrl-C ends the whole distillation; `kill -9` leaves nobody to tidy up but the keeper."""
    root = str(Path(distill.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root, "TMPDIR": str(tmp_path), "STAND_IN_LOG": str(book.path)}
    driver = [sys.executable, "-c", DRIVER, f"{FOUND}|hangs-compiling", str(tmp_path / "r")]
    process = subprocess.Popen(driver, cwd=root, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(lambda: len(book.jobs) == 2, 60.0)
        process.send_signal(number)
        assert process.wait(20) == (130 if number == signal.SIGINT else -9)
    finally:
        process.kill()
    assert book.nothing_is_left()
    assert not list(tmp_path.glob("srnca-pysr-*"))
    assert len(book.jobs) == 2
    assert (tmp_path / "r" / UNFINISHED).exists()
