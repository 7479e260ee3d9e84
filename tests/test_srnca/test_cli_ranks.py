"""`srnca simulate` in several processes: the files of one, said once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from equations import Init, models, save_rule
from equations.errors import DivergenceError, InputError
from srnca.cli.app import main
from srnca.cli.ranks import is_first, said_by_first

pytest.importorskip("torch")
ROOT = Path(__file__).parents[2]


def start(folder: Path, *words: str, count: int = 2) -> list[subprocess.Popen[str]]:
    """As torchrun starts them, without its own seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = []
    for rank in range(count):
        world = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        environment = os.environ | {name: str(value) for name, value in world.items()} | {"PYTHONPATH": str(ROOT)}
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "srnca", "simulate", *words],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return running


def finish(running: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each."""
    try:
        said = [process.communicate(timeout=90) for process in running]
        return [(process.returncode, *texts) for process, texts in zip(running, said, strict=True)]
    finally:
        for process in running:
            process.kill()


def test_two_processes_write_the_file_of_one(tmp_path: Path) -> None:
    words = ["gray-scott", "--size", "30x21", "--steps", "40", "--every", "10", "--seed", "3", "--init", "spots"]
    shared = ["--decomposition", "1x2", "--out", "two.npz", "--save-state", "now.npz", "--json"]
    (first, out, err), (second, nothing, silence) = finish(start(tmp_path, *words, *shared))
    assert (first, second) == (0, 0), err + silence
    assert (nothing, silence) == ("", "")
    facts = json.loads(out)
    assert (facts["size"], facts["steps"], facts["frames"]) == ({"width": 30, "height": 21}, 40, 5)
    assert main(["simulate", *words, "--out", str(tmp_path / "one.npz"), "--quiet"]) == 0
    with (
        np.load(tmp_path / "one.npz") as one,
        np.load(tmp_path / "two.npz") as two,
        np.load(tmp_path / "now.npz") as now,
    ):
        np.testing.assert_array_equal(one["frames"], two["frames"])
        np.testing.assert_array_equal(now["state"], one["frames"][-1])


def test_divergence_is_said_once_and_the_frames_before_it_are_kept(tmp_path: Path) -> None:
    rule = models.get("gray-scott").replace(dt=9.0, init=Init("noise", (0.5, 0.5), (0.1, 0.1)))
    save_rule(rule, tmp_path / "rule.json")
    words = ["rule.json", "--size", "16", "--steps", "500", "--every", "1", "--out", "x.npz", "--quiet"]
    (first, _, said), (second, _, silence) = finish(start(tmp_path, *words))
    assert (first, second) == (1, 1)
    assert said.startswith("error: the simulation diverged at step ")
    assert silence == ""
    with np.load(tmp_path / "x.npz") as kept:
        assert np.isfinite(kept["frames"]).all()


@pytest.mark.slow
def test_bad_input_is_said_once(tmp_path: Path) -> None:
    (first, _, said), (second, _, silence) = finish(start(tmp_path, "gray-scott", "--decomposition", "2x2", "--quiet"))
    assert (first, second) == (2, 2)
    assert "torchrun --nproc-per-node 4" in said
    assert silence == ""


def test_blocks_without_torchrun_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "gray-scott", "--decomposition", "2x1"]) == 2
    assert "torchrun --nproc-per-node 2" in capsys.readouterr().err


@pytest.mark.slow
def test_stopping_one_stops_all_and_keeps_what_was_written(tmp_path: Path) -> None:
    words = ["gray-scott", "--size", "64", "--steps", "100000000", "--every", "50", "--out", "x.npz"]
    running = start(tmp_path, *words)
    assert running[0].stderr is not None
    line = running[0].stderr.readline()  # the first progress
    time.sleep(0.5)
    running[1].send_signal(signal.SIGTERM)
    (first, out, err), (second, _, _) = finish(running)
    assert (first, second) == (130, 130), line + err
    assert "stopped after" in out
    with np.load(tmp_path / "x.npz") as kept:
        assert len(kept["frames"]) > 1


def test_who_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    shared = [InputError("x"), DivergenceError("x", step=1, channel="u", y=0, x=0)]
    assert is_first()
    assert not any(map(said_by_first, shared))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert not is_first()
    assert all(map(said_by_first, shared))
    assert not said_by_first(OSError("disk full"))
    monkeypatch.setenv("RANK", "0")
    assert is_first()
    assert not any(map(said_by_first, shared))


@pytest.mark.slow
def test_under_torchrun_itself(tmp_path: Path) -> None:
    words = ["gray-scott", "--size", "24", "--steps", "20", "--every", "10"]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "srnca"]
    done = subprocess.run(
        [*command, "simulate", *words, "--out", "two.npz"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("two.npz: 3 frames of 24x24 cells") == 1
    assert main(["simulate", *words, "--out", str(tmp_path / "one.npz"), "--quiet"]) == 0
    with np.load(tmp_path / "one.npz") as one, np.load(tmp_path / "two.npz") as two:
        np.testing.assert_array_equal(one["frames"], two["frames"])
