"""kill -9 at any moment: the checkpoint is whole, and training goes on from it to the very same automaton."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from srnca.texture.checkpoint import load_checkpoint
from srnca.texture.training import train
from tests.test_srnca.tiny import config, stripes, target

ROOT = Path(__file__).parents[2]
ITERATIONS = 60

# Training that saves at every iteration, in a child that is killed after a random while; again and again.
DRIVER = """
import json, os, random, signal, sys, time
from pathlib import Path
from srnca.texture import training
from srnca.texture.checkpoint import load_checkpoint
from srnca.texture.config import TrainSettings
from tests.test_srnca.tiny import config, target

out, kills, iterations = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
always = TrainSettings(save_every_s=0)
settings, rng, seen = config(iterations=iterations, update_rate=0.6), random.Random(int(sys.argv[4])), []
training.train(target(), config(iterations=1))  # whatever is loaded on use
for _ in range(kills):
    child = os.fork()
    if child == 0:
        training.train(target(), settings, out=out, resume=out.exists(), settings=always)
        os._exit(0)
    time.sleep(rng.uniform(0.0, 0.25))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    saved = load_checkpoint(out) if out.exists() else None
    seen.append(-1 if saved is None else saved.iteration)
    if saved is not None and not saved.training:
        break
print(json.dumps(seen))
"""

# The command line itself, saving at every iteration.
COMMAND = """
import sys
from functools import partial
from srnca.cli.app import main
from srnca.texture import training

training.TrainSettings = partial(training.TrainSettings, save_every_s=0)
sys.exit(main(sys.argv[1:]))
"""


def kill_again_and_again(out: Path, kills: int, iterations: int, seed: int) -> list[int]:
    words = [sys.executable, "-c", DRIVER, str(out), str(kills), str(iterations), str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    seen: list[int] = json.loads(done.stdout)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "iterations", "seed"), [(10, ITERATIONS, 1), (40, 400, 2)])
def test_killed_again_and_again(tmp_path: Path, kills: int, iterations: int, seed: int) -> None:
    out = tmp_path / "x.pt"
    seen = kill_again_and_again(out, kills, iterations, seed)
    assert seen == sorted(seen)  # nothing that was saved is ever lost
    assert seen[-1] > 0
    settings = config(iterations=iterations, update_rate=0.6)
    resumed, straight = train(target(), settings, out=out, resume=True), train(target(), settings)
    assert resumed.history == straight.history
    for name, tensor in straight.nca.state_dict().items():
        assert torch.equal(tensor, resumed.nca.state_dict()[name])


@pytest.mark.slow
def test_the_command_goes_on_after_being_killed(tmp_path: Path) -> None:
    picture, out = tmp_path / "stripes.png", tmp_path / "x.pt"
    Image.fromarray(np.uint8(255 * stripes())).save(picture)
    words = [sys.executable, "-c", COMMAND, "train", str(picture), "--out", str(out), "--channels", "4"]
    words += ["--hidden", "8", "--size", "16", "--max-ca-steps", "4", "--iterations", "100000", "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    at: list[int] = []
    for attempt in range(2):
        more = ["--resume"] if attempt else []
        process = subprocess.Popen([*words, *more], stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path)
        try:
            _wait_for(out, after=at[-1] if at else 0, process=process)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        at.append(load_checkpoint(out).iteration)
    assert 0 < at[0] < at[1]


def _wait_for(out: Path, *, after: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if out.exists() and load_checkpoint(out).iteration > after:
            return
        time.sleep(0.05)
    raise AssertionError(f"no checkpoint after iteration {after}: {process.poll()}")
