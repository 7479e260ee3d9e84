"""`srnca analyze`: one table, one figure, one JSON object, and clear words for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equations import models, save_rule
from srnca.cli.app import main
from tests.test_equations.helpers import in_colours, make_rule

QUICK = ("--size", "24", "--steps", "300", "--quiet")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["analyze", *map(str, words)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_the_table_and_the_figure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "deep" / "s.png"
    code, out, err = run(capsys, "schnakenberg", *QUICK, "--out", path)
    assert code == 0
    for text in ("diffusion  20.0*v_lap", "D[v, v] = 20", "0 *", "verdict: Turing", "standing waves of 12.81 cells",
                 "predicted 12.8 12.8 of the fastest wave", "after 300 steps"):  # fmt: skip
        assert " ".join(text.split()) in " ".join(out.split())
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert f"figure: {path}" in err
    assert max(map(len, out.splitlines())) < 160


def test_json_is_one_object(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "gray-scott:alpha", *QUICK, "--json", "--out", tmp_path / "a.png")
    assert code == 0
    data = json.loads(out)
    assert data["rule"] == "gray-scott:alpha"
    assert data["verdict"]["name"] == "excitable"
    assert data["size"] == [24, 24]
    assert data["wavelength"]["predicted"] is None
    assert Path(data["figure"]).exists()


def test_parameters_change_the_verdict(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "schnakenberg", "--set", "Dv=5", *QUICK, "--out", tmp_path / "a.png")
    assert code == 0
    assert "verdict: monostable" in out


def test_a_time_step_that_is_too_large_is_called_by_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(
        capsys, "gray-scott:alpha", "--dt", "2", "--size", "32", "--steps", "500", "--out", tmp_path / "a.png"
    )
    assert code == 0
    assert "verdict: excitable; grid instability: checkerboard" in out
    assert "grid instability at fixed point 0, checkerboard: waves of 1.41 cells flip sign" in out
    assert "dt = 2 is too large: stable up to 1.55" in out
    assert "the simulation diverged at step" in out


def test_dt_reaches_equations_that_hold_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "swift-hohenberg", "--dt", "0.01", "--size", "24", "--steps", "0", "--json",
                       "--out", tmp_path / "a.png")  # fmt: skip
    assert code == 0
    data = json.loads(out)
    assert data["dt"] == 0.01
    assert data["split"]["w"]["reaction"] == "-100.0*w"
    assert data["run"] is None


def test_a_rule_file_in_the_working_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("r", "g", "b", "h3", "h4")
    rule = make_rule({name: f"0.2*{name}_lap - 0.1*{name} + 0.05*abs({name}_dx)" for name in names})
    save_rule(rule, Path("texture.json"))
    code, out, err = run(capsys, "texture.json", *QUICK)
    assert code == 0
    assert "verdict: undecided" in out
    assert "5 channels" in out
    assert "kink" in out
    assert Path("texture-analysis.png").exists()
    assert "dt ≤" in out
    assert "figure: texture-analysis.png" in err
    assert run(capsys, "texture.json", *QUICK, "--dt", "0.5")[0] == 0


@pytest.mark.parametrize("updates", [{"u": "1 + u^2"}, {"u": "0.2*u_lap"}, {"u": "u - u^3", "v": "0", "w": "u*v - w"}])
def test_odd_rules_have_figures_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, updates: dict[str, str]
) -> None:
    save_rule(make_rule(updates, dt=0.01), tmp_path / "odd.json")
    code, out, _ = run(
        capsys, tmp_path / "odd.json", "--size", "16", "--steps", "20", "--quiet", "--out", tmp_path / "o.png"
    )
    assert code == 0
    assert "verdict: " in out
    assert (tmp_path / "o.png").stat().st_size > 5000


def test_the_figure_shows_colours_that_are_formulas(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    save_rule(in_colours(make_rule({"u": "0.2*u_lap"}), "1", "0.1*u", "0.1*u^2"), tmp_path / "rule.json")
    words = ("--size", "16", "--steps", "20", "--quiet", "--out", tmp_path / "o.png")
    assert run(capsys, tmp_path / "rule.json", *words)[0] == 0
    red, green, blue = np.moveaxis(np.asarray(Image.open(tmp_path / "o.png").convert("RGB")), 2, 0)
    assert ((red == 255) & (green < 30) & (blue < 30)).sum() > 5000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gray-scot"], "did you mean"),
        (["gray-scott", "--set", "G=1"], "no parameter"),
        (["gray-scott", "--size", "2"], "--size: expected"),
        (["gray-scott", "--dt", "0"], "--dt: expected a time step above 0"),
        (["gray-scott", "--dt", "nan"], "--dt: expected a time step above 0"),
        (["gray-scott", "--out", "a.pdf"], "ending in .png"),
        (["gray-scott", "--steps", "-1"], "steps"),
        (["snake.pt"], "expected a rule, got a checkpoint"),
        ([], "RULE"),
    ],
)
def test_bad_input_exits_2_with_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words)
    assert code == 2
    assert out == ""
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_progress_goes_to_stderr(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("fisher-kpp", "--size", "16", "--steps", "20", "--json", "--out", tmp_path / "a.png")
    _, out, err = run(capsys, *words)
    json.loads(out)
    assert "simulation" in err
    assert "simulation" not in run(capsys, *words, "--quiet")[2]


def test_the_catalogue_is_not_needed_to_import() -> None:
    assert "analyze" in [
        command.name for command in __import__("srnca.cli.app", fromlist=["app"]).app.registered_commands
    ]
    assert models.names()
