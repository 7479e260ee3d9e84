"""`srnca distill --frames … --time continuous`: prints the equation and its verdict, and keeps it as a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.test_srnca.command import run

SIDE, FRAMES, DT = 24, 20, 0.1
NONSENSE = ["--terms", "4", "--resume", "--effort", "2", "--derivative", "weak", "--budget", "1m"]


@pytest.fixture(scope="module")
def heat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exact solution of du/dt = 0.4 ∇²u from random waves, on cells of width 1."""
    random = np.random.default_rng(0)
    k = 2 * np.pi * np.fft.fftfreq(SIDE)
    squared = k[:, None] ** 2 + k**2
    start = np.fft.fft2(random.normal(size=(SIDE, SIDE))) * np.exp(-3 * squared)
    frames = [np.fft.ifft2(start * np.exp(-0.4 * squared * DT * t)).real for t in range(FRAMES)]
    path = tmp_path_factory.mktemp("heat") / "heat.npz"
    np.savez(path, frames=np.array(frames)[:, None].astype(np.float64), dt=DT, dx=1.0, channels=["u"])
    return path


def test_a_recording_becomes_an_equation(capsys: pytest.CaptureFixture[str], heat: Path, tmp_path: Path) -> None:
    code, said, _ = run(capsys, "distill", "--frames", heat, "--time", "continuous", "--out", tmp_path / "rule")
    assert code == 0
    assert said.startswith("du/dt = (0.4")
    assert "\nfound; unexplained share of the change" in said
    kept = json.loads((tmp_path / "rule" / "equation.json").read_text())
    ((coefficient, error, term),) = kept["equation"]["u"]
    assert term == "lap(u)"
    assert coefficient == pytest.approx(0.4, rel=1e-3)
    assert 0 < error < 0.01
    assert (kept["verdict"], kept["time"], kept["boundary"]) == ("found", "continuous", "periodic")


