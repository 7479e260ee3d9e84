"""Rational kinetics found in recordings of known systems, the QUOTIENTS of `pde_systems`.

    python benchmarks/quotients.py [--noise 0,0.01,0.05] [--seeds 1]

Recordings are those of `pde_data`: 61 frames of 64² cells, noise in shares of each channel's standard deviation. Error:
the largest relative error of a coefficient or a half-saturation, where every channel has exactly the law's terms.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.pde_data import Law, add_noise, record
from benchmarks.pde_systems import HALVES, QUOTIENTS
from distill import Equation, find_equation

NUMBER = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?")  # not an exponent, which is a whole number

NOTHING = 1e-3  # of a coefficient: what may be left where two cancel


def largest_error(equation: Equation, law: Law, inside: dict[str, tuple[float, ...]]) -> float | None:
    """The largest relative error of a coefficient or a number inside; None where the terms are not those of the law.

    law: numbers inside its terms are written as …. inside: for such a term its numbers.
    """
    errors = []
    for channel, terms in law.items():
        found = {}
        for term in equation.law(channel).terms:
            if term.saturation is None:
                numbers, text = [x for x, _ in term.numbers], NUMBER.sub("…", term.text)
            else:
                numbers, text = [term.saturation.half], f"{term.text.partition('+ ')[0]}+ …)"
            found[text] = term.coefficient
            errors += [abs(x / true - 1) for x, true in zip(numbers, inside.get(text, ()), strict=False)]
        for name in "uv":  # u v/(u + v) = u - u²/(u + v), and the same for v
            if "u*v/(u + v)" in terms and f"{name}**2/(u + v)" in found:
                part = found.pop(f"{name}**2/(u + v)")
                found["u*v/(u + v)"] = -part
                found[name] = found.get(name, 0.0) + part
                if name not in terms and abs(found[name]) < NOTHING * abs(part):
                    del found[name]
        if set(found) != set(terms):
            return None
        errors += [abs(found[text] / w - 1) for text, w in terms.items()]
    return max(errors)


def error_of(equation: Equation, name: str) -> float | None:
    """`largest_error` for one of QUOTIENTS."""
    law = QUOTIENTS[name].law
    assert law is not None
    inside = {text: (HALVES[name],) for terms in law.values() for text in terms if "…" in text}
    return largest_error(equation, law, inside)


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
