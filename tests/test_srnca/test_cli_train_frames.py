"""`srnca train --frames` as a person runs it: files, messages, what is refused, stopping and going on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from srnca.cli import preview_frames
from srnca.dynamics.checkpoint import load_recording_checkpoint
from tests.test_srnca.command import run
from tests.test_srnca.recorded import record, write

ROOT = Path(__file__).parents[2]
TINY = ["--hidden", "3", "--filters", "2", "--iterations", "5", "--max-ca-steps", "2", "--device", "cpu"]
UNDERSTOOD = (
    "film.npz: 8 frames of 20x20 cells, 2 channels: u 0.4587 to 1, v 0.000132 to 0.3887; dt 0.5, dx 2\n"  # said first
)
torch.set_num_threads(1)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write(tmp_path / "film.npz", record(8)[1], dt=0.5, dx=2.0)


def test_a_recording_becomes_a_checkpoint(capsys: pytest.CaptureFixture[str], tmp_path: Path, film: Path) -> None:
    out, preview = tmp_path / "net.pt", tmp_path / "now.png"
    more = write(tmp_path / "more.npz", record(6, seed=4)[1], dt=0.5, dx=2.0)
    code, said, err = run(
        capsys, "train", "--frames", film, "--frames", more, *TINY, "--stride", 2, "--out", out, "--preview", preview,
        "--json",
    )  # fmt: skip
    assert code == 0, err
    result = json.loads(said)
    assert result["kind"] == "recording"
    assert result["recordings"] == [str(film), str(more)]
    assert result["iterations"] == 5
    assert set(result["error"]) == {"u", "v"}
    assert "steps ahead" in err
    saved = load_recording_checkpoint(out)
    assert (saved.config.dt, saved.config.stride, saved.config.dx) == (0.25, 2, 2.0)
    assert len(saved.footage.frames) == 2
    assert Image.open(preview).size == (3 * 260 + 16, 260 + 16 + 96)


def test_effort_scales_the_usual_iterations(capsys: pytest.CaptureFixture[str], tmp_path: Path, film: Path) -> None:
    words = ["train", "--frames", film, "--hidden", 3, "--filters", 2, "--max-ca-steps", 2, "--device", "cpu", "--json"]
    words += ["--out", tmp_path / "net.pt", "-q", "--effort", 0.1]
    code, said, _ = run(capsys, *words)
    assert (code, json.loads(said)["config"]["iterations"]) == (0, 12)  # a tenth of NEWTON_ITERATIONS
    assert run(capsys, *words, "--resume")[0] == 0
    code, _, err = run(capsys, *words[:-1], 0.4, "--resume")
    assert (code, "leave out --iterations or --effort" in err) == (2, True)


def test_it_says_in_words_what_comes_next(capsys: pytest.CaptureFixture[str], tmp_path: Path, film: Path) -> None:
    code, said, _ = run(capsys, "train", "--frames", film, *TINY, "--out", tmp_path / "net.pt", "-q")
    assert code == 0
    assert "5 iterations" in said
    assert "wrong by, per unit of time, on frames held out: u" in said
    assert f"next: srnca distill --checkpoint {tmp_path / 'net.pt'}" in said


def test_train_distil_verify_simulate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    film, out, rule = write(tmp_path / "film.npz", record(14)[1]), tmp_path / "net.pt", tmp_path / "rule"
    words = ["--hidden", 4, "--filters", 2, "--iterations", 50, "--out", out, "-q"]
    assert run(capsys, "train", "--frames", film, *words)[0] == 0
    code, said, err = run(capsys, "distill", "--checkpoint", out, "--engine", "sparse", "--out", rule, "-q")
    assert code == 0, err
    assert "u*v**2" in said
    code, said, err = run(capsys, "verify", rule, "--checkpoint", out, "--steps", 20)
    assert code == 0, err
    assert "texture" not in said
    assert "recording" in said
    code, _, err = run(capsys, "show", out)
    assert code == 2
    assert "got a checkpoint; distill it first: srnca distill" in err
    for flag, value in (("--update-rate", "0.5"), ("--loss", "0.1")):
        code, _, err = run(capsys, "distill", "--checkpoint", out, flag, value)
        assert code == 2
        assert f"{flag}: {out} was trained on a recording" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["TARGET"], "expected either TARGET or --frames, got both"),
        (["--bank", "vgg16"], "--bank: expected it without --frames; there is no texture loss"),
        (["--channels", "4"], "further ones are --hidden-channels"),
        (["--colours", "map"], "--colours: expected it without --frames; the recording's own channels are shown"),
        (["--update-rate", "0.5"], "--update-rate: expected it without --frames; every cell"),
        (["--mask", "cell"], "--mask: expected it without"),
        (["--clamp", "0,1"], "--clamp: expected it without --frames; a recorded law has no clamp"),
        (["--init", "noise"], "--init: expected it without"),
        (["--l1", "1"], "--l1: expected it without"),
        (["--size", "32"], "--size: expected it without --frames; the recording has its own size"),
        (["--crop", "0,0,8"], "--crop: expected it without"),
        (["--download"], "--download: expected it without"),
        (["--vgg-weights", "x.pth"], "--vgg-weights: expected it without"),
        (["--preset", "compact"], "expected one of recording, recording-smooth, recording-relu with --frames"),
        (["--preset", "recordin"], 'did you mean "recording"'),
        (["--activation", "abs"], "activation: expected one of product, tanh, relu for a recording"),
        (["--stride", "0"], "--stride: expected a whole number of at least 1, got 0"),
        (["--dt", "-1"], "--dt: expected dt, one number above 0"),
        (["--dx", "0"], "--dx: expected dx, one number above 0"),
    ],
)
def test_flags_that_do_not_apply_are_refused_with_the_reason(
    capsys: pytest.CaptureFixture[str], film: Path, words: list[str], message: str
) -> None:
    code, _, err = run(capsys, "train", "--frames", film, *words)
    assert code == 2
    assert message in err
    assert len(err.replace(UNDERSTOOD, "").strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "or --frames FILE, got neither"),
        (["x.png", "--stride", "8"], "--stride: expected it with --frames"),
        (["x.png", "--hidden-channels", "1"], "--hidden-channels: expected it with --frames"),
        (["x.png", "--no-denoise"], "--denoise: expected it with --frames"),
        (["--frames", "none.npz"], "none.npz: no such recording"),
    ],
)
def test_what_is_missing_is_said(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    code, _, err = run(capsys, "train", *words)
    assert code == 2
    assert message in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f[:1], "at least two frames"),
        (lambda f: np.repeat(f[:1], 5, axis=0), "expected frames to change"),
        (lambda f: np.where(f == f[2, 0, 1, 1], np.nan, f), "expected finite numbers, got nan in frame 2"),
    ],
)
def test_recordings_that_teach_nothing_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, change: object, message: str
) -> None:
    path = write(tmp_path / "bad.npz", change(record(6)[1]))  # type: ignore[operator]
    code, _, err = run(capsys, "train", "--frames", path)
    assert code == 2
    assert message in err


def test_recordings_of_two_systems_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, film: Path) -> None:
    for name, changes, message in (
        ("a", {"channels": ("a", "b"), "dt": 0.5, "dx": 2.0}, "with the channels u v"),
        ("b", {"dt": 0.25, "dx": 2.0}, "with the dt 0.5"),
    ):
        other = write(tmp_path / f"{name}.npz", record(6)[1], **changes)  # type: ignore[arg-type]
        code, _, err = run(capsys, "train", "--frames", film, "--frames", other)
        assert code == 2
        assert message in err


def test_a_wrong_dt_in_the_file_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "train", "--frames", write(tmp_path / "x.npz", record(6)[1], dt=-1.0))
    assert code == 2
    assert "expected dt, one number above 0" in err


def test_the_time_limit_saves_and_resume_goes_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, film: Path
) -> None:
    out, whole = tmp_path / "net.pt", tmp_path / "whole.pt"
    code, said, _ = run(capsys, "train", "--frames", film, *TINY, "--out", out, "--time-limit", "0.001", "-q")
    assert code == 0
    assert "stopped at the time limit" in said
    assert f"go on with: srnca train --resume --out {out}" in said
    assert load_recording_checkpoint(out).iteration == 1
    code, _, err = run(capsys, "train", "--resume", "--out", out, "--hidden", "9")
    assert code == 2
    assert "was trained with hidden 3, not 9; leave out --hidden" in err
    assert run(capsys, "train", "--resume", "--out", out, "-q")[0] == 0
    assert run(capsys, "train", "--frames", film, *TINY, "--out", whole, "-q")[0] == 0
    assert load_recording_checkpoint(out).history == load_recording_checkpoint(whole).history
    film.unlink()
    code, _, err = run(capsys, "train", "--resume", "--out", out)
    assert code == 2
    assert "name it with --frames" in err


def test_ctrl_c_saves_and_exits_130(tmp_path: Path, film: Path) -> None:
    out = tmp_path / "net.pt"
    words = [sys.executable, "-m", "srnca", "train", "--frames", film, "--out", out, "--iterations", "100000"]
    words += ["--hidden-channels", "1", "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([str(w) for w in words], stderr=subprocess.PIPE, text=True, env=environment)
    assert child.stderr is not None
    assert child.stderr.readline() == UNDERSTOOD
    assert "train" in child.stderr.readline()  # the first iteration is done
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert f"saved {out}, go on with: srnca train --resume --out {out}" in err
    assert load_recording_checkpoint(out).iteration >= 1


def test_the_preview_shows_where_the_network_is_wrong() -> None:
    frame = np.full((16, 16), 0.5)
    off = np.zeros((16, 16))
    off[:8], off[8:] = 0.1, -0.1
    sheet = np.asarray(preview_frames.draw_frames(frame, frame + off, off, 8, [1.0, 0.1]))
    height = preview_frames.GAP * 2
    right = sheet[:, 2 * (256 + preview_frames.GAP) :]
    assert tuple(right[height + 40, 100]) == (255, 0, 0)
    assert tuple(right[height + 200, 100]) == (0, 0, 255)
    assert tuple(sheet[height + 40, 100]) == (128, 128, 128)
