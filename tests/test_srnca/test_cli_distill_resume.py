"""`srnca distill` on a small automaton: Ctrl-C, and going on with --resume."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from equations.rule.rulefile import load_rule
from srnca.cli.app import main
from srnca.cli.distill_resume import OPTIONS, UNFINISHED
from srnca.cli.progress import Progress
from srnca.texture import subject
from srnca.texture.checkpoint import save_checkpoint
from srnca.texture.teacher import NCATeacher
from tests.test_srnca.command import run
from tests.test_srnca.tiny import checkpoint, shorten_distillation, simulate_on_torch

QUICK = ["--terms", "2", "--seed", "3", "--species", "none"]


def shorten_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_on_torch(monkeypatch)
    shorten_distillation(monkeypatch)
    for name in ("draw_distillation", "report_checkpoint"):
        monkeypatch.setattr(subject, name, lambda *_, **__: None)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_everything(monkeypatch)


@contextmanager
def signalled(stage: str, after: float, number: signal.Signals = signal.SIGINT) -> Iterator[None]:
    """This process gets a signal when so much of a stage is done."""
    proper = Progress.update

    def update(self: Progress, label: str, done: float, total: float, detail: str = "") -> None:
        proper(self, label, done, total, detail)
        if label == stage and done >= after:
            signal.raise_signal(number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "update", update)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "x.pt"
    save_checkpoint(checkpoint(activation="abs", channels=3, filters=2), path)
    return path


@pytest.fixture(scope="module")
def whole(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was never stopped."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        shorten_everything(patch)
        assert main(["distill", "--checkpoint", str(trained), "--out", str(out), *QUICK, "--quiet"]) == 0
    return out


@pytest.fixture(scope="module")
def begun(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a run left that was interrupted in the refinement."""
    out = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch, signalled("refine", 0.5):
        shorten_everything(patch)
        assert main(["distill", "--checkpoint", str(trained), "--out", str(out), *QUICK, "--quiet"]) == 130
    return (out / UNFINISHED).read_bytes()


@pytest.fixture
def unfinished(tmp_path: Path, begun: bytes) -> Path:
    """A folder with an unfinished distillation in it."""
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / UNFINISHED).write_bytes(begun)
    return tmp_path / "r"


# Ctrl-C and --resume


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_exits_130_and_names_resume(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, trained: Path, number: signal.Signals
) -> None:
    out = tmp_path / "new" / "r"
    with signalled("refine", 0.3, number):
        code, said, err = run(capsys, "distill", "--checkpoint", trained, "--out", out, *QUICK)
    assert (code, said) == (130, "")
    assert err.endswith(f"interrupted; what is done is in {out}; go on with: srnca distill --resume --out {out}\n")
    assert "Traceback" not in err
    assert {path.name for path in out.iterdir()} == {OPTIONS, UNFINISHED}


def test_resume_ends_like_a_run_that_was_never_stopped(
    capsys: pytest.CaptureFixture[str], trained: Path, whole: Path, unfinished: Path
) -> None:
    words = ["distill", "--checkpoint", trained, "--out", unfinished, *QUICK, "--resume"]
    with signalled("refine", 0.9):  # and again
        code, _, err = run(capsys, *words)
    assert code == 130
    assert "go on with: srnca distill --resume" in err
    code, said, err = run(capsys, *words)
    assert code == 0
    assert f"\n{unfinished}/rule.json" in said
    assert "fit  " not in err  # what is done is not done again
    assert "refine  " in err
    assert {path.name for path in unfinished.iterdir()} == {path.name for path in whole.iterdir()}
    assert UNFINISHED not in {path.name for path in unfinished.iterdir()}
    assert (unfinished / "rule.json").read_bytes() == (whole / "rule.json").read_bytes()
    reports = [json.loads((folder / "report.json").read_text()) for folder in (unfinished, whole)]
    for report in reports:
        for name in ("time_s", "provenance"):  # when it was, and how long it took
            report.pop(name)
    assert reports[0] == reports[1]


def test_resume_with_a_folder_alone_goes_on_with_the_settings_that_are_kept_there(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    trained: Path,
    whole: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(trained.parent)
    out = tmp_path / "r"
    with signalled("refine", 0.3):
        run(capsys, "distill", "--checkpoint", trained.name, "--out", out, *QUICK)
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "distill", "--resume", "--out", out, "--seed", 4)
    assert (code, err) == (
        2,
        f"error: --seed: expected --resume --out {out} alone, which goes on with the settings that it was begun with; "
        "leave it out\n",
    )
    code, said, err = run(capsys, "distill", "--resume", "--out", "r", "--json")
    assert (code, json.loads(said)["folder"]) == (0, "r")
    assert "fit  " not in err
    assert (out / "rule.json").read_bytes() == (whole / "rule.json").read_bytes()
    assert not (out / OPTIONS).exists()
    code, _, err = run(capsys, "distill", "--resume", "--out", out)
    assert code == 2
    assert f"expected an unfinished distillation in {out}, found no unfinished.json there" in err


@pytest.mark.parametrize("content", ["{", "3", "[1]"])
def test_options_that_are_damaged_exit_2(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str) -> None:
    (tmp_path / OPTIONS).write_text(content)
    code, _, err = run(capsys, "distill", "--resume", "--out", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "expected a list of words, it is damaged" in err


def test_an_interrupt_before_anything_is_done_promises_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, trained: Path
) -> None:
    with signalled("sample", 0.0):
        code, said, err = run(capsys, "distill", "--checkpoint", trained, "--out", tmp_path / "r", *QUICK)
    assert (code, said) == (130, "")
    assert "--resume" not in err
    assert not (tmp_path / "r").exists()


