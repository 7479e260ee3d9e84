"""The speed of a rule's kernel, compared with a hand-written loop, NumPy, py-pde, the network and memory bandwidth.

    python benchmarks/simulate.py [--repeats 7] [--only grid,learned,compile,gpu] [--json FILE]

The programs that are compared run alternately; a ratio is the median of the ratios of all turns. Speeds are in cells
updated per second.
Needs numba and py-pde (the dev extra). The GPU rows are measured where there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from equations import Rule, models
from equations.backends import get_backend
from equations.expressions.infix import parse_infix
from equations.files import write_text
from equations.rule.stencils import nca_stencils

GRAY_SCOTT = models.get("gray-scott")
Work = Callable[[], Any]  # does a number of updates, which `time_of` is given


def learned_rule(channels: int = 8, terms: int = 24, update_rate: float = 0.5) -> Rule:
    """A rule like a distilled one: `terms` terms per channel, half of them absolute values."""
    draw = random.Random(0)
    names = ("r", "g", "b", *(f"h{i}" for i in range(3, channels)))
    features = [name if s == "id" else f"{name}_{s}" for name in names for s in ("id", "lap", "dx", "dy")]
    pool = [*features, *(f"abs({feature})" for feature in features)]

    def update() -> str:
        return " + ".join(f"{draw.uniform(-0.05, 0.05):.5f}*{term}" for term in draw.sample(pool, terms))

    return Rule(
        channels=names,
        stencils=nca_stencils(4),
        updates={name: parse_infix(update(), features) for name in names},
        update_rate=update_rate,
        clamp=(-1.0, 1.0),
    )


def start(rule: Rule, size: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(0).random((len(rule.channels), size, size)).astype(dtype)


def our_work(rule: Rule, size: int, steps: int, threads: int = 1) -> Work:
    stepper = get_backend("llvm").make_stepper(rule, threads=threads)
    state, scratch = start(rule, size), start(rule, size)
    return lambda: stepper(state, 0, steps, 0, scratch)


def by_hand(size: int, steps: int) -> Work:
    """Gray-Scott as a specialist writes it for numba: one pass, the edges apart, fast-math on."""
    import numba

    @numba.njit(fastmath=True)
    def row(u, v, a, b, y, up, down, lo, hi, left, right):  # type: ignore[no-untyped-def]
        one = np.float32(1)
        du, dv, feed, kill = np.float32(0.16), np.float32(0.08), np.float32(0.055), np.float32(0.117)
        four = np.float32(4)
        for x in range(lo, hi):
            p, q = u[y, x], v[y, x]
            lap_u = u[up, x] + u[down, x] + u[y, x + left] + u[y, x + right] - four * p
            lap_v = v[up, x] + v[down, x] + v[y, x + left] + v[y, x + right] - four * q
            react = p * q * q
            a[y, x] = p + (du * lap_u - react + feed * (one - p))
            b[y, x] = q + (dv * lap_v + react - kill * q)

    @numba.njit(fastmath=True)
    def run(s, t, steps):  # type: ignore[no-untyped-def]
        h, w = s.shape[1], s.shape[2]
        for _ in range(steps):
            u, v, a, b = s[0], s[1], t[0], t[1]
            for y in range(h):
                up, down = (y - 1 if y else h - 1), (y + 1 if y < h - 1 else 0)
                row(u, v, a, b, y, up, down, 1, w - 1, -1, 1)
                row(u, v, a, b, y, up, down, 0, 1, w - 1, 1)
                row(u, v, a, b, y, up, down, w - 1, w, -1, 1 - w)
            s, t = t, s
        return s

    state, scratch = start(GRAY_SCOTT, size), start(GRAY_SCOTT, size)
    small = get_backend("reference").make_stepper(GRAY_SCOTT)
    sample = start(GRAY_SCOTT, 24)
    difference = np.abs(run(sample.copy(), np.empty_like(sample), 5) - small(sample, 0, 5, 0)).max()
    if not difference < 1e-5:
        raise SystemExit(f"the hand-written loop is not the same model: {difference:g}")
    return lambda: run(state, scratch, steps)


def numpy_work(size: int, steps: int) -> Work:
    """Gray-Scott in NumPy with rolled arrays, as in most scripts."""
    state = start(GRAY_SCOTT, size)

    def lap(x: np.ndarray) -> np.ndarray:
        return np.roll(x, 1, 0) + np.roll(x, -1, 0) + np.roll(x, 1, 1) + np.roll(x, -1, 1) - 4 * x

    def run() -> None:
        u, v = state
        for _ in range(steps):
            react = u * v * v
            u, v = (
                u + (np.float32(0.16) * lap(u) - react + np.float32(0.055) * (1 - u)),
                v + (np.float32(0.08) * lap(v) + react - np.float32(0.117) * v),
            )

    return run


def py_pde_work(size: int, steps: int, backend: str) -> Work:
    import pde

    u, v = start(GRAY_SCOTT, size, "float64")
    grid = pde.CartesianGrid([[0, size], [0, size]], size, periodic=True)
    fields = pde.FieldCollection([pde.ScalarField(grid, u), pde.ScalarField(grid, v)])
    react = "u*v**2"
    law = pde.PDE({"u": f"0.16*laplace(u) - {react} + 0.055*(1 - u)", "v": f"0.08*laplace(v) + {react} - 0.117*v"})
    solver = pde.ExplicitSolver(law, backend=backend)
    advance = solver.make_stepper(fields, dt=1.0)
    return lambda: advance(fields, 0.0, float(steps))


def network_work(size: int, steps: int, threads: int, device: str = "cpu") -> Work:
    """The eager network that such a rule comes from: 8 channels, 48 hidden, mask on."""
    import torch

    from srnca.texture.network import NCA, NCAConfig

    torch.set_num_threads(threads)
    nca = NCA(NCAConfig(channels=8, hidden=48, update_rate=0.5), seed=0).to(device)

    def run() -> None:
        state = torch.rand(1, 8, size, size, device=device)
        with torch.inference_mode():
            for _ in range(steps):
                state = nca(state, (torch.rand(1, 1, size, size, device=device) < 0.5).float())
        if device != "cpu":
            torch.cuda.synchronize()

    return run


def seconds(work: Work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(contenders: dict[str, tuple[Work, float]], repeats: int) -> tuple[dict[str, float], dict[str, float]]:
    """Cells a second of each contender (work, updates it does), and how many times faster the first is than each."""
    for work, _ in contenders.values():
        work()
    turns = [{name: updates / seconds(work) for name, (work, updates) in contenders.items()} for _ in range(repeats)]
    first = next(iter(contenders))
    speeds = {name: statistics.median(turn[name] for turn in turns) for name in contenders}
    ratios = {name: statistics.median(turn[first] / turn[name] for turn in turns) for name in contenders}
    return speeds, ratios


class Report:
    """Rows as they come, printed and kept."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def row(self, what: str, value: float | None, unit: str, wanted: str) -> None:
        shown = "not measured" if value is None else f"{value:.3g} {unit}".strip()
        self.rows.append({"what": what, "value": value, "unit": unit, "wanted": wanted})
        print(f"| {what} | {shown} | {wanted} |", flush=True)


