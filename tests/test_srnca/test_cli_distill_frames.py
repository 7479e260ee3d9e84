"""`srnca distill --frames`, for real, on small recordings: what it says, what it writes, how it exits."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equations.expressions.terms import split_terms
from equations.rule.rulefile import load_rule
from tests.test_distill.recorded import ALLEN_CAHN, law, noisy, record
from tests.test_srnca.command import run

RULE = law(ALLEN_CAHN, dt=0.1)
FRAMES = record(RULE, steps=20, size=20)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    np.savez(tmp_path / "rec.npz", frames=FRAMES, dt=0.1, channels=["u"])
    return tmp_path / "rec.npz"


def distilled(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    return run(capsys, "distill", "--engine", "sparse", "--terms", 6, "--quiet", *words)


def test_the_law_comes_back_and_what_was_done_is_said(capsys: pytest.CaptureFixture[str], recording: Path) -> None:
    code, said, _ = distilled(capsys, "--frames", recording)
    assert code == 0
    assert "du = -u**3 + u + u_lap5" in said
    assert "noise: none above rounding; du/dt: step; stencil: lap5; dt 0.1 (1 steps a frame), dx 1" in said
    rows = [line.split() for line in said.splitlines() if line.startswith("u  ")]
    assert ["u", "u_lap5", "1", "100", "%"] in [[*row[:3], *row[4:]] for row in rows]
    rule = load_rule("rec-rule/rule.json")
    assert rule.provenance["dx"] == 1
    assert rule.provenance["recordings"] == ["rec.npz"]
    assert {path.name for path in Path("rec-rule").iterdir()} >= {
        "rule.json",
        "report.json",
        "report.html",
        "page.html",
    }


def test_an_automaton_is_recognised_by_its_steps(capsys: pytest.CaptureFixture[str], recording: Path) -> None:
    code, said, err = run(capsys, "distill", "--frames", recording)
    assert code == 0
    assert "rec.npz: 21 frames of 20x20 cells, 1 channel: u" in err
    assert err.index("rec.npz: 21 frames") < err.index("read as the steps of a rule: of the squared change, 3 x 3")
    assert said.startswith("coefficients of a step, u ← u + 0.1 · du:\ndu = -u**3 + u + u_lap5")
    assert "\nfound; unexplained share of the squared change: u " in said
    report = json.loads(Path("rec-rule/report.json").read_text())
    assert (report["time"], report["verdict"], report["boundary"]) == ("steps", "found", "periodic")
    assert report["timing"]["step"] == 1


def test_a_flag_of_steps_says_that_it_decides(capsys: pytest.CaptureFixture[str], recording: Path) -> None:
    _, _, err = distilled(capsys, "--frames", recording)
    assert "read as the steps of a rule, since --engine was given" in err


def test_one_species_of_two_has_no_law(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Without it the change of FitzHugh-Nagumo's u still obeys an equation, of second order in time."""
    both = law({"u": "u_lap5 + u - u^3 - v + 0.1", "v": "0.5*v_lap5 + 0.2*u - 0.15*v"}, dt=0.1)
    np.savez(tmp_path / "half.npz", frames=record(both, steps=60, size=20)[:, :1], dt=0.1, channels=["u"])
    code, said, _ = distilled(capsys, "--frames", tmp_path / "half.npz")
    assert code == 1
    assert "none: no law of this family" in said
    assert "a species may not have been recorded" in said
    assert "half-rule/rule.json is the closest rule that was found, and not the law" in said
    assert "±" not in said
    assert "100 %" not in said.replace("explains 100 %", "")
    report = json.loads(Path("half-rule/report.json").read_text())
    assert report["verdict"] == "none"
    assert {entry["error"] for entry in report["constants"]["u"].values()} == {None}


