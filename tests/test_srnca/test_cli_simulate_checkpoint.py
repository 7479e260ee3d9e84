"""`srnca simulate leaf.pt`: the network of a checkpoint is run with everything that a rule is run with."""

from __future__ import annotations

import functools
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from equations.rule.display import render
from srnca import running
from srnca.automata import load
from srnca.automata.stepping import outline
from srnca.cli.progress import Progress
from srnca.dynamics.checkpoint import save_recording_checkpoint
from srnca.texture.checkpoint import save_checkpoint
from tests.test_srnca.command import run
from tests.test_srnca.recorded import untrained
from tests.test_srnca.test_legacy import Network as LegacyNetwork
from tests.test_srnca.tiny import checkpoint

QUICK = ["--size", "24x16", "--quiet"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_checkpoint(checkpoint(update_rate=0.5), tmp_path / "leaf.pt")
    return tmp_path / "leaf.pt"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    save_recording_checkpoint(untrained(), tmp_path / "net.pt")
    return tmp_path / "net.pt"


def test_frames_are_those_of_the_teacher(capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path) -> None:
    out = tmp_path / "x.npz"
    words = ["simulate", file, *QUICK, "--steps", 25, "--every", 10, "--seed", 3, "--out", out, "--json"]
    code, said, err = run(capsys, *words, "--threads", 1)
    assert (code, err) == (0, "")
    facts = json.loads(said)
    assert (facts["backend"], facts["dtype"], facts["threads"], facts["seed"]) == ("torch", "float32", 1, 3)
    assert (facts["steps"], facts["frames"], facts["size"]) == (25, 3, {"width": 24, "height": 16})
    with np.load(out, allow_pickle=False) as data:
        expected = load(file).teacher.rollout(size=(16, 24), steps=20, seed=3, every=10)
        np.testing.assert_array_equal(data["frames"], expected)
        assert tuple(data["channels"]) == ("r", "g", "b", "h3")


@pytest.mark.parametrize(("ending", "frames"), [("png", 1), ("gif", 4), ("mp4", 4), ("zarr", 3)])
def test_every_kind_of_file_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path, ending: str, frames: int
) -> None:
    out = tmp_path / f"x.{ending}"
    words = ["simulate", file, *QUICK, "--steps", 25, "--every", 10, "--out", out, "--json"]
    code, said, _ = run(capsys, *words)
    assert (code, json.loads(said)["frames"]) == (0, frames)
    assert out.exists()
    if ending == "png":
        teacher = load(file).teacher
        last = teacher.rollout(size=(16, 24), steps=25, seed=0, every=25)[-1]
        np.testing.assert_array_equal(np.asarray(Image.open(out)), render(outline(teacher), last))  # type: ignore[arg-type]


def test_the_picture_that_was_learned_is_not_overwritten(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said, err = run(capsys, "simulate", file, *QUICK[:2], "--steps", 4)
    assert code == 0
    assert said.startswith("leaf-network.png: 1 frame of 24x16 cells, 4 steps in ")
    assert "simulate  4/4" in err
    assert not (tmp_path / "leaf.png").exists()


def test_a_run_goes_on_as_if_it_had_not_stopped(capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path) -> None:
    state, out = tmp_path / "now.npz", tmp_path / "x.png"
    words = ["simulate", file, "--quiet", "--out", out, "--save-state", state]
    assert run(capsys, *words, "--size", "24x16", "--seed", 7, "--steps", 13)[0] == 0
    assert run(capsys, *words, "--init", state, "--steps", 10)[0] == 0
    with np.load(state) as data:
        whole = load(file).teacher.rollout(size=(16, 24), steps=23, seed=7, every=23)
        np.testing.assert_array_equal(data["state"], whole[-1])
        assert (int(data["step"]), int(data["seed"])) == (23, 7)


def test_other_starts_are_those_of_a_rule(capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path) -> None:
    Image.new("RGB", (30, 30), (90, 40, 10)).save(tmp_path / "a.png")
    out = tmp_path / "x.npz"
    for start, colour in (("square", None), (tmp_path / "a.png", (90 / 255 - 0.5, 40 / 255 - 0.5, 10 / 255 - 0.5))):
        assert run(capsys, "simulate", file, *QUICK, "--steps", 0, "--init", start, "--out", out)[0] == 0
        with np.load(out) as data:
            first = data["frames"][0]
        if colour is None:
            assert first[0, 8, 12] - first[0, 0, 0] > 0.1
        else:
            np.testing.assert_allclose(first[:3].mean(axis=(1, 2)), colour, atol=0.05)


def test_a_killed_run_goes_on_with_the_same_network_only(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path
) -> None:
    import zarr

    out, whole = tmp_path / "x.zarr", load(file).teacher.rollout(size=(16, 24), steps=12, seed=5, every=4)
    words = ["simulate", file, *QUICK, "--seed", 5, "--every", 4, "--out", out]
    assert run(capsys, *words, "--steps", 4)[0] == 0
    code, _, err = run(capsys, *words, "--steps", 12, "--resume")
    assert code == 0
    assert "going on from frame 1, step 4" in err
    np.testing.assert_array_equal(zarr.open_group(str(out), mode="r")["frames"][:], whole)
    save_checkpoint(checkpoint(seed=1, update_rate=0.5), file)
    code, _, err = run(capsys, *words, "--steps", 12, "--resume")
    assert code == 2
    assert "was begun with another network" in err


def test_a_stop_keeps_what_was_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_step_5(self: Progress, label: str, done: float, total: float, detail: str = "") -> None:
        if done >= 5:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Progress, "update", stop_at_step_5)
    one_step_at_a_time = functools.partial(running.run, batches=running.Batches(growth=1))
    monkeypatch.setattr("srnca.running.run", one_step_at_a_time)
    out = tmp_path / "x.npz"
    code, said, err = run(capsys, "simulate", file, *QUICK, "--steps", 10**6, "--every", 2, "--out", out)
    assert (code, err) == (130, "")
    assert "stopped after 5 of 1000000 steps" in said
    with np.load(out) as data:
        assert len(data["frames"]) == 3