@pytest.fixture(scope="module")
def fourth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exact solution of du/dt = −∇⁴u − ∇²u."""
    random = np.random.default_rng(0)
    k = 2 * np.pi * np.fft.fftfreq(SIDE)
    squared = k[:, None] ** 2 + k**2
    start = np.fft.fft2(random.normal(size=(SIDE, SIDE))) * np.exp(-2 * squared)
    frames = [np.fft.ifft2(start * np.exp((squared - squared**2) * DT * t)).real for t in range(2 * FRAMES)]
    path = tmp_path_factory.mktemp("fourth") / "fourth.npz"
    np.savez(path, frames=np.array(frames)[:, None].astype(np.float64), dt=DT, dx=1.0, channels=["u"])
    return path


def test_equation_and_rule_are_two_results(capsys: pytest.CaptureFixture[str], fourth: Path, tmp_path: Path) -> None:
    folder = tmp_path / "law"
    code, said, _ = run(capsys, "distill", "--frames", fourth, "--time", "continuous", "--out", folder)
    assert code == 0
    assert "bilap(u)" in said
    assert "rule.json simulates it: " in said
    assert "auxiliary species" in said
    kept = json.loads((folder / "equation.json").read_text())["rule"]
    assert 0 < kept["error"] < 0.1
    assert kept["steps_per_frame"] * kept["dt"] == pytest.approx(DT)
    assert r"\nabla^4 u" in (folder / "equation.tex").read_text()
    rule = folder / "rule.json"
    words = ["--steps", kept["steps_per_frame"] * 5, "--every", kept["steps_per_frame"], "--out", tmp_path / "x.npz"]
    code, _, err = run(capsys, "simulate", rule, "--init", fourth, *words)
    assert code == 0
    assert f"{', '.join(kept['auxiliary'])} computed from the other channels" in err
    with np.load(tmp_path / "x.npz") as made, np.load(fourth) as seen:
        assert np.allclose(made["frames"][0, 0], seen["frames"][-1, 0], atol=1e-6)
    assert run(capsys, "analyze", rule, "--size", 32, "--out", tmp_path / "a.png")[0] == 0
    assert run(capsys, "page", rule, "--out", tmp_path / "p.html")[0] == 0


def test_an_equation_is_kept_where_its_names_allow_no_rule(
    capsys: pytest.CaptureFixture[str], heat: Path, tmp_path: Path
) -> None:
    """A name of 64 letters is allowed, but not what a stencil sees of it."""
    with np.load(heat) as held:
        np.savez(tmp_path / "long.npz", **{**held, "channels": ["u" * 64]})
    folder = tmp_path / "x"
    code, said, _ = run(capsys, "distill", "--frames", tmp_path / "long.npz", "--time", "continuous", "--out", folder)
    assert code == 0
    assert "\nno rule.json: expected a feature name of letters, digits and _" in said
    kept = json.loads((folder / "equation.json").read_text())
    assert (kept["verdict"], kept["rule"]) == ("found", None)
    assert kept["no_rule"] in said
    assert not (folder / "rule.json").exists()


def test_what_time_is_decides_the_recording(capsys: pytest.CaptureFixture[str], heat: Path, tmp_path: Path) -> None:
    code, said, err = run(capsys, "distill", "--frames", heat, "--out", tmp_path / "rule", "--json")
    assert code == 0
    assert "read as continuous: of the squared change, few terms through 3 x 3 stencils leave" in err
    found = json.loads(said)
    assert found["time"] == "continuous"
    assert found["timing"] == json.loads((tmp_path / "rule" / "equation.json").read_text())["timing"]
    assert found["timing"]["unexplained"]["continuous"] < 0.1 * found["timing"]["unexplained"]["steps"]
    assert found["timing"]["odds"] < 0


def test_an_equation_is_not_put_among_the_files_of_an_earlier_rule(
    capsys: pytest.CaptureFixture[str], heat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "heat-rule").mkdir()
    code, said, _ = run(capsys, "distill", "--frames", heat, "--time", "continuous")
    assert code == 0
    assert "\nheat-equation/equation.json" in said
    assert list((tmp_path / "heat-rule").iterdir()) == []


def test_a_random_walk_has_no_equation(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    random, k = np.random.default_rng(1), 2 * np.pi * np.fft.fftfreq(SIDE)
    smooth = np.exp(-3 * (k[:, None] ** 2 + k**2))
    steps = [np.fft.ifft2(np.fft.fft2(random.normal(size=(SIDE, SIDE))) * smooth).real for _ in range(2 * FRAMES)]
    np.savez(tmp_path / "walk.npz", frames=np.cumsum(steps, axis=0)[:, None])
    words = ["distill", "--frames", tmp_path / "walk.npz", "--time", "continuous", "--out", tmp_path / "x", "--json"]
    code, said, _ = run(capsys, *words)
    assert code == 1
    assert json.loads(said)["verdict"] == "none"
    assert json.loads(said)["rule"] is None
    assert not (tmp_path / "x" / "rule.json").exists()


def test_a_video_of_noise_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.savez(tmp_path / "noise.npz", frames=np.random.default_rng(1).normal(size=(FRAMES, 1, SIDE, SIDE)))
    code, _, err = run(capsys, "distill", "--frames", tmp_path / "noise.npz", "--time", "continuous")
    assert (code, "expected neighbouring frames to resemble each other" in err) == (2, True)


def test_flags_that_mean_nothing_here_are_errors(
    capsys: pytest.CaptureFixture[str], heat: Path, tmp_path: Path
) -> None:
    words = ["distill", "--frames", heat, "--out", tmp_path / "x"]
    for flag in [word for word in NONSENSE if word.startswith("--")]:
        value = [NONSENSE[NONSENSE.index(flag) + 1]] if flag != "--resume" else []
        code, _, err = run(capsys, *words, "--time", "continuous", flag, *value)
        assert (code, f"{flag}: expected it without --time continuous" in err) == (2, True)
    code, _, err = run(capsys, *words, "--time", "continuous", "--engine", "exact")
    assert (code, "engine: expected one of auto, sparse, operon, pysr, got 'exact'" in err) == (2, True)
    code, _, err = run(capsys, "distill", "--checkpoint", "a.pt", "--time", "continuous")
    assert (code, "--checkpoint: expected it without --time continuous" in err) == (2, True)
    assert not (tmp_path / "x").exists()


def test_a_stride_of_none_of_the_frames_is_an_error(
    capsys: pytest.CaptureFixture[str], heat: Path, tmp_path: Path
) -> None:
    words = ["distill", "--frames", heat, "--time", "continuous", "--out", tmp_path / "x"]
    code, _, err = run(capsys, *words, "--stride", "0")
    assert (code, "stride: expected" in err) == (2, True)
    assert not (tmp_path / "x").exists()