def grids(report: Report, repeats: int) -> None:
    for size, steps in ((256, 2048), (2048, 32)):
        updates = float(size * size * steps)
        speeds, ratios = compare(
            {"ours": (our_work(GRAY_SCOTT, size, steps), updates), "by hand": (by_hand(size, steps), updates)}, repeats
        )
        report.row(f"Gray-Scott {size}², 1 thread", speeds["ours"] / 1e9, "Gcell/s", "")
        report.row("… times a loop written by hand for numba", ratios["by hand"], "", ">= 0.9")
    n, few = 2048, 8
    ours = (our_work(GRAY_SCOTT, n, 32), 32.0 * n * n)
    _, ratios = compare({"ours": ours, "NumPy": (numpy_work(n, 2), 2.0 * n * n)}, repeats)
    report.row("… times NumPy, 2048²", ratios["NumPy"], "", ">= 20")
    pde = {name: (py_pde_work(n, few, name), float(few) * n * n) for name in ("numba", "numpy")}
    _, ratios = compare({"ours": ours, **pde}, repeats)
    report.row("… times py-pde's fastest backend, 2048²", min(ratios[name] for name in pde), "", ">= 5")
    _, ratios = compare({"two": (our_work(GRAY_SCOTT, n, 32, 2), 32.0 * n * n), "one": ours}, repeats)
    report.row("2 threads times 1 thread, 2048²", ratios["one"], "", ">= 1.7")
    masked = (our_work(GRAY_SCOTT.replace(update_rate=0.5), n, 32), 32.0 * n * n)
    _, ratios = compare({"ours": ours, "masked": masked}, repeats)
    report.row("time with the update mask, Gray-Scott 2048²", ratios["masked"], "times", "<= 1.25")
    bandwidth(report, repeats)


