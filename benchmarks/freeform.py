"""Reactions that no library has, found in recordings of known systems, the FREEFORMS of `pde_freeforms`.

    python benchmarks/freeform.py [--engine operon] [--noise 0,0.01,0.05] [--size 64] [--frames 61] [--only NAME,…]
    [--kind freeforms|polynomials|controls]

Noise in shares of each channel's standard deviation. Error: the largest relative error of a coefficient or of a number
inside a form, where every channel has exactly the law's terms. Rollout: as in `equations.py`, how wrong the equation is
from the middle of the recording without noise. Free: the free forms in the equation. --kind polynomials has the systems
of `pde_systems` in their place, controls the recordings that no law of the library made, at their own size.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.equations import SYSTEMS, rollout
from benchmarks.pde_controls import CONTROLS
from benchmarks.pde_data import Recording, add_noise, record
from benchmarks.pde_freeforms import FREEFORMS, INSIDE
from benchmarks.pde_systems import PDES
from benchmarks.quotients import largest_error
from distill import find_equation
from equations.errors import InputError

KINDS = {"freeforms": tuple(FREEFORMS), "polynomials": SYSTEMS, "controls": tuple(CONTROLS)}


def row(name: str, clean: Recording, level: float, engine: str) -> str:
    """A row of the table."""
    noisy = add_noise(clean, level) if level else clean
    began = time.process_time()
    try:
        found = find_equation(noisy.frames, noisy.channels, noisy.dt, noisy.dx, engine=engine)
    except InputError:
        return f"| {name} | {100 * level:g} % | – | – | – | refused | {time.process_time() - began:.1f} |"
    seconds = time.process_time() - began
    law = None if name in CONTROLS else (PDES | FREEFORMS)[name].law
    error = None if law is None else largest_error(found, law, INSIDE.get(name, {}))
    right = "–" if law is None else "other terms" if error is None else f"{100 * error:.2g} %"
    ahead = rollout(found, clean)
    forms = ", ".join(term.text for one in found.laws for term in one.terms if term.free is not None)
    off = "–" if ahead is None else f"{100 * ahead:.2g} %"
    return f"| {name} | {100 * level:g} % | {right} | {off} | {forms or '–'} | {found.verdict} | {seconds:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="operon")
    parser.add_argument("--noise", default="0,0.01,0.05")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--frames", type=int, default=61)
    parser.add_argument("--kind", choices=KINDS, default="freeforms")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print("| system | noise | error | rollout | free | verdict | seconds |\n|---|---|---|---|---|---|---|")
    for name in options.only.split(",") if options.only else KINDS[options.kind]:
        clean = CONTROLS[name](0) if name in CONTROLS else record(name, size=options.size, frames=options.frames)
        for level in map(float, options.noise.split(",")):
            print(row(name, clean, level, options.engine), flush=True)


if __name__ == "__main__":
    main()
