"""`srnca verify --against`: what it says, what it writes and how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equations import models, save_rule
from equations.comparison import in_units
from tests.test_equations.test_comparison.planted import changed, texture_rule
from tests.test_srnca.command import run

GRAY_SCOTT = models.get("gray-scott")


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    """Gray-Scott with another name and unit for each channel, one coefficient off by 3 %, one term too many."""
    law = changed(GRAY_SCOTT, u="0.1648*u_lap - u*v^2 + 0.055*(1 - u) + 0.0005*v")
    path = tmp_path / "rule.json"
    save_rule(in_units(law, {"u": 2.5, "v": 0.3}, {"u": "b1", "v": "a1"}, ("v", "u")), path)
    return path


def test_terms_units_and_checks_are_shown(capsys: pytest.CaptureFixture[str], rule: Path) -> None:
    code, said, err = run(capsys, "verify", rule, "--against", "gray-scott:coral", "--steps", "200")
    assert code == 0
    assert "mismatch" not in err
    assert "in the rule, b1 is 2.5 u, a1 is 0.3 v" in said
    rows = [line.split() for line in said.splitlines()]
    assert ["~", "u", "u_lap", "0.1648", "0.16", "+3", "%"] in rows
    assert ["+", "u", "v", "0.0005", "spurious,"] in [row[:5] for row in rows]
    assert ["=", "v", "v", "-0.117", "-0.117", "0"] in rows
    checks = {row[1]: row for row in rows if row and row[0] in ("ok", "NO")}
    assert set(checks) == {"law", "coefficients", "spectrum", "histogram"}
    assert checks["law"][3] == "0.05"


def test_a_mismatch_exits_3_with_its_thresholds(capsys: pytest.CaptureFixture[str], rule: Path) -> None:
    code, said, err = run(capsys, "verify", rule, "--against", "schnakenberg", "--steps", "20", "--quiet")
    assert code == 3
    assert err.startswith("mismatch: law")
    assert ["NO", "law"] in [line.split()[:2] for line in said.splitlines()]
    assert "0.05" in said


def test_json_and_figure(capsys: pytest.CaptureFixture[str], rule: Path, tmp_path: Path) -> None:
    figure = tmp_path / "new" / "comparison.png"
    words = ("verify", rule, "--against", "gray-scott", "--steps", "300", "--out", figure, "--json")
    code, said, _ = run(capsys, *words)
    assert code == 0
    data = json.loads(said)
    assert data["ok"] is True
    assert data["channels"] == {"u": "b1", "v": "a1"}
    assert data["scales"]["u"] == pytest.approx(2.5, rel=0.02)
    assert data["parameters"]["F"] == pytest.approx(0.055, rel=0.02)
    assert data["preset"] == "coral"
    assert data["checks"]["law"]["threshold"] == 0.05
    assert [t["term"] for t in data["terms"] if t["status"] == "spurious"] == ["v"]
    assert data["rollouts"]["steps"][-1] == 300
    assert data["figure"] == str(figure)
    with Image.open(figure) as picture:
        assert np.asarray(picture.convert("L")).std() > 10


def test_parameters_are_held(capsys: pytest.CaptureFixture[str]) -> None:
    """RULE may be a model of the catalogue, and other values of its parameters another law."""
    code, said, _ = run(
        capsys, "verify", "gray-scott", "--against", "gray-scott", "--set", "Du=0.2", "--steps", "5", "--json"
    )
    data = json.loads(said)
    assert data["parameters"]["Du"] == 0.2
    assert [(t["term"], round(t["error"], 3)) for t in data["terms"] if t["differs"]] == [("u_lap", -0.2)]
    checks = {name: check["ok"] for name, check in data["checks"].items()}
    assert checks == {"law": True, "coefficients": False, "spectrum": True, "histogram": True}
    assert code == 3


def test_all_ranks_the_catalogue(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heat = tmp_path / "heat.json"
    save_rule(changed(models.get("fisher-kpp"), u="0.7*u_lap"), heat)
    monkeypatch.setattr("equations.models.names", lambda: ("turing", "allen-cahn", "fisher-kpp"))
    code, said, _ = run(capsys, "verify", "fisher-kpp", "--against", "all")
    assert code == 0
    assert said.splitlines()[1].split()[:4] == ["=", "fisher-kpp", "front", "0"]
    assert "it is fisher-kpp" in said
    code, said, _ = run(capsys, "verify", "fisher-kpp", "--against", "fisher-kpp", "--set", "r=0", "--steps", "5", "-q")
    assert code == 3
    code, said, _ = run(capsys, "verify", heat, "--against", "all", "-q")
    assert "it is fisher-kpp (a special case: r = 0)" in said
    code, said, _ = run(capsys, "verify", heat, "--against", "fisher-kpp", "--steps", "5", "-q")
    assert "a special case of it: r = 0" in said
    save_rule(texture_rule(channels=4), tmp_path / "texture.json")
    code, said, err = run(capsys, "verify", tmp_path / "texture.json", "--against", "all", "--quiet")
    assert code == 3
    assert "none of these: a rule is a model whose distance is at most 0.05" in said
    assert err.startswith("mismatch: none of these; the closest, ")
    code, said, _ = run(capsys, "verify", tmp_path / "texture.json", "--against", "all", "--json")
    data = json.loads(said)
    assert (code, data["ok"], data["found"], data["threshold"]) == (3, False, [], 0.05)
    assert [m["distance"] for m in data["models"]] == sorted(m["distance"] for m in data["models"])


def test_a_rule_of_too_few_channels_has_no_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("verify", "fisher-kpp", "--against", "gray-scott")
    code, said, err = run(capsys, *words)
    assert code == 3
    assert "the runs are not compared: a channel has no counterpart" in said
    assert err.endswith("mismatch: law, coefficients\n")
    code, _, err = run(capsys, *words, "--out", tmp_path / "x.png")
    assert code == 2
    assert "--out: expected a rule with all channels of gray-scott" in err
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected either --checkpoint FILE or --against MODEL, got neither"),
        (["--against", "turing", "--checkpoint", "a.pt"], "--against MODEL, got both"),
        (["--against", "grey-scott"], "--against: unknown model 'grey-scott' (did you mean \"gray-scott\"?)"),
        (["--against", "gray-scott:corral"], "no preset 'corral' (did you mean \"coral\"?)"),
        (["--against", "gray-scott", "--set", "f=1"], "no parameter 'f' (did you mean \"F\"?)"),
        (["--against", "gray-scott", "--set", "F"], "--set: expected NAME=VALUE"),
        (["--against", "gray-scott", "--out", "x.gif"], "expected a file ending in .png"),
        (["--against", "all", "--out", "x.png"], "--out: expected one model, such as --against gray-scott"),
        (["--against", "all", "--set", "F=1"], "--set: expected one model"),
        (["--against", "all", "--steps", "5"], "--steps: expected one model"),
        (["--checkpoint", "a.pt", "--out", "x.png"], "--out: expected --against MODEL with it, got --checkpoint"),
        (["--checkpoint", "a.pt", "--set", "F=1"], "--set: expected --against MODEL with it, got --checkpoint"),
        (["--against", "gray-scott", "--steps", "0"], "--steps"),
    ],
)
def test_bad_usage(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    code, out, err = run(capsys, "verify", "gray-scott", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_rule_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "verify", "nothing.json", "--against", "gray-scott")
    assert code == 2
    assert "nothing.json: no such file or folder" in err