def bandwidth(report: Report, repeats: int) -> None:
    """The memory bandwidth of a step, which reads and writes the state once, against that of a copy; on one thread."""
    n, steps = 4096, 12
    source = start(GRAY_SCOTT, n)
    target = source.copy()
    cells = float(n * n)
    contenders = {"ours": (our_work(GRAY_SCOTT, n, steps), cells * steps)}
    speeds, ratios = compare({**contenders, "copy": (lambda: np.copyto(target, source), cells)}, repeats)
    size = source.nbytes / cells * 2
    report.row("copy bandwidth, 4096² x 2 float32", speeds["copy"] * size / 1e9, "GB/s", "")
    report.row("… of which a step of Gray-Scott uses", 100 * ratios["copy"], "%", ">= 70 %")
    tracemalloc.start()
    contenders["ours"][0]()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    report.row("peak memory of a run, beside state and scratch", peak / source.nbytes, "states", "<= 0.2")


def learned(report: Report, repeats: int) -> None:
    rule = learned_rule()
    for n, steps in ((256, 32), (1024, 8)):
        cells = float(n * n)
        ours = (our_work(rule, n, steps), steps * cells)
        speeds, ratios = compare({"ours": ours, "network": (network_work(n, 2, 1), 2 * cells)}, repeats)
        report.row(f"learned rule (8 channels x 24 terms, mask), {n}², 1 thread", speeds["ours"] / 1e6, "Mcell/s", "")
        report.row("… times the eager network (8 channels, 48 hidden), 1 thread", ratios["network"], "", ">= 100")
    bare = (our_work(rule.replace(update_rate=1.0), n, steps), steps * cells)
    _, ratios = compare({"bare": bare, "masked": ours}, repeats)
    report.row("… time with the update mask", ratios["masked"], "times", "<= 1.25")


_COMPILE = """
import sys, time
from benchmarks.simulate import GRAY_SCOTT, learned_rule
from equations.backends import get_backend
rule = GRAY_SCOTT if sys.argv[1] == "gray-scott" else learned_rule(12, 30)
began = time.perf_counter()
get_backend("llvm").make_stepper(rule)
print(time.perf_counter() - began)
"""


def compiling(report: Report, repeats: int) -> None:
    """In fresh processes, the loading of llvmlite included: with an empty cache, then with a full one."""
    root = Path(__file__).resolve().parent.parent
    for name, label, limit in (("gray-scott", "Gray-Scott", 3), ("learned", "12 channels x 30 terms", 15)):
        times: dict[str, list[float]] = {"first": [], "second": []}
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as cache:
                for turn in times.values():
                    out = subprocess.run(
                        [sys.executable, "-c", _COMPILE, name],
                        env={**os.environ, "SRNCA_CACHE": cache, "PYTHONPATH": str(root)},
                        capture_output=True,
                        text=True,
                        check=True,
                    )
                    turn.append(float(out.stdout))
        report.row(f"compile {label}", statistics.median(times["first"]), "s", f"<= {limit} s")
        report.row("… in a second process", statistics.median(times["second"]), "s", "<= 0.3 s")


def gpu(report: Report, repeats: int) -> None:
    import torch

    wanted = (("GPU: Gray-Scott 8192² of the copy bandwidth", "%", ">= 60 %"),
              ("GPU: learned rule 1024² times the network on it", "", ">= 20"))  # fmt: skip
    if not torch.cuda.is_available():
        for what, unit, limit in wanted:
            report.row(what, None, unit, limit)
        return
    from equations.backends.torch.backend import BatchStepper

    def on_gpu(rule: Rule, size: int, steps: int) -> tuple[Work, float]:
        batch = BatchStepper(rule, device="cuda", compiled=True)
        state = torch.rand(1, len(rule.channels), size, size, device="cuda")

        def run() -> None:
            batch(state, 0, steps, [0])
            torch.cuda.synchronize()

        return run, float(size * size * steps)

    source = torch.rand(2, 8192, 8192, device="cuda")
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)
        torch.cuda.synchronize()

    _, ratios = compare({"ours": on_gpu(GRAY_SCOTT, 8192, 64), "copy": (copy, 8192.0**2)}, repeats)
    report.row(wanted[0][0], 100 * ratios["copy"], *wanted[0][1:])
    network = (network_work(1024, 16, 1, "cuda"), 16 * 1024.0**2)
    _, ratios = compare({"ours": on_gpu(learned_rule(), 1024, 64), "network": network}, repeats)
    report.row(wanted[1][0], ratios["network"], *wanted[1][1:])


PARTS = {"grid": grids, "learned": learned, "compile": compiling, "gpu": gpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", default=",".join(PARTS), help="parts to measure, of " + ", ".join(PARTS))
    parser.add_argument("--json", type=Path, help="write the rows to this file too")
    args = parser.parse_args()
    report = Report()
    print("| what | measured | wanted |\n|---|---|---|")
    for name in args.only.split(","):
        PARTS[name](report, args.repeats)
    if args.json:
        write_text(args.json, json.dumps(report.rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
