"""`srnca simulate` and `srnca show`: what comes out is the rule's own states and equations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equations import Rule, Stencil, models, save_rule, simulate
from equations.symbols import symbol
from srnca.cli.app import main

QUICK = ["--backend", "reference", "--size", "24x16", "--quiet"]


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "rule.json"
    path.parent.mkdir()
    save_rule(models.get("gray-scott:coral"), path)
    return path


def test_frames_are_those_of_the_library(capsys: pytest.CaptureFixture[str], tmp_path: Path, rule_file: Path) -> None:
    out = tmp_path / "x.npz"
    code, _, err = run(capsys, "simulate", rule_file, *QUICK, "--steps", 25, "--every", 10, "--seed", 3, "--out", out)
    assert (code, err) == (0, "")
    rule = models.get("gray-scott:coral")
    with np.load(out, allow_pickle=False) as data:
        assert set(data) == {"frames", "dt", "dx", "channels"}
        expected = simulate(rule, size=(16, 24), steps=20, every=10, seed=3, backend="reference")
        np.testing.assert_array_equal(data["frames"], expected)
        assert data["frames"].dtype == np.float32
        assert float(data["dt"]) == 10.0  # between two frames, not between two steps
        assert tuple(data["channels"]) == rule.channels


def test_pictures_and_films_end_with_the_last_state(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, rule_file: Path
) -> None:
    from equations.rendering import render

    rule = models.get("gray-scott:coral")
    last = simulate(rule, size=(16, 24), steps=25, seed=0, backend="reference")[-1]
    picture, film = tmp_path / "x.png", tmp_path / "x.gif"
    words = [
        "simulate",
        rule_file.parent,
        *QUICK,
        "--steps",
        25,
        "--every",
        10,
        "--json",
    ]  # the folder will do
    code, said, _ = run(capsys, *words, "--out", picture)
    assert code == 0
    assert json.loads(said)["size"] == {"width": 24, "height": 16}
    np.testing.assert_array_equal(np.asarray(Image.open(picture)), render(rule, last))
    code, said, _ = run(capsys, *words, "--out", film)
    assert code == 0
    assert json.loads(said)["frames"] == 4  # steps 0, 10, 20 and 25
    assert Image.open(film).n_frames == 4  # type: ignore[attr-defined]


def test_no_steps_show_the_first_state(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said, _ = run(capsys, "simulate", "gray-scott:coral", *QUICK, "--steps", 0)
    assert code == 0
    assert said.startswith("gray-scott-coral.png: 1 frame of 24x16 cells, 0 steps")
    assert (tmp_path / "gray-scott-coral.png").is_file()


def test_a_rule_that_blows_up_exits_1_and_says_where(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from equations import STENCILS, Display, Init

    u = symbol("u")
    stencil: Stencil = STENCILS["id"]
    start = Init("noise", (1.0,), (0.1,))
    rule = Rule(("u",), (stencil,), {"u": 9 * u}, init=start, display=Display(("u",)))
    save_rule(rule, tmp_path / "rule.json")
    out = tmp_path / "x.png"
    code, said, err = run(capsys, "simulate", tmp_path / "rule.json", *QUICK, "--steps", 100, "--out", out)
    assert (code, said) == (1, "")
    assert "step" in err
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"format": "srnca.rule/9"}', "srnca.rule/1"),
        ("not json", "JSON"),
        ("[" * 1_000_000, "rule.json"),
        ('{"format": "srnca.rule/1"}', "rule.json"),
    ],
)
@pytest.mark.parametrize("command", ["simulate", "show"])
def test_bad_rules_exit_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, content: str, sentence: str
) -> None:
    path = tmp_path / "rule.json"
    path.write_text(content)
    words = [command, path] + (["--out", tmp_path / "x.png"] if command == "simulate" else [])
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_an_unknown_operator_exits_2(capsys: pytest.CaptureFixture[str], rule_file: Path) -> None:
    data = json.loads(rule_file.read_text())
    data["updates"]["u"] = ["System", "touch x"]
    rule_file.write_text(json.dumps(data))
    code, _, err = run(capsys, "show", rule_file)
    assert code == 2
    assert "System" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere.json"], "nowhere.json"),
        (["nowhere/rule"], "no such rule file; known models: gray-scott"),
        (["gray-scot"], "did you mean"),
        (["gray-scott:cora"], "did you mean"),
        (["snake.pt"], "first: srnca distill --checkpoint snake.pt"),
    ],
)
def test_missing_rules_exit_2(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    code, out, err = run(capsys, "show", *words)
    assert (code, out) == (2, "")
    assert sentence in err


@pytest.mark.parametrize("format", ["text", "latex", "csv"])
def test_show_prints_each_channel(capsys: pytest.CaptureFixture[str], rule_file: Path, format: str) -> None:
    code, out, _ = run(capsys, "show", rule_file, "--format", format)
    assert code == 0
    assert "u" in out
    assert "v" in out
    assert out == run(capsys, "show", rule_file.parent, "--format", format)[1]


def test_show_knows_the_formats_of_the_library() -> None:
    from typing import get_args, get_type_hints

    from equations.printers import PRINTERS
    from srnca.cli.show import show

    assert set(get_args(get_type_hints(show)["format"])) == set(PRINTERS)


def test_the_printed_script_runs_by_itself(capsys: pytest.CaptureFixture[str], tmp_path: Path, rule_file: Path) -> None:
    code, script, _ = run(capsys, "show", rule_file, "--format", "python")
    assert code == 0
    (tmp_path / "rule.py").write_text(script)
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "rule.py",
            "--steps",
            "20",
            "--size",
            "16",
            "--seed",
            "0",
            "--out",
            "state.npy",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    last = simulate(models.get("gray-scott:coral"), size=16, steps=20, seed=0, backend="reference")[-1]
    np.testing.assert_allclose(np.load(tmp_path / "state.npy"), last, rtol=1e-5, atol=1e-6)
