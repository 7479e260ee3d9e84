"""Iterations per second of trainings: presets, a published recipe, and steps that torch.compile made. For train.py."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch

from benchmarks.recipes.losses import random_vgg16
from benchmarks.recipes.training import RECIPES, Published, PublishedTraining
from srnca.media.images import load_target
from srnca.texture.config import TrainConfig, preset
from srnca.texture.growing import state_threads
from srnca.texture.loss import GramLoss, build_loss
from srnca.texture.training import _Run

RATED = {
    "`default`": preset("default"),
    "`quality`": preset("quality"),
    "`blog-set5`, VGG bank": replace(preset("blog-set5"), bank="vgg16"),
}
PUBLISHED = "Self-Organising Textures as published, 128² cells, batch 4"
COMPILED = {"torch.compile": "default", "torch.compile with CUDA graphs": "reduce-overhead"}  # and its mode
COMPILED_ROWS = {
    f"`{name}`, {how}": (preset(name), mode) for name in ("default", "quality") for how, mode in COMPILED.items()
}
ROWS = (*RATED, PUBLISHED, *COMPILED_ROWS)


class Time(NamedTuple):
    """wall: seconds by the clock. cpu: seconds of all threads, which other programs on the machine disturb less."""

    wall: float
    cpu: float


def timed(work: Callable[[], object], device: torch.device) -> Time:
    """How long `work` takes, on a GPU until it has really ended."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started, cpu = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return Time(time.perf_counter() - started, time.process_time() - cpu)


def make_run(config: TrainConfig, device: torch.device) -> _Run:
    """A training as `srnca train` does it, on a built-in sample; `vgg16` has random weights."""
    target = load_target("sample:snake", config.size)
    vgg = config.bank == "vgg16"
    loss = GramLoss(random_vgg16(), target.pixels) if vgg else build_loss(config.bank, target.pixels)
    return _Run(target, config, loss, device)


def check_no_setback(run: _Run) -> None:
    if run.setbacks:  # an iteration that steps back does no backward pass, so its time is not comparable
        raise SystemExit("the benchmark's training diverged; nothing was measured")


def rates(device: torch.device, repeats: int) -> dict[str, float | None]:
    """Training iterations per second of each row of ROWS; None where compiling failed. Compiled ones on a GPU only."""
    runs = {name: make_run(config, device) for name, config in RATED.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(2 * repeats + 1):
        for name, run in runs.items():
            with state_threads(device, run.config.batch_size) as run.threads:
                took = timed(run.iterate, device).wall
            if turn:
                seconds[name].append(took)
    for run in runs.values():
        check_no_setback(run)
    found: dict[str, float | None] = {name: 1 / statistics.median(times) for name, times in seconds.items()}
    found[PUBLISHED] = _published_rate(device, repeats)
    if device.type == "cuda":
        for name, (config, mode) in COMPILED_ROWS.items():
            found[name] = compiled_rate(config, mode, device, repeats)
    return found


def _published_rate(device: torch.device, repeats: int) -> float:
    recipe = RECIPES["sot-vgg"]
    assert isinstance(recipe, Published)
    training = PublishedTraining(recipe, load_target("sample:snake", 128), 0, device)
    times = [timed(lambda: training.iterate(0.0), device).wall for _ in range(repeats + 1)]
    return 1 / statistics.median(times[1:])


def compiled_rate(config: TrainConfig, mode: str, device: torch.device, repeats: int) -> float | None:
    """The same iteration where the step of the automaton is compiled; None, and why on stderr, where that fails.

    An iteration has as many steps as it draws; warming up lasts until no new number of them records new graphs.
    """
    run = make_run(config, device)
    try:
        run.nca.compile(mode=mode)
        for _ in range(8):
            run.iterate()
        times = [timed(run.iterate, device).wall for _ in range(2 * repeats)]
    except RuntimeError as error:
        print(f"{mode}: {str(error).splitlines()[0]}", file=sys.stderr)
        return None
    check_no_setback(run)
    return 1 / statistics.median(times)


def rate_cell(found: dict[str, float | None], name: str) -> str:
    """A cell of the table."""
    if name not in found:
        return "not measured"
    rate = found[name]
    return "failed" if rate is None else f"{rate:.3g} iterations/s"