def test_a_piece_of_a_larger_recording_has_the_law_of_the_whole(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its edges are no torus: the cells along them would follow another law."""
    np.savez(tmp_path / "piece.npz", frames=record(RULE, steps=20, size=32)[..., 3:23, :], dt=0.1, channels=["u"])
    code, said, _ = distilled(capsys, "--frames", tmp_path / "piece.npz", "--json")
    report = json.loads(said)
    assert (code, report["boundary"], report["verdict"], report["forecast"]) == (0, "walls", "found", None)
    assert report["constants"]["u"]["u_lap5"]["value"] == pytest.approx(1, rel=1e-4)
    assert set(report["constants"]["u"]) == {"u", "u**3", "u_lap5"}
    code, said, _ = distilled(capsys, "--frames", tmp_path / "piece.npz", "--boundary", "periodic", "--json")
    assert json.loads(said)["verdict"] != "found"


def test_json_holds_all_that_was_found_out(capsys: pytest.CaptureFixture[str], recording: Path) -> None:
    code, said, _ = distilled(capsys, "--frames", recording, "--json", "--dx", 0.5, "--out", "other")
    assert code == 0
    report = json.loads(said)
    assert (report["derivative"], report["stencil"], report["dt"], report["dx"]) == ("step", "lap5", 0.1, 0.5)
    assert report["noise"]["u"]["deviation"] == 0
    assert report["inclusion"]["u"]["u**3"] == 1
    assert report["constants"]["u"]["u_lap5"]["value"] == pytest.approx(0.25, rel=1e-4)
    assert report["r2"]["u"] > 0.999999
    assert report["folder"] == "other"
    assert load_rule("other/rule.json").dx == 0.5
    assert json.loads(Path("other/report.json").read_text())["stencil"] == "lap5"


def test_noise_strides_and_several_recordings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for seed in (0, 1):
        frames = noisy(record(RULE, steps=60, size=20, seed=seed), 0.01, seed)
        np.savez(tmp_path / f"{seed}.npz", frames=frames, dt=0.1, channels=["u"])
    words = ["--frames", "0.npz", "--frames", "1.npz", "--stride", 2, "--json"]
    code, said, _ = distilled(capsys, *words)
    assert code == 0
    report = json.loads(said)
    assert (report["derivative"], report["dt"]) == ("weak", 0.2)
    assert [r["frames"] for r in report["recordings"]] == [31, 31]
    assert report["provenance"]["stride"] == 2
    assert report["noise"]["u"]["share"] == pytest.approx(0.01, rel=0.3)


def test_what_is_asked_for_is_used(capsys: pytest.CaptureFixture[str], recording: Path) -> None:
    words = ["--frames", recording, "--derivative", "weak", "--stencil", "free", "--dt", 0.2, "--json"]
    code, said, _ = distilled(capsys, *words)
    assert code == 0
    report = json.loads(said)
    assert (report["derivative"], report["stencil"], report["dt"]) == ("weak", "free", 0.2)
    assert report["constants"]["u"]["u_edges"]["value"] == pytest.approx(0.5, rel=1e-3)


def test_grey_pictures_give_a_law_of_grey(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """u = 4 g − 2, so g' = g_lap + g − 1/2 − (4 g − 2)³ / 4, whose cubic term is −16 g³."""
    frames = record(RULE, steps=30, size=32)
    for number, state in enumerate(frames[:, 0]):
        Image.fromarray(((state.clip(-2, 2) + 2) / 4 * 65535 + 0.5).astype(np.uint16)).save(tmp_path / f"p{number}.png")
    code, _said, err = distilled(capsys, "--frames", tmp_path, "--dt", 0.1, "--out", "found")
    assert code == 0
    assert "31 pictures from p0.png to p30.png" in err
    terms = {str(b): w for w, b in split_terms(load_rule("found/rule.json").updates["grey"])}
    assert terms["grey**3"] == pytest.approx(-16, rel=0.05)
    assert terms["grey_lap5"] == pytest.approx(1, rel=0.05)
    assert load_rule("found/rule.json").display.channels == ("grey",)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (FRAMES[:1], "expected at least two frames"),
        (np.repeat(FRAMES[:1], 4, axis=0), "expected frames that change"),
        (np.full_like(FRAMES, np.nan), "expected finite numbers, got nan"),
        (np.random.default_rng(0).normal(size=FRAMES.shape), "dt is too large for what happens in between"),
        (FRAMES[:3, :, :3, :3], "candidate terms, got 18"),
    ],
)
def test_recordings_without_a_law_exit_with_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, frames: np.ndarray, words: str
) -> None:
    np.savez(tmp_path / "x.npz", frames=frames.astype(np.float32), dt=0.1, channels=["u"])
    code, said, err = distilled(capsys, "--frames", tmp_path / "x.npz")
    assert (code, said) == (2, "")
    assert words in err
    assert not Path("x-rule/rule.json").exists()


@pytest.mark.parametrize(
    ("words", "said_why"),
    [
        (["--frames", "none.npz"], "no such recording"),
        (["--frames", "rec.npz", "--dt", "0"], "--dt: expected dt, one number above 0"),
        (["--frames", "rec.npz", "--dx", "-1"], "--dx: expected dx, one number above 0"),
        (["--frames", "rec.npz", "--stride", "21"], "stride: expected at most 20"),
        (["--frames", "rec.npz", "--stride", "0"], "stride: expected a whole number from 1 up"),
        (["--frames", "rec.npz", "--frames", "slow.npz"], "with the dt 0.1 of rec.npz, got 0.3"),
        (["--frames", "rec.npz", "--update-rate", "0.5"], "--update-rate: expected it with a legacy checkpoint only"),
        (["--checkpoint", "x.pt", "--dt", "1"], "--dt: expected it with --frames, got it with --checkpoint"),
        (["--checkpoint", "x.pt", "--stencil", "lap5"], "--stencil: expected it with --frames"),
    ],
)
def test_bad_options_exit_with_2(
    capsys: pytest.CaptureFixture[str], recording: Path, words: list[str], said_why: str
) -> None:
    np.savez("slow.npz", frames=FRAMES, dt=0.3, channels=["u"])
    code, said, err = distilled(capsys, *words)
    assert (code, said) == (2, "")
    assert said_why in err


def test_a_film_without_pyav_exits_with_4(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("x.mp4").touch()
    monkeypatch.setitem(sys.modules, "av", None)
    code, said, err = distilled(capsys, "--frames", "x.mp4")
    assert (code, said) == (4, "")
    assert "pip install av" in err
