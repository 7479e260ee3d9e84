"""Files of every kind, made by the program of 2026-11-30: they are read, and what was unfinished goes on.

In `golden/`:
stripes.png; an automaton of it: trained.pt (its state of step 5: trained_5.npz), training.pt (after 3 of 6 iterations);
f.npz, a recording; an automaton of it: recorded.pt (its law: recorded_rule.json), recording.pt (after 8 of 20);
teacher.pt, an automaton; its distillation: result/, distilling.npz.xz (stopped in the refinement);
identifying.npz: a distillation of f.npz, stopped before its report;
a.study/: a study of two trials; its journal says HERE where the folder of its picture stood.
"""

from __future__ import annotations

import json
import lzma
import shutil
from pathlib import Path

import numpy as np
import pytest

from distill.fronts.halloffame import read_hall_of_fame
from equations.expressions.numeric import compile_numpy
from equations.rule.rulefile import load_rule
from srnca import NCATeacher, load_checkpoint
from srnca.cli.app import main
from tests.test_srnca.tiny import SHORT_REFINEMENT, shorten_distillation, shorten_training, simulate_on_torch

GOLDEN = Path(__file__).parent / "golden"
SMALL = ["--size", "16", "--channels", "4", "--hidden", "8", "--max-ca-steps", "4", "--device", "cpu", "--seed", "1"]
OF_A_RECORDING = ["--hidden", "4", "--filters", "2", "--iterations", "20", "--seed", "1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(GOLDEN, tmp_path / "golden")
    monkeypatch.chdir(tmp_path / "golden")
    shorten_training(monkeypatch)
    return tmp_path / "golden"


def run(*words: str) -> None:
    assert main(list(words)) == 0


def test_an_automaton_does_what_it_did() -> None:
    automaton = load_checkpoint(GOLDEN / "trained.pt")
    assert automaton.history == pytest.approx([0.9188922643661499, 0.925398588180542, 0.9191880226135254])
    assert automaton.target.shape == (16, 16, 3)
    teacher = NCATeacher(automaton)
    assert teacher.channels == ("r", "g", "b", "h3")
    with np.load(GOLDEN / "trained_5.npz") as before:
        now = teacher.rollout(size=(16, 16), steps=5, seed=0, every=5)[-1]
        np.testing.assert_allclose(now, before["state"], atol=1e-6)


def test_an_automaton_of_a_recording_gives_the_law_that_it_gave(folder: Path) -> None:
    run("distill", "--checkpoint", "recorded.pt", "--engine", "sparse", "--out", "law", "--quiet")
    now, then = load_rule("law/rule.json"), load_rule("recorded_rule.json")
    assert (now.channels, now.feature_names) == (then.channels, then.feature_names)
    seen = np.random.default_rng(0).random((len(now.feature_names), 50))
    laws = [compile_numpy(rule.expressions, rule.feature_names)(seen) for rule in (now, then)]
    np.testing.assert_allclose(*laws, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("training.pt", ["stripes.png", "--iterations", "6", *SMALL]),
        ("recording.pt", ["--frames", "f.npz", *OF_A_RECORDING]),
    ],
)
def test_a_stopped_training_goes_on(
    folder: Path, name: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run("train", *words, "--out", name, "--resume")
    said = capsys.readouterr()
    assert "train  1/" not in said.err  # not from the beginning
    assert f"{name}" in said.out


def test_a_result_is_read(folder: Path) -> None:
    rule = load_rule("result/rule.json")
    assert rule.channels == ("r", "g", "b")
    assert rule.provenance["distilled_from"] == "NCATeacher"
    assert all(rule.fronts[channel] for channel in rule.channels)
    for index in (1, 2, 3):
        assert read_hall_of_fame(f"result/hall_of_fame_output{index}.csv", rule.feature_names)
    assert len([load_rule(path) for path in Path("result/front").iterdir()]) == 6


def test_a_stopped_distillation_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate_on_torch(monkeypatch)
    shorten_distillation(monkeypatch, refinement=None)  # settings that are given would have to be in the file, too
    monkeypatch.setattr("distill.refine.Settings", lambda: SHORT_REFINEMENT)
    Path("r").mkdir()
    Path("r/unfinished.npz").write_bytes(lzma.decompress(Path("distilling.npz.xz").read_bytes()))
    words = ["--checkpoint", "teacher.pt", "--terms", "2", "--engine", "sparse", "--seed", "3", "--out", "r"]
    run("distill", *words, "--resume")
    told = capsys.readouterr().err
    assert "refine" in told
    assert "fit" not in told
    assert load_rule("r/rule.json").channels == ("r", "g", "b")


def test_a_stopped_identification_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("r").mkdir()
    shutil.copy("identifying.npz", "r/unfinished.npz")
    run("distill", "--frames", "f.npz", "--out", "r", "--engine", "sparse", "--resume")
    told = capsys.readouterr().err
    assert "report" in told
    assert "fit" not in told
    assert load_rule("r/rule.json").channels == ("u",)


def test_a_study_goes_on_and_is_explored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = folder / "a.study" / "journal.log"
    journal.write_text(journal.read_text().replace("HERE", str(folder)))
    run("sweep", "--study", "a", "--trials", "3", "--device", "cpu", "--threads", "1", "--json")
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert [trial["status"] for trial in trials] == ["done"] * 3
    run("explore", "a", "--out", "found")
    assert "stripes" in Path("found/report.html").read_text()
