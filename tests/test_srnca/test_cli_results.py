"""What `srnca distill` and `srnca verify` say and how they exit; stand-ins do the work itself."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from equations import models, save_rule
from equations.errors import MissingPartError
from srnca.help import POOR, help_at
from tests.test_srnca.command import run


@dataclass
class Check:
    name: str
    value: float
    threshold: float
    ok: bool
    detail: str = ""


@dataclass
class Verification:
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


@dataclass
class Distillation:
    rule: Any
    report: dict[str, Any]


REPORT = {
    "texture_loss": {"flat": 1.0, "teacher": 0.05, "rule": 0.081},
    "judge": {"flat": 1.0, "teacher": 0.15, "rule": 0.19},
    "r2": {"u": 0.91234, "v": float("nan")},
    "terms": {"total": 7, "per_channel": 3.5, "by_channel": {"u": 4, "v": 3}},
    "engine": "sparse",
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    from srnca.texture.checkpoint import Checkpoint, save_checkpoint
    from srnca.texture.config import TrainConfig
    from srnca.texture.network import NCA

    config = TrainConfig(channels=3, hidden=2, size=16)
    path = tmp_path / "x.pt"
    save_checkpoint(Checkpoint(config, NCA(config.nca), np.zeros((16, 16, 3), np.float32)), path)
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stand-in pipeline that notes what it was asked for."""
    asked: dict[str, Any] = {}

    def work(source: Any, **options: Any) -> Distillation:
        asked.update(options, source=source)
        if options["engine"] == "pysr":
            raise MissingPartError("engine pysr: Julia is not ready; see srnca doctor")
        options["progress"]("fit", 0.5, "channel u")
        return Distillation(models.get("gray-scott"), REPORT)

    for place, name in (("srnca.texture.distill", "distill_checkpoint"), ("srnca.recordings", "distill_frames")):
        module = ModuleType(place)
        setattr(module, name, work)
        monkeypatch.setitem(sys.modules, place, module)
    return asked


def test_distill_prints_equations_fidelity_and_texture_apart(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path, asked: dict[str, Any]
) -> None:
    out = tmp_path / "deep" / "run"
    code, said, err = run(capsys, "distill", "--checkpoint", checkpoint, "--out", out)
    assert code == 0
    assert out.is_dir()
    assert "u_lap" in said
    assert said.index("u_lap") < said.index("R²") < said.index("texture loss")
    assert [line.split() for line in said.splitlines() if line.startswith(("u  ", "v  "))] == [
        ["u", "4", "0.912"],
        ["v", "3", "–"],
    ]
    rows = [line.split() for line in said.splitlines()]
    assert ["texture", "loss", "judge"] in rows
    assert [row for row in rows if row[:1] in (["automaton"], ["rule"])] == [
        ["automaton", "0.05", "0.15"],
        ["rule", "0.081", "0.19"],
    ]
    assert "0 is the picture; the rule is good" in said
    assert "disagree" not in said
    assert "fit  50 %  channel u" in err
    assert (asked["engine"], asked["seed"], asked["refine"], asked["out"]) == ("auto", 0, True, out)
    assert "terms" not in asked  # the library's own default
    assert "max_loss" not in asked
    assert asked["resume"] is False
    assert "left out" not in err
    assert said.splitlines()[-1].endswith("srnca simulate " + str(out / "rule.json") + " --out picture.png")


def test_distill_says_what_there_was_no_time_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path, asked: dict[str, Any], monkeypatch: Any
) -> None:
    monkeypatch.setitem(REPORT, "left_out", ["free-form search for u"])
    code, _, err = run(capsys, "distill", "--checkpoint", checkpoint, "--out", tmp_path / "r", "--budget", "9s")
    assert code == 0
    assert "--budget 9s was too short: left out free-form search for u" in err


@pytest.mark.parametrize("rule", [1.27, None])
def test_the_last_line_says_that_the_rule_has_lost_the_texture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path, asked: dict[str, Any], monkeypatch: Any,
    rule: float | None,
) -> None:  # fmt: skip
    front = [{"terms_per_channel": 16.0, "loss": 1.3}, {"terms_per_channel": 32.5, "loss": 0.3}]
    monkeypatch.setitem(REPORT, "texture_loss", {"flat": 1.0, "teacher": 0.05, "rule": rule})
    monkeypatch.setitem(REPORT, "shortfall", "no better than a flat colour: more --effort may help")
    monkeypatch.setitem(REPORT, "refine", front)
    out = tmp_path / "r"
    code, said, err = run(capsys, "distill", "--checkpoint", checkpoint, "--out", out)
    assert code == 0
    assert err.splitlines()[-1] == help_at(POOR)
    assert said.splitlines()[-1] == (
        f"{out}/rule.json is a poor rule: no better than a flat colour: more --effort may help; "
        f"{out}/front has one of 0.3, 32.5 terms a channel"
    )
    monkeypatch.setitem(REPORT, "refine", [{"terms_per_channel": 16.0, "loss": 1.3}] if rule else [])
    _, said, _ = run(capsys, "distill", "--checkpoint", checkpoint, "--out", out)
    assert said.splitlines()[-1].endswith("more --effort may help")


