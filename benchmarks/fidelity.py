"""How much of one step of an automaton does a library explain, if every term of it is used?

    python benchmarks/fidelity.py leaf.pt gravel.pt      # checkpoints of `srnca train`

Least squares over whole libraries, without selection: an upper bound for any choice of their terms. Beside it the
result of `--engine exact`. R² of one step on held-out rollouts, mean over channels (and the worst channel).
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from distill.engines.exact import form_of
from distill.engines.sparse import fit_bases
from distill.fidelity import held_out, r2
from distill.regression.library import Library, full_library, linear_library
from distill.sampling import Samples, sample
from distill.teacher import compose
from equations.rule.rule import Rule
from srnca.texture.checkpoint import load_checkpoint
from srnca.texture.teacher import NCATeacher

ROWS = 20_000
RIDGE = 1e-9  # of each term's power: enough to solve, too little to shrink


def libraries(samples: Samples) -> list[Library]:
    """Three libraries: {1, p, |p|}; that of the engine `sparse`; and one with every product of two features."""
    channels = [samples.names.index(name) for name in samples.channels]
    full = full_library(samples.names, channels, samples.X)
    pairs = itertools.combinations_with_replacement(range(len(samples.names)), 2)
    every = Library(full.names, tuple(dict.fromkeys([*full.terms, *pairs])))
    return [linear_library(samples.names, samples.X), full, every]


def cell(rule: Rule, samples: Samples) -> str:
    scores = r2(rule, *held_out(samples, rule)).values()
    return f"{statistics.mean(scores):.3f} ({min(scores):.2f}), {max(rule.terms().values())} terms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("| automaton | 1, p, abs(p) | and products | and all products | written out |\n|---|---|---|---|---|")
    for path in args.checkpoints:
        teacher = NCATeacher(load_checkpoint(path))
        samples = sample(teacher, rows=ROWS, size=(64, 64), steps=400, seed=args.seed)
        forms = []
        for library in libraries(samples):
            bases = [library.expr(index) for index in range(len(library.terms))]
            forms.append(dict(zip(samples.channels, fit_bases(bases, samples, ridge=RIDGE), strict=True)))
        cells = [cell(compose(teacher, form), samples) for form in [*forms, form_of(teacher)]]
        print(f"| {path.stem} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
