"""Equations found in recordings of known systems, beside PySINDy's weak form on the same data.

    python benchmarks/equations.py --out outputs/equations [--sets noise,variations,controls,others]
    [--only lambda-omega,…] [--noise 0,0.01,0.05,0.1,0.2] [--frames 200] [--seeds 2] [--no-rival] [--again] [--table]

Recordings are those of `pde_data`: 64² cells, float64, noise in shares of each channel's standard deviation;
`pde_variations` has the same between walls, rounded, or sampled rarely, and `pde_controls` recordings that no law of
the library made, with others of the same kinds on which no test of a cause was tuned. The folder gets a file for
every row, and what it has already is not run again; --again measures ours again and keeps PySINDy's answers. --table
only prints.

Exact: every channel has the terms of the law and no other. Error: the largest relative error of a coefficient, 1 for a
missing term. Rollout: the found equation runs from the middle of the recording without noise, over 20 frames; the root
mean square error of the last one, over the channel's standard deviation, mean over channels. Confidently wrong: the
verdict is "found", a term is wrong, and the rollout's error is above 5 %. Seconds are of processor time.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from benchmarks.equations_rival import MISSING, rival, worst_error
from benchmarks.equations_table import tables
from benchmarks.pde_controls import CONTROLS, OTHERS
from benchmarks.pde_data import Law, Recording, add_noise, record
from benchmarks.pde_systems import PDES
from benchmarks.pde_variations import VARIATIONS, WALLS
from distill import find_equation
from distill.weak.discretise import solve
from distill.weak.equation import Equation
from equations.errors import InputError
from equations.files import write_text

NOISES = "0,0.01,0.05,0.1,0.2"
AHEAD = 20  # frames of a rollout
SPOILT = {"controls": CONTROLS, "others": OTHERS}
SYSTEMS = tuple(name for name, pde in PDES.items() if pde.law is not None)


def ours(recording: Recording, clean: Recording, law: Law | None) -> dict[str, Any]:
    """What `find_equation` says of a recording; clean: the same without noise."""
    began = time.process_time()
    try:
        found = find_equation(recording.frames, recording.channels, recording.dt, recording.dx)
    except InputError as error:
        return {"verdict": "refused", "reasons": [str(error)], "seconds": time.process_time() - began}
    answer: dict[str, Any] = {
        "verdict": found.verdict,
        "seconds": time.process_time() - began,
        "reasons": list(found.reasons),
        "boundary": found.boundary,
        "rollout": rollout(found, clean),
        "law": [one.text(errors=False) for one in found.laws],
    }
    if law is not None:
        exact, error = worst_error(law, {c: found.coefficients(c) for c in found.channels})
        answer |= {"exact": exact, "error": error, "sigmas": sigmas(law, found) if exact else None}
    return answer


def sigmas(law: Law, found: Equation) -> float:
    """The root mean square of the coefficients' errors in units of their stated standard errors."""
    parts = [(t.coefficient - law[c][t.text]) / max(t.error, 1e-300) for c in law for t in found.law(c).terms]
    return float(np.sqrt(np.mean(np.square(parts))))


def rollout(found: Equation, clean: Recording) -> float | None:
    """The error of the last of AHEAD frames from the middle on; None where the equation diverges or frames have edges.

    In units of each channel's standard deviation, mean over channels.
    """
    if found.boundary != "periodic":
        return None
    frames = clean.frames - np.array(found.offsets)[:, None, None]
    begin = len(frames) // 2
    count = min(AHEAD, len(frames) - 1 - begin)
    spread = frames.std(axis=(0, 2, 3))
    predicted = solve(found, frames[begin], np.where(spread > 0, spread, 1.0), count)
    if predicted is None:
        return None
    error = np.sqrt(np.square(predicted[-1] - frames[begin + count]).mean(axis=(1, 2)))
    return float((error / spread).mean())


def wanted(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What is to be measured: the beginnings of rows."""
    names = options.only.split(",") if options.only else [*SYSTEMS, *CONTROLS, *OTHERS]
    for kind in options.sets.split(","):
        for seed in range(options.seeds):
            if kind in SPOILT:
                yield from ({"set": kind, "system": n, "seed": seed} for n in SPOILT[kind] if n in names)
            elif kind == "variations":
                yield from (
                    {"set": kind, "system": n, "variation": v, "seed": seed}
                    for n in SYSTEMS
                    for v in VARIATIONS
                    if n in names and (v != "walls" or n in WALLS)
                )
            else:
                yield from (
                    {"set": kind, "system": n, "frames": options.frames, "noise": level, "seed": seed}
                    for n in SYSTEMS
                    for level in map(float, options.noise.split(","))
                    if n in names
                )


@lru_cache(maxsize=1)
def _clean(name: str, frames: int, seed: int) -> Recording:
    return record(name, frames=frames, seed=seed)


def recordings_of(row: dict[str, Any]) -> tuple[Recording, Recording]:
    """A row's recording, and the same without noise."""
    name, seed = row["system"], row["seed"]
    if row["set"] in SPOILT:
        clean = SPOILT[row["set"]][name](seed)
    elif row["set"] == "variations":
        clean = VARIATIONS[row["variation"]](name, seed)
    else:
        clean = _clean(name, row["frames"], seed)
    noise = row.get("noise", 0.0)
    return (add_noise(clean, noise, seed) if noise else clean), clean


def measure(row: dict[str, Any], before: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """The row with what is missing."""
    row = before or row
    asked = not options.no_rival and row["set"] == "noise"
    if "ours" in row and not options.again and ("rival" in row or not asked):
        return row
    noisy, clean = recordings_of(row)
    law = PDES[row["system"]].law if row["system"] in SYSTEMS else None
    if "ours" not in row or options.again:
        row = row | {"ours": ours(noisy, clean, law)}
    if asked and "rival" not in row:
        row = row | {"rival": rival(row["system"], noisy)}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("outputs/equations"))
    parser.add_argument("--sets", default="noise,variations,controls")
    parser.add_argument("--only", default="")
    parser.add_argument("--noise", default=NOISES)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--no-rival", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if not options.no_rival and not options.table and importlib.util.find_spec("pysindy") is None:
        parser.error(MISSING)
    options.out.mkdir(parents=True, exist_ok=True)
    for row in () if options.table else wanted(options):
        file = options.out / ("-".join(str(v).replace(" ", "-") for v in row.values()) + ".json")
        before = json.loads(file.read_text()) if file.exists() else {}
        after = measure(row, before, options)
        if after != before:
            write_text(file, json.dumps(after, indent=1))
            answer = after["ours"]
            print(*row.values(), {k: answer.get(k) for k in ("verdict", "exact", "error", "rollout")}, flush=True)
    print(tables([json.loads(file.read_text()) for file in sorted(options.out.glob("*.json"))]))


if __name__ == "__main__":
    main()