def test_a_recording_s_network_starts_as_its_recording(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recorded: Path
) -> None:
    out = tmp_path / "x.npz"
    words = ["simulate", recorded, "--quiet", "--steps", 4, "--every", 2, "--out", out, "--json"]
    code, said, err = run(capsys, *words, "--seed", 1)
    facts = json.loads(said)
    assert (code, err, facts["size"], facts["dtype"]) == (0, "", {"width": 20, "height": 12}, "float64")
    with np.load(out) as data:
        expected = load(recorded).teacher.rollout(size=(12, 20), steps=4, seed=1, every=2)
        np.testing.assert_array_equal(data["frames"].astype(np.float32), expected)
        assert (float(data["dt"]), float(data["dx"])) == (0.02, 0.5)
        assert tuple(data["channels"]) == ("u", "v", "h2")
    code, said, err = run(capsys, *words[:2], *words[3:], "--size", 30)
    assert (code, json.loads(said)["size"]["width"]) == (0, 30)
    assert "starting from noise like the recording's first frame, which has 20x20 cells" in err


def test_an_unfinished_training_and_a_legacy_file_are_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path
) -> None:
    made = checkpoint()
    made.training = {"pool": 1}
    save_checkpoint(made, file)
    words = [*QUICK, "--steps", 2, "--out", tmp_path / "x.npz"]
    code, _, err = run(capsys, "simulate", file, *words)
    assert code == 0
    assert err == f"{file}: training stopped at iteration 2, unfinished; taking it as it is\n"
    legacy, old = LegacyNetwork(), tmp_path / "old.pt"
    torch.save(legacy.state_dict(), old)
    code, _, err = run(capsys, "simulate", old, *words, "--update-rate", 0.75)
    assert code == 0
    assert "a legacy checkpoint" in err
    with np.load(tmp_path / "x.npz") as data:
        np.testing.assert_allclose(data["frames"][-1], legacy.run(data["frames"][0], 2, 0.75, 0), atol=1e-5)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--backend", "llvm"],
            "--backend llvm: a network runs on torch; leave it out, or make a rule of it first:",
        ),
        (["--backend", "nemba"], "unknown backend 'nemba'"),
        (["--dtype", "float64"], "--dtype float64: this network computes in float32; leave it out, or make a rule of"),
        (
            ["--decomposition", "2x1"],
            "--decomposition 2x1: a network runs in one process; leave it out, or make",
        ),
        (["--set", "F=0.03"], "expected a known model for --set, got a checkpoint"),
        (["--update-rate", "0.5"], "expected an update rate for legacy checkpoints only"),
        (["--colormap", "magma"], "the colour map magma shows one channel"),
    ],
)
def test_options_that_only_rules_have_exit_2(
    capsys: pytest.CaptureFixture[str], file: Path, words: list[str], sentence: str
) -> None:
    code, said, err = run(capsys, "simulate", file, *QUICK, "--steps", 2, "--out", file.with_name("x.png"), *words)
    assert (code, said) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_rule_has_no_update_rate_of_its_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "simulate", "gray-scott", *QUICK, "--update-rate", 0.5)
    assert code == 2
    assert "--update-rate: expected it with a legacy checkpoint only, got it with gray-scott" in err


def test_processes_of_torchrun_are_refused(
    capsys: pytest.CaptureFixture[str], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srnca.cli.simulate_source.world_size", lambda: 2)
    code, _, err = run(capsys, "simulate", file, *QUICK, "--out", file.with_name("x.png"))
    assert code == 2
    assert "torchrun: a network runs in one process" in err


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint"])
def test_a_file_that_is_no_checkpoint_exits_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "leaf.pt"
    if content is not None:
        path.write_bytes(content)
    code, _, err = run(capsys, "simulate", path, *QUICK, "--out", tmp_path / "x.png")
    assert code == 2
    assert "leaf.pt: " in err
    assert "checkpoint" in err


@pytest.mark.parametrize("command", ["show", "analyze"])
def test_what_needs_equations_says_to_distil_first(
    capsys: pytest.CaptureFixture[str], file: Path, command: str
) -> None:
    code, _, err = run(capsys, command, file)
    assert code == 2
    assert f"got a checkpoint; distill it first: srnca distill --checkpoint {file}" in err
