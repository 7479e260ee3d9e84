"""The same seed gives the same bytes on one core or two, busy or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from distill import distill
from distill.identify import identify
from srnca.texture.checkpoint import load_checkpoint
from srnca.texture.teacher import NCATeacher
from srnca.texture.training import train
from tests.test_srnca.tiny import checkpoint, config, target

THREADS = (1, 2)

# Trains and distils through the command line on the given cores, beside a given number of endless loops.
DRIVER = """
import os, subprocess, sys
out, cores, loops = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
try:
    from srnca.cli.app import main
    words = "--channels 4 --hidden 12 --filters 3 --iterations 30 --size 24 --seed 5 --quiet"
    assert main(["train", "sample:snake", "--out", out + "/net.pt", *words.split()]) == 0
    words = "--engine auto --terms 3 --effort 0.1 --seed 2 --quiet"
    assert main(["distill", "--checkpoint", out + "/net.pt", "--out", out + "/rule", *words.split()]) == 0
finally:
    for loop in beside:
        loop.kill()
"""


def weights(path: Path) -> list[np.ndarray]:
    return [value.numpy() for value in load_checkpoint(path).nca.state_dict().values()]


def test_the_number_of_threads_does_not_change_the_automaton(tmp_path: Path) -> None:
    made = []
    for threads in THREADS:
        torch.set_num_threads(threads)
        try:
            with threadpool_limits(threads):
                train(target(), config(), out=tmp_path / f"{threads}.pt")
        finally:
            torch.set_num_threads(1)
        made.append(weights(tmp_path / f"{threads}.pt"))
    assert all((a == b).all() for a, b in zip(*made, strict=True))


def test_linear_algebra_runs_on_one_thread() -> None:
    """On two it adds up thousands of rows in another order, which gives other constants."""
    seen = set[int]()

    def look(*_: object) -> None:
        seen.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")

    frames = calm_frames()
    with threadpool_limits(2):
        distill(NCATeacher(checkpoint(channels=3)), engine="sparse", rows=200, size=(8, 8), steps=20, progress=look)
        identify([frames], 1.0, ("u",), engine="sparse", progress=look)
    assert seen == {1}


def calm_frames() -> np.ndarray:
    """Diffusion of noise, (t, 1, 16, 16)."""
    frames = [np.random.default_rng(0).uniform(size=(1, 16, 16))]
    for _ in range(12):
        u = frames[-1]
        frames.append(u + 0.1 * (sum(np.roll(u, d, axis) for d in (1, -1) for axis in (1, 2)) - 4 * u))
    return np.stack(frames)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot tie a process to cores")
def test_a_busy_core_gives_what_free_cores_give(tmp_path: Path) -> None:
    found = []
    for cores, loops in ((2, 0), (1, 2)):
        out = tmp_path / f"{cores}"
        out.mkdir()
        subprocess.run([sys.executable, "-c", DRIVER, str(out), str(cores), str(loops)], check=True, timeout=3000)
        found.append((weights(out / "net.pt"), (out / "rule" / "rule.json").read_bytes()))
    (free, rule), (busy, again) = found
    assert all((a == b).all() for a, b in zip(free, busy, strict=True))
    assert rule == again
