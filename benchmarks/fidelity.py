"""How much of one step of an automaton does a library explain, if every term of it is used?

    python benchmarks/fidelity.py leaf.pt gravel.pt      # checkpoints of `srnca train`

Least squares over whole libraries, without selection: the most that any choice of their terms can reach, beside what
`--engine exact` writes. R² of one step on held-out rollouts, mean over channels (and the worst channel).
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
from sympy import Expr

from distill.library import Library, accumulate, full_library, linear_library
from distill.sampling import Samples, sample
from equations.numeric import compile_numpy
from equations.terms import split_terms
from srnca.checkpoint import load_checkpoint
from srnca.teacher import NCATeacher

ROWS = 20_000


def explained(library: Library, samples: Samples) -> str:
    sums = accumulate(library, samples.X, samples.Y)
    ridge = 1e-9 * np.diag(np.diag(sums.terms) + 1e-12)
    weights = np.linalg.solve(sums.terms + ridge, sums.moments)
    return r_squared(library.evaluate(samples.X_held) @ weights, samples)


def r_squared(updates: np.ndarray, samples: Samples) -> str:
    r2 = 1 - np.square(updates - samples.Y_held).mean(axis=0) / samples.Y_held.var(axis=0)
    return f"{r2.mean():.3f} ({r2.min():.2f})"


def terms_of(form: dict[str, Expr]) -> int:
    """Of one channel, the longest."""
    return max(len(split_terms(expr)) for expr in form.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("| automaton | 1, p, abs(p) | and products | and all products | written out |\n|---|---|---|---|---|")
    for path in args.checkpoints:
        teacher = NCATeacher(load_checkpoint(path))
        samples = sample(teacher, rows=ROWS, size=(64, 64), steps=400, seed=args.seed)
        names, channels = samples.names, [samples.names.index(name) for name in samples.channels]
        full = full_library(names, channels, samples.X)
        pairs = itertools.combinations_with_replacement(range(len(names)), 2)
        libraries = [
            linear_library(names, samples.X),
            full,
            Library(full.names, tuple(dict.fromkeys([*full.terms, *pairs]))),
        ]
        cells = [f"{explained(library, samples)}, {len(library.terms)} terms" for library in libraries]
        form = teacher.long_form() or teacher.closed_form() or {}
        written = compile_numpy(list(form.values()), names)(samples.X_held.T.astype(np.float64)).T
        print(
            f"| {path.stem} | {' | '.join(cells)} | {r_squared(written, samples)}, {terms_of(form)} terms |", flush=True
        )


if __name__ == "__main__":
    main()
