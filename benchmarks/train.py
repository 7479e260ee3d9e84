"""The speed of training: an iteration against the first implementation's, and iterations per second.

python benchmarks/train.py [--device cpu|cuda] [--threads 2] [--repeats 5] [--json FILE]

Without --device the CPU is measured and, where there is one, the GPU. Weights of the feature network are
random: they cost the same time as trained ones.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.rates import ROWS, Time, check_no_setback, make_run, rate_cell, rates, timed
from equations.files import write_text
from srnca.media.images import Target
from srnca.provenance import provenance
from srnca.texture.config import TrainConfig
from srnca.texture.growing import Growing, state_threads
from srnca.texture.loss import GramLoss
from srnca.texture.network import NCAConfig
from srnca.texture.training import _Run

DEVICES = ("cpu", "cuda")
STEPS = (15, 10, 20, 12, 18)  # of the compared iterations, in turn
WANTED = 2.0  # how many times faster than the first implementation an iteration must be
# The first implementation's shape: rollouts of 10…20 steps, no activation, each channel with a mask of its own.
_NETWORK = NCAConfig(9, 96, 4, activation="linear", clamp=(0.0, 1.0), update_rate=0.9, mask="channel")
SHAPE = TrainConfig(**asdict(_NETWORK), size=128, max_ca_steps=20, pool=8, learning_rate=1e-5, bank="vgg16")


class FirstImplementation:
    """One training iteration as the first implementation did it; slow on purpose.

    `conv2d` filters every channel as a separate picture with four kernels; two 1x1 convolutions follow without an
    activation; the target passes through the feature network at every iteration. What it also did
    (gradients of the feature network's weights, a file written at every iteration) is left out.
    """

    def __init__(self, config: TrainConfig, bank: nn.Module, target: Target, device: torch.device) -> None:
        self.config, self.bank, self.device = config, bank, device
        self.kernels = torch.tensor([s.kernel for s in config.stencils], device=device)
        self.first = nn.Conv2d(config.channels * config.filters, config.hidden, 1, bias=False).to(device)
        self.last = nn.Conv2d(config.hidden, config.channels, 1, bias=False).to(device)
        nn.init.zeros_(self.last.weight)
        self.parameters = [self.first.weight, self.last.weight]
        self.optimiser = torch.optim.Adam(self.parameters, lr=config.learning_rate)
        self.target = torch.from_numpy(target.pixels).permute(2, 0, 1)[None].to(device)
        self.states = torch.rand(config.batch_size, config.channels, config.size, config.size, device=device)

    def perceive(self, state: Tensor) -> Tensor:
        b, c, h, w = state.shape
        single = functional.pad(state.reshape(b * c, 1, h, w), (1, 1, 1, 1), mode="circular")
        return functional.conv2d(single, self.kernels[:, None]).reshape(b, -1, h, w)

    def step(self, state: Tensor, mask: Tensor) -> Tensor:
        return (state + self.last(self.first(self.perceive(state))) * mask).clamp(0, 1)

    def grams(self, rgb: Tensor) -> list[Tensor]:
        return [
            torch.einsum("bchw, bdhw -> bcd", maps, maps) / (maps.shape[2] * maps.shape[3])
            for maps in self.bank(rgb).values()
        ]

    def iterate(self, steps: int) -> None:
        state = self.states
        self.optimiser.zero_grad()
        for _ in range(steps):
            state = self.step(state, (torch.rand_like(state) < self.config.update_rate) * 1.0)
        pairs = zip(self.grams(state[:, :3]), self.grams(self.target), strict=True)
        torch.stack([(ours - theirs).square().mean() for ours, theirs in pairs]).sum().backward()
        for p in self.parameters:
            assert p.grad is not None
            p.grad /= p.grad.norm() + 1e-8
        self.optimiser.step()
        self.states = state.detach()


def check_same_function(run: _Run, first: FirstImplementation) -> None:
    """Check that both implementations take the same step with equal weights. The last layers are zero again after."""
    nca, size = run.nca, (1, run.config.channels, 32, 32)
    state, mask = torch.rand(size, device=run.device), (torch.rand(size, device=run.device) < 0.5) * 1.0
    with torch.no_grad():
        first.first.weight.copy_(nca.hidden[..., None, None])
        first.last.weight.normal_(std=0.05)
        nca.weight.copy_(first.last.weight[..., 0, 0])
        step = nca(state, mask)
        difference, moved = float((step - first.step(state, mask)).abs().max()), float((step - state).abs().max())
        nn.init.zeros_(nca.weight)
        nn.init.zeros_(first.last.weight)
    if not difference < 1e-4 < moved:
        raise SystemExit(f"expected both sides to take the same step, got a difference of {difference:g}")


class EqualWork:
    """The same iteration from srnca's own pieces, without what the first implementation did not have.

    That is the patch term and the overflow penalty; both are in the whole iteration of `srnca train`.
    """

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.growing = Growing(run.nca, self.objective, excess=0.0)
        self.states = torch.stack([run.fresh() for _ in range(run.config.batch_size)]).to(run.device)

    def objective(self, rgb: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        loss = self.run.loss(rgb)
        return loss, loss

    def iterate(self, steps: int) -> None:
        grown = self.growing(self.states, steps, 0, self.run.threads)
        self.run.learn(grown.gradients)
        self.states = grown.states


def compare(device: torch.device, repeats: int) -> dict[str, Any]:
    """All three in turn; the first two take the same numbers of steps, `srnca train` draws its own 10…20."""
    run = make_run(SHAPE, device)
    assert isinstance(run.loss, GramLoss)
    first, equal = FirstImplementation(SHAPE, run.loss.bank, run.target, device), EqualWork(run)
    check_same_function(run, first)
    times: dict[str, list[Time]] = {"first": [], "equal_work": [], "whole": []}
    for turn in range(repeats + 1):
        steps = STEPS[turn % len(STEPS)]
        times["first"].append(timed(partial(first.iterate, steps), device))
        with state_threads(device, run.config.batch_size) as run.threads:
            times["equal_work"].append(timed(partial(equal.iterate, steps), device))
            times["whole"].append(timed(run.iterate, device))
    check_no_setback(run)
    turns = list(zip(times["first"], times["equal_work"], strict=True))[1:]  # the first turn warms up
    result: dict[str, Any] = {k: statistics.median(t.wall for t in v[1:]) for k, v in times.items()}
    result["ratios"] = [a.wall / b.wall for a, b in turns]
    result["ratio"] = statistics.median(result["ratios"])
    result["ratio_cpu_time"] = statistics.median(a.cpu / b.cpu for a, b in turns)
    return result


def table(results: dict[str, Any], threads: int) -> str:
    """The results as Markdown; a device that was not there reads "not measured"."""
    rows: dict[str, Callable[[dict[str, Any]], str]] = {
        "first implementation": lambda r: f"{r['compare']['first']:.3g} s",
        "srnca, equal work": lambda r: f"{r['compare']['equal_work']:.3g} s",
        "times faster, equal work": lambda r: (
            f"**{r['compare']['ratio']:.2f}** ({min(r['compare']['ratios']):.2f} … {max(r['compare']['ratios']):.2f})"
        ),
        "times faster in CPU time": lambda r: f"{r['compare']['ratio_cpu_time']:.2f}",
        "srnca, with patch term and overflow penalty": lambda r: f"{r['compare']['whole']:.3g} s",
        **{name: lambda r, name=name: rate_cell(r["rates"], name) for name in ROWS},  # type: ignore[misc]
    }
    lines = [f"| one training iteration | CPU, {threads} thread{'s' if threads > 1 else ''} | GPU |", "|---|---|---|"]
    for label, cell in rows.items():
        cells = [cell(results[d]) if d in results else "not measured" for d in DEVICES]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=DEVICES, help="measure only this one (default: all at hand)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default: 2)")
    parser.add_argument("--repeats", type=int, default=5, help="pairs of iterations that are compared (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    args = parser.parse_args()
    if args.threads < 1 or args.repeats < 1:
        parser.error("expected at least one thread and one repeat")
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: PyTorch finds no GPU on this machine; leave the option out")
    torch.set_num_threads(args.threads)
    at_hand = [d for d in DEVICES if d == "cpu" or torch.cuda.is_available()]
    results: dict[str, Any] = {}
    for name in [args.device] if args.device else at_hand:
        device = torch.device(name)
        results[name] = {"compare": compare(device, args.repeats), "rates": rates(device, args.repeats)}
    print(table(results, args.threads))
    if args.json:
        gpu = torch.cuda.get_device_name() if "cuda" in results else None
        where = provenance(threads=args.threads, repeats=args.repeats, cores=os.cpu_count(), gpu=gpu)
        write_text(args.json, json.dumps({"results": results, "provenance": where}, indent=2) + "\n")
    slow = [d for d in results if results[d]["compare"]["ratio"] < WANTED]
    if slow:
        print(f"\nexpected at least {WANTED:g} times faster at equal work; missed on: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
