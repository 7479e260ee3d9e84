"""`srnca train`, for real, on a tiny automaton: files, messages, going on, stopping."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srnca.cli import estimate
from srnca.cli import train as command
from srnca.texture.config import PRESETS
from tests.test_srnca.command import run
from tests.test_srnca.tiny import shorten_training

ROOT = Path(__file__).parents[2]
TINY = ["--channels", "4", "--hidden", "6", "--size", "16", "--max-ca-steps", "3", "--device", "cpu"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_training(monkeypatch)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A striped picture, wider than high."""
    stripes = np.tile(np.repeat([[230, 90, 20], [30, 60, 120]], 4, axis=0), (6, 1)).astype(np.uint8)
    path = tmp_path / "stripes.png"
    Image.fromarray(np.broadcast_to(stripes, (32, 48, 3)).copy()).save(path)
    return path


def test_train_writes_a_checkpoint_and_says_what_it_did(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path
) -> None:
    out, preview = tmp_path / "new" / "x.pt", tmp_path / "now.png"
    code, said, err = run(
        capsys, "train", picture, *TINY, "--iterations", 4, "--out", out, "--preview", preview, "--json"
    )
    assert code == 0
    result = json.loads(said)
    assert result["checkpoint"] == str(out)
    assert result["iterations"] == 4
    assert result["finished"] is True
    assert 0 < result["loss"] < 10
    assert result["config"]["channels"] == 4
    for name in ("texture_loss", "judge"):
        assert result[name]["flat"] == pytest.approx(1, abs=1e-3)
        assert result[name]["teacher"] > 0
    assert result["quality"] == "poor"
    assert result["advice"].startswith("4 iterations are few")
    assert any("centre-cropped 48x32" in note for note in result["notes"])
    assert "centre-cropped 48x32" in err  # said aloud
    assert "4/4" in err
    assert out.is_file()
    assert Image.open(preview).size[0] > 256


