"""How far rules are from the equations that they simulate, on the systems of `pde_systems`.

    python benchmarks/equation_rules.py [--only lambda-omega,…]

The laws are the true ones, the start is a late frame of a recording of 64² cells. Off: root mean square difference from
an accurate solution over 8 frames, as a share of the change, with stencils of second order and as chosen. Long: the
largest value after 200 frames from noise, of any channel.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from benchmarks.pde_data import record
from benchmarks.pde_systems import PDES
from distill.weak.discretise import Discretised, discretise
from distill.weak.equation import ChannelLaw, Equation, FoundTerm
from equations.errors import DivergenceError
from equations.simulation import Simulator

FRAMES = 200


def true_equation(name: str) -> Equation:
    """The law of a system of PDES as `find_equation` would return it."""
    pde = PDES[name]
    assert pde.law is not None
    laws = tuple(
        ChannelLaw(c, tuple(FoundTerm(t, w, 0.0) for t, w in pde.law[c].items()), 0.0, 0.0, 0.0, "found")
        for c in pde.channels
    )
    none = (0.0,) * len(laws)
    return Equation(laws, none, pde.dt, pde.dx, "periodic", none, (4, 4, 4), "found")


def percent(found: Discretised | None) -> str:
    return "–" if found is None or found.error is None else f"{100 * found.error:.2g} %"


def largest(found: Discretised) -> str:
    try:
        state = Simulator(found.rule, size=64, seed=1).step(FRAMES * found.steps)
    except DivergenceError:
        return "diverged"
    return f"{float(np.abs(state).max()):.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(name for name, pde in PDES.items() if pde.law))
    print("| system | second order, off | chosen, off | by the step | steps a frame | auxiliary | seconds | long |")
    print("|---|---|---|---|---|---|---|---|")
    for name in parser.parse_args().only.split(","):
        equation, frames = true_equation(name), record(name).frames
        began = time.process_time()
        found = discretise(equation, frames)
        seconds = time.process_time() - began
        plain = discretise(equation, frames, sharp=False)
        if found is None:
            print(f"| {name} | {percent(plain)} | none | | | | {seconds:.1f} | |")
            continue
        held = ", ".join(found.rule.provenance["auxiliary"]) or "–"
        parts = [name, percent(plain), percent(found), f"{100 * found.step_error:.2g} %", str(found.steps), held]
        print("| " + " | ".join([*parts, f"{seconds:.1f}", largest(found)]) + " |", flush=True)


if __name__ == "__main__":
    main()
