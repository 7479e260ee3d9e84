"""Known laws, read back through a network: an automaton learns a recording and is distilled.

    python benchmarks/through_network.py --out outputs/through_network [--only NAME,…] [--seeds 3] [--table]

Each system runs from two smooth random states on 64² cells; 40 frames of each are recorded, as float32, at every step
or at every 8th, without noise or with white noise of 1 % of each field's standard deviation. `srnca train --frames`
and `srnca distill --checkpoint` then run with their default settings, called as functions. The network is compared
with the law on other states without noise, from the fourth frame on. The folder gets a file for every run; what it has
already is not run again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
import torch

from benchmarks.recovery import CASES, Case, disturbed, law_of, score
from benchmarks.recovery import record as record_steps
from distill.identify.footage import Footage
from equations import Rule, models, simulate
from equations.expressions.numeric import compile_numpy
from equations.files import write_text
from equations.perception import perceive
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.distill import distill_network
from srnca.dynamics.training import train_recording

FRAMES = 40
SYSTEMS = ("gray-scott:coral", "fitzhugh-nagumo", "schnakenberg")
WAYS = ((1, 0.0), (8, 0.0), (1, 0.01), (8, 0.01))  # steps from frame to frame, noise


def record(case: Case, seed: int, stride: int) -> tuple[Rule, np.ndarray]:
    """The rule, and clean frames (t, channel, h, w), `stride` steps apart."""
    rule, frames = record_steps(case, seed)
    return rule, simulate(rule, state=frames[0], steps=(FRAMES - 1) * stride, every=stride, seed=seed)


def network_error(nca: Any, rule: Rule, frames: np.ndarray) -> list[float]:
    """Per channel: the network's error in the rate on these states, as a share of the rate's deviation."""
    true = compile_numpy(rule.expressions, rule.feature_names)(
        perceive(frames.astype(np.float64), rule.stencils).swapaxes(0, 1)
    )  # (channel, t, h, w)
    with torch.no_grad():
        seen = nca.perceive(torch.from_numpy(frames).double().transpose(0, 1))
        got = nca.update(seen).numpy().reshape(true.shape)
    spread = true.std(axis=(1, 2, 3))
    return [float(x) for x in np.sqrt(np.square(got - true).mean(axis=(1, 2, 3))) / spread]


def run(name: str, stride: int, noise: float, seed: int) -> dict[str, Any]:
    case = next(c for c in CASES if c.name == name)
    rule, clean = record(case, seed, stride)
    films = [clean, record(case, seed + 100, stride)[1]]
    shown = [disturbed(f, noise, seed + i) if noise else f for i, f in enumerate(films)]
    footage = Footage(shown, rule.channels, rule.dt * stride, models.load(case.model).dx)
    config = DynamicsConfig(names=rule.channels, dt=rule.dt, stride=stride, dx=footage.dx)
    started = time.process_time()
    checkpoint: RecordingCheckpoint = train_recording(footage, config)
    trained = time.process_time()
    result = distill_network(checkpoint)
    done = time.process_time()
    fresh = record(case, seed + 200, stride)[1][3::4]
    before = result.rule.replace(updates={c: result.fronts[c][-1].expr for c in rule.channels})
    return {
        "name": name,
        "stride": stride,
        "noise": noise,
        "seed": seed,
        "train_s": trained - started,
        "distill_s": done - trained,
        "iterations": checkpoint.iteration,
        "gain": checkpoint.gain,
        "network": network_error(checkpoint.nca, rule, fresh),
        "by_network": score(law_of(before), law_of(rule)),
        "rule": score(law_of(result.rule), law_of(rule)),
        "law": {c: str(e) for c, e in result.rule.updates.items()},
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Medians over seeds, and the number of exact runs."""
    lines = [
        "| system | steps a frame | noise | network's error in the rate "
        "| terms of the network alone: missing, spurious | rule: exact support | mean error | worst error "
        "| training | distilling |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, (stride, noise) in product(SYSTEMS, WAYS):
        group = [r for r in rows if (r["name"], r["stride"], r["noise"]) == (name, stride, noise)]
        if not group:
            continue

        def middle(*path: str, group: list[dict[str, Any]] = group) -> float:
            values = []
            for row in group:
                value: Any = row
                for key in path:
                    value = value[key]
                values.append(max(value) if isinstance(value, list) else value)
            return float(statistics.median(values))

        exact = sum(r["rule"]["exact"] for r in group)
        lines.append(
            f"| {name} | {stride} | {100 * noise:g} % | {_percent(middle('network'))} "
            f"| {middle('by_network', 'missing'):g}, {middle('by_network', 'spurious'):g} "
            f"| {exact} of {len(group)} | {_percent(middle('rule', 'mean'))} | {_percent(middle('rule', 'worst'))} "
            f"| {middle('train_s'):.0f} s | {middle('distill_s'):.0f} s |"
        )
    return "\n".join(lines)


def _percent(value: float) -> str:
    return f"{100 * value:.2g} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("outputs/through_network"))
    parser.add_argument("--only", default=",".join(SYSTEMS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = product(range(arguments.seeds), WAYS, arguments.only.split(","))
    for seed, (stride, noise), name in wanted:
        path = arguments.out / f"{name.replace(':', '-')}_{stride}_{noise:g}_{seed}.json"
        if path.exists() or arguments.table:
            continue
        row = run(name, stride, noise, seed)
        write_text(path, json.dumps(row, indent=1))
        print(f"{path.name}: exact {row['rule']['exact']}, worst {_percent(row['rule']['worst'])}", file=sys.stderr)
    print(table([json.loads(p.read_text()) for p in sorted(arguments.out.glob("*.json"))]))


if __name__ == "__main__":
    main()
