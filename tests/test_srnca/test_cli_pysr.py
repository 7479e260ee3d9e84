"""`srnca distill --engine pysr`, with a stand-in for the worker: stops, failures, a missing Julia."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from distill.engines import pysr
from distill.unfinished import UNFINISHED
from srnca.cli.app import main
from srnca.cli.distill_resume import OPTIONS
from srnca.cli.options import no_empty_folder
from srnca.cli.progress import Progress
from tests.test_distill.pysr_planted import Logbook, engine
from tests.test_distill.teachers import gray_scott, hidden


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "frames.npz"
    frames = hidden(gray_scott()).rollout(size=(16, 16), steps=12, seed=0, every=1)
    np.savez(path, frames=frames, dt=1.0, channels=np.array(["u", "v"]))
    return path


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Logbook:
    monkeypatch.setenv("STAND_IN_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Logbook(tmp_path / "log")


def words(recording: Path, out: Path, *more: str) -> list[str]:
    how = ["--engine", "pysr", "--derivative", "step", "--stencil", "lap", "--terms", "4", "--quiet"]
    return ["distill", "--frames", str(recording), "--out", str(out), *how, *more]


def use(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(pysr, "ENGINE", engine(how), raising=False)
    monkeypatch.setattr(pysr, "probe", lambda: None)


@pytest.fixture
def listening() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, even where the tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_it_with_130_and_the_way_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: Path, book: Logbook,
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals,
) -> None:  # fmt: skip
    use(monkeypatch, "good|hangs-late")
    proper = Progress.update

    def update(self: Progress, label: str, done: float, total: float, detail: str = "") -> None:
        if label == "search" and len(book.jobs) == 2:
            signal.raise_signal(number)
        proper(self, label, done, total, detail)

    out = tmp_path / "r"
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "update", update)
        assert main(words(recording, out)) == 130
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(f"what is done is in {out}; go on with: srnca distill --resume --out {out}\n")
    assert (len(book.starts), len(book.jobs)) == (1, 2)
    assert book.nothing_is_left()
    assert {path.name for path in out.iterdir()} == {OPTIONS, UNFINISHED}
    if number == signal.SIGTERM:
        return
    use(monkeypatch, "good")
    assert main(words(recording, out, "--resume")) == 0
    assert len(book.jobs) == 3, "only the channel that was cut short is searched again"
    assert (out / "rule.json").exists()


def test_a_worker_that_dies_is_said_and_written_down(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: Path, book: Logbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "dies-late")
    out = tmp_path / "r"
    assert main(words(recording, out)) == 0
    said = [
        f"the worker was killed by signal 9 while it searched for {c}; went on with what it had found" for c in "uv"
    ]
    err = capsys.readouterr().err
    assert [line for line in err.splitlines() if line.startswith("note: ")] == [f"note: engine pysr: {s}" for s in said]
    report = json.loads((out / "report.json").read_text())
    assert report["engines"] == {"pysr": f"{said[0]}; {said[1]}, 2 of 2 equations chosen"}
    assert report["notes"] == [f"engine pysr: {s}" for s in said]
    page = (out / "report.html").read_text()
    assert f"Note: engine pysr: {said[0]}." in page
    assert "what the engines did" in page
    assert book.nothing_is_left()


@pytest.mark.parametrize("how", ["missing", "dies"])
def test_no_empty_folder_is_left_where_nothing_was_found(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: Path, book: Logbook,
    monkeypatch: pytest.MonkeyPatch, how: str,
) -> None:  # fmt: skip
    use(monkeypatch, how)
    out = tmp_path / "deep" / "r"
    assert main(words(recording, out)) == (4 if how == "missing" else 1)
    assert "engine pysr: " in capsys.readouterr().err
    assert not (tmp_path / "deep").exists()


def test_a_julia_that_is_known_to_be_missing_leaves_no_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pysr, "probe", lambda: "engine pysr: Julia is not ready; do this")
    assert main(words(recording, tmp_path / "r")) == 4
    assert not (tmp_path / "r").exists()


def test_only_what_is_new_and_empty_is_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "new").mkdir()

    def work(folder: Path, *, keep: bool) -> None:
        with no_empty_folder(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if keep:
                (folder / UNFINISHED).touch()
            raise ZeroDivisionError

    for folder, keep in (("mine", False), ("deep/er", False), ("kept/r", True)):
        with pytest.raises(ZeroDivisionError):
            work(tmp_path / folder, keep=keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "mine", "new"]
