"""Whether recordings of automata and of differential equations are told apart, with noise.

    python benchmarks/steps_or_continuous.py [--noise 0,0.01,0.05] [--every 1,8] [--only gray-scott,…]

Automata: the models of the catalogue on 48² cells, 51 frames from step 60 on, every step or every eighth. Differential
equations: those of `pde_data`, 60 frames of 64² cells. Noise in shares of each channel's standard deviation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from benchmarks.pde_data import Recording, add_noise, record
from benchmarks.pde_systems import PDES
from distill.weak.timing import decide_time
from equations import models, simulate

START, FRAMES, SIZE = 60, 51, 48


def automaton(name: str, every: int) -> Recording:
    rule = models.get(name)
    frames = simulate(rule, size=SIZE, steps=START + every * FRAMES, every=1, seed=1)[START::every][:FRAMES]
    return Recording(np.asarray(frames, np.float64), rule.dt * every, rule.dx, rule.channels)


def recordings(every: list[int], only: list[str]) -> Iterator[tuple[str, str, Recording]]:
    """What it is called, what it is, and the frames."""
    for name in models.names():
        for n in every:
            if not only or name in only:
                yield f"{name}, every {n}", "steps", automaton(name, n)
    for name, pde in PDES.items():
        if pde.law is not None and (not only or name in only):
            yield f"{name}, equation", "continuous", record(name, frames=60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noise", default="0,0.01,0.05")
    parser.add_argument("--every", default="1,8")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    levels = list(map(float, options.noise.split(",")))
    print("| recording | " + " | ".join(f"{100 * n:g} %" for n in levels) + " |\n|---" + "|---" * len(levels) + "|")
    only = options.only.split(",") if options.only else []
    for label, truth, clean in recordings(list(map(int, options.every.split(","))), only):
        cells = []
        for level in levels:
            noisy = add_noise(clean, level) if level else clean
            found = decide_time([noisy.frames], noisy.channels, noisy.dt, noisy.dx)
            undecided = "lack of a clear difference" in found.reason
            cells.append("undecided" if undecided else found.time if found.time == truth else f"WRONG: {found.time}")
        print(f"| {label} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
