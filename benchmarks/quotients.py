"""Rational kinetics found in recordings of known systems, the QUOTIENTS of `pde_systems`.

    python benchmarks/quotients.py [--noise 0,0.01,0.05] [--seeds 1]

Recordings are those of `pde_data`: 61 frames of 64² cells, noise in shares of each channel's standard deviation. Error:
the largest relative error of a coefficient or a half-saturation, where every channel has exactly the law's terms.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.pde_data import add_noise, record
from benchmarks.pde_systems import HALVES, QUOTIENTS
from distill import Equation, find_equation


def error_of(equation: Equation, name: str) -> float | None:
    """The largest relative error; None where the terms are not those of the law."""
    law, errors = QUOTIENTS[name].law, []
    assert law is not None
    for channel, terms in law.items():
        found = {}
        for term in equation.law(channel).terms:
            text = term.text
            if term.saturation is not None:
                text = f"{text.partition('+ ')[0]}+ …)"
                errors.append(abs(term.saturation.half / HALVES[name] - 1))
            found[text] = term.coefficient
        if set(found) != set(terms):
            return None
        errors += [abs(found[text] / w - 1) for text, w in terms.items()]
    return max(errors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noise", default="0,0.01,0.05")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    print("| system | noise | seed | error | verdict | seconds |\n|---|---|---|---|---|---|")
    for name in QUOTIENTS:
        for seed in range(options.seeds):
            clean = record(name, seed=seed)
            for level in map(float, options.noise.split(",")):
                noisy = add_noise(clean, level, seed) if level else clean
                began = time.process_time()
                found = find_equation(noisy.frames, noisy.channels, noisy.dt, noisy.dx)
                seconds = time.process_time() - began
                error = error_of(found, name)
                text = "other terms" if error is None else f"{100 * error:.2g} %"
                print(f"| {name} | {100 * level:g} % | {seed} | {text} | {found.verdict} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