def test_resume_without_a_file_begins_anew(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, trained: Path, whole: Path
) -> None:
    """As after a kill before the first stage; the result is that of a run from the start."""
    out = tmp_path / "r"
    code, _, err = run(capsys, "distill", "--checkpoint", trained, "--out", out, *QUICK, "--resume")
    assert code == 0
    assert f"{out}: nothing unfinished there, starting anew" in err
    assert (out / "rule.json").read_bytes() == (whole / "rule.json").read_bytes()


@pytest.mark.parametrize(
    "other",
    [
        ["--seed", "4"],
        ["--terms", "3"],
        ["--effort", "2"],
        ["--refine", "none"],
        ["--engine", "exact"],
        ["--states", "1"],
    ],
)
def test_resume_with_other_settings_exits_2(
    capsys: pytest.CaptureFixture[str], trained: Path, unfinished: Path, begun: bytes, other: list[str]
) -> None:
    code, said, err = run(capsys, "distill", "--checkpoint", trained, "--out", unfinished, *QUICK, *other, "--resume")
    assert (code, said) == (2, "")
    assert "begun with other settings or another teacher; give the same ones, or leave out --resume" in err
    assert err.count("\n") == 1
    assert (unfinished / UNFINISHED).read_bytes() == begun


def test_resume_of_another_automaton_exits_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, unfinished: Path
) -> None:
    path = tmp_path / "other.pt"
    save_checkpoint(checkpoint(1, activation="abs", channels=3, filters=2), path)
    code, _, err = run(capsys, "distill", "--checkpoint", path, "--out", unfinished, *QUICK, "--resume")
    assert code == 2
    assert "another teacher" in err


def test_resume_of_a_damaged_file_exits_2(
    capsys: pytest.CaptureFixture[str], trained: Path, unfinished: Path, begun: bytes
) -> None:
    for content in (b"", begun[:-100], b"PK\x03\x04", b"something else"):
        (unfinished / UNFINISHED).write_bytes(content)
        code, said, err = run(capsys, "distill", "--checkpoint", trained, "--out", unfinished, *QUICK, "--resume")
        assert (code, said) == (2, "")
        assert "it is damaged or of an earlier version; start anew without --resume" in err
        assert err.count("\n") == 1


def test_a_recording_is_interrupted_and_resumed_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    teacher = NCATeacher(checkpoint(activation="linear", channels=3, filters=4))
    frames = teacher.rollout(size=(24, 24), steps=12, seed=0, every=1)
    np.savez(tmp_path / "rec.npz", frames=frames, dt=1.0, channels=["r", "g", "b"])
    words = ["distill", "--frames", "rec.npz", "--engine", "sparse", "--terms", 6]
    with signalled("report", 0.0):
        code, _, err = run(capsys, *words)
    assert code == 130
    assert "what is done is in rec-rule; go on with: srnca distill --resume --out rec-rule" in err
    code, _, err = run(capsys, *words, "--resume")
    assert code == 0
    assert "fit  " not in err
    assert load_rule("rec-rule/rule.json").channels == ("r", "g", "b")
    assert not (tmp_path / "rec-rule" / UNFINISHED).exists()


def test_an_earlier_budget_that_was_too_short_is_called_so(
    capsys: pytest.CaptureFixture[str], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left out in a run that was stopped is told by the run that goes on, even without a budget of its own."""
    monkeypatch.chdir(tmp_path)
    words = ["distill", "--checkpoint", trained, "--out", "out", "--engine", "operon", "--refine", "none"]
    with signalled("report", 0.0):
        code, _, err = run(capsys, *words, "--budget", "0.001s")
    assert code == 130
    code, _, err = run(capsys, *words, "--resume", "--quiet")
    assert code == 0
    said = [line for line in err.splitlines() if "too short" in line]
    assert said
    assert all(line.startswith("an earlier --budget was too short: left out ") for line in said)


def test_the_name_of_the_file_is_the_librarys() -> None:
    from distill.unfinished import UNFINISHED as named

    assert named == UNFINISHED


def test_a_wanted_loss_takes_the_shortest_rule_that_has_it(
    capsys: pytest.CaptureFixture[str], trained: Path, unfinished: Path, begun: bytes
) -> None:
    """It may be another one when a run goes on: the choice comes last."""
    found = []
    for loss in ("1000", "1e-9"):
        (unfinished / UNFINISHED).write_bytes(begun)
        words = ["distill", "--checkpoint", trained, "--out", unfinished, *QUICK, "--resume", "--loss", loss]
        code, said, _ = run(capsys, *words, "--json")
        assert code == 0
        found.append(json.loads(said))
    short, good = found
    for report in found:  # nothing but the rule that is taken is looked at when old
        looked = [row["terms_per_channel"] for row in report["refine"] if row.pop("lasts") is not None]
        assert looked == [report["terms"]["total"] / 3]
    assert short["refine"] == good["refine"]
    front = [row for row in short["refine"] if row["terms_per_channel"] <= 2]
    assert len(front) >= 2
    for report, row in ((short, front[0]), (good, min(front, key=lambda row: float(row["loss"])))):
        assert report["terms"]["total"] == round(3 * row["terms_per_channel"])
