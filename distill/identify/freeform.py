"""Terms that no library has, from the free-form engines: they search point by point, and what they find is judged like
all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from distill.compete import fit_channel
from distill.engines import FitOptions
from distill.polish import basis_functions
from distill.run import Run
from distill.sampling import Samples
from equations import build
from equations.rule import Candidate
from equations.stencils import DX, DY, feature_name
from equations.symbols import symbol
from equations.terms import complexity
from equations.tree import from_tree, to_tree

BEST = 4  # equations of a front whose terms are taken
MOST_TERMS = 16  # found terms a channel
CLEAR = 0.01  # of its largest size: a state that is never smaller has a reciprocal
LONGEST = 24  # complexity of one term; longer ones are fitted to noise

Found = Mapping[str, tuple[Expr, ...]]


def search(
    run: Run, engines: tuple[str, ...], samples: Samples, known: Mapping[str, Candidate], evaluations: int
) -> dict[str, tuple[Expr, ...]]:
    """New terms for the channels in `known` (what the library says of them, which the engines are seeded with)."""
    found = {}
    for number, (channel, candidate) in enumerate(known.items()):
        guesses = (*reciprocals(samples), *((candidate.expr,) if candidate.terms else ()))
        options = FitOptions(
            seed=run.seed, max_terms=run.max_terms, evaluations=evaluations, guesses=guesses, teacher=run.teacher
        )

        def heard(stage: str, fraction: float, detail: str, number: int = number) -> None:
            run.progress("search", (number + fraction) / len(known), f"{stage}: {detail}")

        front = fit_channel(engines, samples, samples.channels.index(channel), options=options, progress=heard)
        found[channel] = new_terms([c.expr for c in front])
    return found


def reciprocals(samples: Samples) -> tuple[Expr, ...]:
    """1/s for the states that stay clear of zero: with these as inputs, quotients are no harder to find than
    products.
    """
    found = []
    for channel in samples.channels:
        size = np.abs(samples.X[:, samples.names.index(channel)])
        if size.min() > CLEAR * size.max():
            found.append(build.power(symbol(channel), sympy.Integer(-1)))
    return tuple(found[:2])


def new_terms(front: Sequence[Expr]) -> tuple[Expr, ...]:
    """The additive terms of the last equations of a front, the best equation's first."""
    found: dict[Expr, None] = {}
    for expr in list(front)[::-1][:BEST]:
        for basis in basis_functions(expr):
            if basis.free_symbols and complexity(basis) <= LONGEST:
                found.setdefault(basis)
    return tuple(found)[:MOST_TERMS]


def without_slopes(samples: Samples, channels: Sequence[str], laws: Sequence[Expr]) -> Samples:
    """The samples without the slopes, unless the library's laws use one: fewer features, a better search."""
    used = {str(s) for law in laws for s in law.free_symbols}
    slopes = {feature_name(channel, stencil.name) for channel in channels for stencil in (DX, DY)}
    if used & slopes:
        return samples
    kept = [i for i, name in enumerate(samples.names) if name not in slopes]
    names = tuple(samples.names[i] for i in kept)
    return replace(samples, X=samples.X[:, kept], X_held=samples.X_held[:, kept], names=names)


def pack(found: Found) -> dict[str, npt.NDArray[np.str_]]:
    """As an array, for a file."""
    return {"terms": np.array(json.dumps({channel: [to_tree(e) for e in terms] for channel, terms in found.items()}))}


def unpack(arrays: Mapping[str, npt.NDArray[np.str_]]) -> dict[str, tuple[Expr, ...]]:
    return {channel: tuple(from_tree(t) for t in trees) for channel, trees in json.loads(str(arrays["terms"])).items()}