@pytest.mark.parametrize(
    ("judged", "words"),
    [(0.3, "is fair, but falls short of its automaton: has twice"), (0.5, "is a poor rule: has twice")],
)
def test_the_last_line_calls_poor_only_what_the_judge_does(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path, asked: dict[str, Any], monkeypatch: Any,
    judged: float, words: str,
) -> None:  # fmt: skip
    monkeypatch.setitem(REPORT, "judge", {"flat": 1.0, "teacher": 0.1, "rule": judged})
    monkeypatch.setitem(REPORT, "shortfall", "has twice the automaton's distance")
    _, said, _ = run(capsys, "distill", "--checkpoint", checkpoint, "--out", tmp_path / "r")
    assert words in said.splitlines()[-1]


def test_distill_passes_its_flags_on_and_prints_one_json_object(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path, asked: dict[str, Any]
) -> None:
    words = [
        "--engine",
        "sparse",
        "--terms",
        12,
        "--budget",
        "2m",
        "--effort",
        0.5,
        "--seed",
        7,
        "--loss",
        0.25,
        "--resume",
        "--quiet",
    ]
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "unfinished.npz").touch()
    code, said, err = run(capsys, "distill", "--checkpoint", checkpoint, "--out", tmp_path / "r", *words, "--json")
    assert (code, err) == (0, "")
    report = json.loads(said)
    assert report["texture_loss"]["rule"] == 0.081
    assert report["judge"]["rule"] == 0.19
    assert report["r2"]["v"] is None  # JSON has no NaN
    assert {key: asked[key] for key in ("engine", "terms", "effort", "budget_s", "seed", "max_loss", "resume")} == {
        "engine": "sparse",
        "terms": 12,
        "effort": 0.5,
        "budget_s": 120.0,
        "seed": 7,
        "max_loss": 0.25,
        "resume": True,
    }
    assert run(capsys, "distill", "--checkpoint", checkpoint, "--out", tmp_path / "r", "--refine", "none")[0] == 0
    assert asked["refine"] is False


def test_distill_reports_a_missing_part_with_4(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path, asked: dict[str, Any]
) -> None:
    words = ["--engine", "pysr", "--out", tmp_path / "r"]
    code, said, err = run(capsys, "distill", "--checkpoint", checkpoint, *words)
    assert (code, said) == (4, "")
    assert "Julia" in err


def test_distill_takes_frames(capsys: pytest.CaptureFixture[str], tmp_path: Path, asked: dict[str, Any]) -> None:
    frames = tmp_path / "f.npz"
    words = ["distill", "--frames", frames, "--time", "steps", "--out", tmp_path / "r"]
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "no such recording" in err
    assert not (tmp_path / "r").exists()
    frames.touch()
    assert run(capsys, *words)[0] == 0
    assert asked["source"] == [frames]


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    """A stand-in for the checks: the list is what they find."""
    found: list[Check] = [
        Check("fidelity", 0.95, 0.9, True, "R² of one step"),
        Check("stability", 1.2, 10.0, True),
    ]
    module = ModuleType("srnca.texture.verify")
    module.verify = lambda rule, automaton, **_: Verification(tuple(found))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "srnca.texture.verify", module)
    return found


def test_verify_exits_0_or_3_and_shows_the_thresholds(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path, verified: list[Check]
) -> None:
    save_rule(models.get("gray-scott"), tmp_path / "rule.json")
    words = ["verify", tmp_path / "rule.json", "--checkpoint", checkpoint]
    code, said, err = run(capsys, *words)
    assert code == 0
    assert "mismatch" not in err
    rows = [line.split()[:4] for line in said.splitlines()]
    assert ["ok", "fidelity", "0.95", "0.9"] in rows
    verified.append(Check("texture", 0.7, 0.2, False, "the rule's, at most twice the automaton's"))
    code, said, err = run(capsys, *words)
    assert code == 3
    assert ["NO", "texture", "0.7", "0.2"] in [line.split()[:4] for line in said.splitlines()]
    assert err.endswith("mismatch: texture\n")
    code, said, _ = run(capsys, *words, "--json")
    assert code == 3
    data = json.loads(said)
    assert data["ok"] is False
    assert data["checks"]["texture"]["threshold"] == 0.2


def test_verify_needs_a_rule_that_is_a_file(
    capsys: pytest.CaptureFixture[str], checkpoint: Path, verified: list[Check]
) -> None:
    code, _, err = run(capsys, "verify", "gray-scott", "--checkpoint", checkpoint)
    assert code == 2
    assert "gray-scott" in err