def test_quiet_and_defaults(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said, err = run(capsys, "train", "sample:snake", *TINY, "--iterations", 2, "--quiet")
    assert (code, err) == (0, "")
    assert said.startswith("snake.pt: trained, 2 iterations")
    trained, quality, what_next = said.splitlines()
    assert re.search(r", training loss [\d.]+ \(mean of the last 2 iterations, on the pictures of training\)$", trained)
    numbers = r"texture loss [\d.]+ \(flat colour 1\), judge [\d.]+ \(flat colour 1\)"
    assert re.match(rf"from fresh noise: {numbers}: poor; 2 iterations are", quality)
    assert what_next == "next: srnca distill --checkpoint snake.pt"
    assert (tmp_path / "snake.pt").is_file()


def test_it_says_how_long_it_takes_unless_quiet_or_json(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "WORTH_SAYING_S", 0.0)
    line = re.compile(r"^training takes about \d+ seconds on \w+ free cores?: 14 iterations$", re.MULTILINE)
    for flags, said in (([], 1), (["--quiet"], 0), (["--json"], 0)):
        words = ["train", picture, *TINY, "--iterations", 14, "--out", tmp_path / "x.pt", *flags]
        code, _, err = run(capsys, *words)
        assert (code, len(line.findall(err))) == (0, said), err


def test_flags_change_the_preset(capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path) -> None:
    size = ["--size", 16, "--max-ca-steps", 2, "--iterations", 1]
    words = ["--preset", "blog-set8", *size, "--clamp", "none", "--mask", "channel", "--init", "square"]
    code, said, _ = run(capsys, "train", picture, *words, "--out", tmp_path / "x.pt", "--json")
    assert code == 0
    config = json.loads(said)["config"]
    assert (config["channels"], config["filters"], config["update_rate"]) == (6, 6, 0.980292)
    assert (config["clamp"], config["mask"], config["init"]) == (None, "channel", "square")


def test_training_for_a_short_rule(capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path) -> None:
    """What docs/cli.md names under that title, all at once, and the rule that comes of it."""
    out = tmp_path / "x.pt"
    short = ["--channels", 3, "--activation", "abs", "--filters", 2, "--update-rate", 1, "--init", "noise", "--l1", 2]
    few = ["--size", 16, "--max-ca-steps", 3, "--iterations", 20, "--device", "cpu"]
    code, said, _ = run(capsys, "train", picture, *short, *few, "--out", out, "--json")
    assert code == 0
    config = json.loads(said)["config"]
    assert (config["channels"], config["activation"], config["filters"]) == (3, "abs", 2)
    assert (config["update_rate"], config["init"], config["l1"]) == (1, "noise", 2)
    code, said, _ = run(capsys, "distill", "--checkpoint", out, "--engine", "exact", "--out", tmp_path / "rule")
    assert code == 0
    assert "_lap" in said
    assert "_dx" not in said
    assert "mask" not in said
    code, _, err = run(capsys, "train", picture, "--resume", "--out", out, "--l1", 1)
    assert code == 2
    assert "was trained with l1 2.0, not 1.0; leave out --l1" in err


def test_two_channels_and_a_map_of_the_colours(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path
) -> None:
    out, rule = tmp_path / "x.pt", tmp_path / "rule"
    few = ["--activation", "abs", "--filters", 2, "--size", 16, "--max-ca-steps", 3, "--iterations", 3]
    words = ["train", picture, "--channels", 2, *few, "--device", "cpu", "--out", out]
    code, _, err = run(capsys, *words, "--colours", "channels")
    assert (code, "1 and 2 need a map of the colours: --colours map or squares" in err) == (2, True)
    code, said, _ = run(capsys, *words, "--colours", "squares", "--preview", tmp_path / "now.png", "--json")
    assert code == 0
    assert json.loads(said)["config"]["colours"] == "squares"
    code, _, err = run(capsys, *words, "--colours", "map", "--resume")
    assert (code, "was trained with colours squares, not map; leave out --colours" in err) == (2, True)
    assert run(capsys, "distill", "--checkpoint", out, "--engine", "exact", "--out", rule)[0] == 0
    saved = json.loads((rule / "rule.json").read_text())
    assert saved["channels"] == ["u", "v"]
    assert list(saved["display"]["colours"]) == ["r", "g", "b"]


def test_effort_scales_the_iterations_of_the_preset(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS, "default", replace(PRESETS["default"], iterations=20))
    out = tmp_path / "x.pt"
    words = ("train", picture, *TINY, "--effort", 0.2, "--out", out, "--json", "-q")
    code, said, _ = run(capsys, *words)
    assert (code, json.loads(said)["iterations"]) == (0, 4)
    assert run(capsys, *words, "--resume")[0] == 0  # the same command goes on with its own work
    code, _, err = run(capsys, "train", picture, *TINY, "--effort", 0.3, "--out", out, "--resume")
    assert (code, "leave out --iterations or --effort" in err) == (2, True)
    code, _, err = run(capsys, "train", picture, *TINY, "--effort", 2, "--iterations", 4, "--out", out)
    assert (code, "leave one of them out" in err) == (2, True)
    assert run(capsys, "train", picture, *TINY, "--effort", 11, "--out", out)[0] == 2


def test_time_limit_saves_and_resume_goes_on(capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path) -> None:
    out = tmp_path / "x.pt"
    code, said, _ = run(
        capsys, "train", picture, *TINY, "--iterations", 300, "--out", out, "--time-limit", "0.05s", "--json"
    )
    first = json.loads(said)
    assert code == 0
    assert first["finished"] is False
    assert 1 <= first["iterations"] < 300
    assert first["advice"] == f"training stopped after {first['iterations']} of 300 iterations; go on with --resume"
    code, said, _ = run(capsys, "train", "--resume", "--out", out, "--time-limit", "0.05s", "--json", "--device", "cpu")
    second = json.loads(said)
    assert code == 0
    assert second["iterations"] > first["iterations"]
    assert second["config"] == first["config"]
    assert second["target"] == "stripes"


def test_resume_ends_like_a_run_that_was_never_stopped(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path
) -> None:
    from srnca.texture.checkpoint import load_checkpoint

    whole, parts = tmp_path / "whole.pt", tmp_path / "parts.pt"
    words = ["train", picture, *TINY, "--iterations", 12]
    assert run(capsys, *words, "--out", whole)[0] == 0
    assert run(capsys, *words, "--out", parts, "--time-limit", "0.001s")[0] == 0
    assert load_checkpoint(parts).iteration < 12
    assert run(capsys, *words, "--out", parts, "--resume")[0] == 0
    assert load_checkpoint(parts).history == load_checkpoint(whole).history


def test_resume_refuses_other_settings(capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path) -> None:
    out = tmp_path / "x.pt"
    run(capsys, "train", picture, *TINY, "--iterations", 1, "--out", out)
    code, _, err = run(capsys, "train", picture, "--resume", "--out", out, "--channels", 5)
    assert code == 2
    assert "was trained with channels 4, not 5; leave out --channels" in err
    code, _, err = run(capsys, "train", "--resume", "--out", out, "--preset", "compact")
    assert code == 2
    assert "leave out --preset" in err
    code, _, err = run(capsys, "train", "sample:orchid", "--resume", "--out", out)
    assert code == 2
    assert "another picture" in err


def test_resume_without_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path) -> None:
    """With a picture it starts (a run may be killed before its first save); without one it cannot."""
    out = tmp_path / "x.pt"
    assert run(capsys, "train", "--resume", "--out", out)[0] == 2
    code, _, err = run(capsys, "train", picture, *TINY, "--iterations", 1, "--resume", "--out", out)
    assert code == 0
    assert "nothing to go on from yet" in err


def test_bad_pictures_exit_2(capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    dot = tmp_path / "dot.png"
    Image.new("RGB", (1, 1)).save(dot)
    cases: list[tuple[list[object], str]] = [
        ([tmp_path / "none.png"], "no such file"),
        ([text], "expected an image"),
        ([dot], "1x1"),
        ([tmp_path], "a folder"),
        (["sample:snaek"], "snake"),
        ([picture, "--crop", "0,0,4000"], "crop"),
        ([picture, "--preset", "defualt"], 'did you mean "default"'),
        ([picture, "--channels", "2", "--colours", "channels"], "channels: expected"),
        ([picture, "--update-rate", "0"], "update rate: expected"),
        ([picture, "--learning-rate", "nan"], "learning_rate: expected"),
        ([picture, "--l1", "-1"], "l1: expected a finite number of at least 0"),
        ([picture, "--l1", "nan"], "l1: expected"),
        ([picture, "--device", "tpu"], "--device: expected"),
        ([picture, "--preview", tmp_path / "x.bmp"], "ending in .png"),
    ]
    for words, sentence in cases:
        code, out, err = run(capsys, "train", *words, "--out", tmp_path / "x.pt")
        assert (code, out) == (2, ""), words
        assert sentence in err, words
        assert err.count("\n") == 1, words
    assert not (tmp_path / "x.pt").exists()


def test_bad_checkpoints_exit_2_and_run_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, picture: Path
) -> None:
    good, bad, touched = tmp_path / "good.pt", tmp_path / "bad.pt", tmp_path / "touched"
    run(capsys, "train", picture, *TINY, "--iterations", 1, "--out", good)

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {touched}",)

    for content in (
        good.read_bytes()[:-200],
        pickle.dumps(Hostile()),
        b"",
        b"PK\x03\x04",
        pickle.dumps({"a": 1}),
    ):
        bad.write_bytes(content)
        for words in (["train", "--resume", "--out", bad], ["distill", "--checkpoint", bad]):
            code, out, err = run(capsys, *words)
            assert (code, out) == (2, "")
            assert err.startswith("error: ")
            assert err.count("\n") == 1
    assert not touched.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_saves_and_exits_130(tmp_path: Path, picture: Path, number: signal.Signals) -> None:
    out, preview = tmp_path / "x.pt", tmp_path / "now.png"
    words = [*TINY, "--iterations", "1000000", "--out", str(out), "--preview", str(preview)]
    process = subprocess.Popen(
        [sys.executable, "-m", "srnca", "train", str(picture), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    while not preview.exists() and process.poll() is None:  # the preview shows that training has begun
        time.sleep(0.05)
    process.send_signal(number)
    said, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert said == ""
    assert f"interrupted; saved {out}, go on with: srnca train --resume --out {out}" in err
    assert "Traceback" not in err
    assert out.is_file()


def test_the_help_names_what_is_there() -> None:
    """The lists in the help, kept there so that it needs no torch, are the registries' own."""
    from typing import get_args

    from srnca.cli import train_options as opt
    from srnca.dynamics.config import PRESETS as RECORDED
    from srnca.dynamics.config import Activation as Recorded
    from srnca.media.samples import SAMPLES
    from srnca.texture.colours import Colours
    from srnca.texture.features import BANKS
    from srnca.texture.network import Activation, Mask, Seed

    def choices(option: object) -> tuple[str, ...]:
        return get_args(get_args(get_args(option)[0])[0])

    assert choices(opt.Bank) == BANKS
    assert set(choices(opt.Activation)) == {*get_args(Activation), *get_args(Recorded)}
    assert set(re.findall(r"recording(?:-[a-z]+)?", get_args(opt.Preset)[1].help)) == set(RECORDED)
    assert choices(opt.Colours) == get_args(Colours)
    assert choices(opt.Mask) == get_args(Mask)
    assert choices(opt.FirstState) == get_args(Seed)
    assert set(re.findall(r"[a-z]+(?:-set\d)?", get_args(opt.Preset)[1].help.partition(";")[0])) - {"or"} == set(
        PRESETS
    )
    assert set(get_args(opt.TargetName)[1].help.partition("sample:")[2].strip(".").split("|")) == set(SAMPLES)


def test_every_setting_has_its_flag() -> None:
    import inspect
    from dataclasses import fields

    from srnca.texture.config import TrainConfig

    flags = set(inspect.signature(command.train).parameters)
    assert {f.name for f in fields(TrainConfig)} - flags == {"pool"}
