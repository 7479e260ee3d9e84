"""Terms beyond the library, from the free-form engines.

The engines search point by point. Their terms are then selected and fitted like those of the library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from distill.engines import FitOptions
from distill.engines.session import open_engines
from distill.fronts.compete import fit_channel, term_finders
from distill.fronts.select import knee
from distill.regression.polish import basis_functions
from distill.run import Run
from distill.sampling import Samples
from distill.unfinished import Unfinished, pack_happenings, unpack_happenings
from equations.expressions import build
from equations.expressions.terms import complexity
from equations.expressions.tree import from_tree, to_tree
from equations.rule.rule import Candidate
from equations.rule.stencils import DX, DY, feature_name
from equations.rule.symbols import symbol

BEST = 4  # equations at the end of a front whose terms are taken
MOST_TERMS = 16  # terms found for one channel at most
CLEAR = 0.01  # a state has a reciprocal if it is never smaller than this share of its largest size
LONGEST = 24  # largest complexity of a term; longer ones fit noise

Found = Mapping[str, Mapping[Expr, str]]  # channel -> its new terms, each with the engine that found it


def search(
    run: Run,
    engines: tuple[str, ...],
    samples: Samples,
    known: Mapping[str, Candidate],
    evaluations: int,
    unfinished: Unfinished,
) -> dict[str, dict[Expr, str]]:
    """New terms for the channels in `known`, each with the engine that found it.

    known: channel → the library's law, from which the engines start.
    evaluations: number of expressions tried for each channel.
    unfinished: where finished channels are stored, to resume from.
    """
    found: dict[str, dict[Expr, str]] = {}
    before = unfinished.get("search")
    if before is not None:
        found, run.happenings = unpack(before), unpack_happenings(before, run.deadline)
    with open_engines(engines, run.happenings) as session:
        for number, (channel, candidate) in enumerate(known.items()):

            def report(stage: str, fraction: float, detail: str, number: int = number) -> None:
                run.progress("search", (number + fraction) / len(known), f"{stage}: {detail}")

            if channel in found:
                continue
            options = FitOptions(
                seed=run.seed,
                max_terms=run.max_terms,
                evaluations=evaluations,
                guesses=(*reciprocals(samples), *((candidate.expr,) if candidate.terms else ())),
                teacher=run.teacher,
                deadline=run.deadline,
            )
            index = samples.channels.index(channel)
            front = fit_channel(session, samples, index, options=options, progress=report)
            found[channel] = new_terms(front, float(samples.floor[index]))
            unfinished.put("search", pack(found) | pack_happenings(run.happenings, run.deadline))
    return found


def reciprocals(samples: Samples) -> tuple[Expr, ...]:
    """1/s of at most two states that stay away from zero: given these, engines find quotients as easily as products."""
    found = []
    for channel in samples.channels:
        size = np.abs(samples.X[:, samples.names.index(channel)])
        if size.min() > CLEAR * size.max():
            found.append(build.power(symbol(channel), sympy.Integer(-1)))
    return tuple(found[:2])


def new_terms(front: Sequence[Candidate], floor: float = 0.0) -> dict[Expr, str]:
    """Additive terms of the equations of a front, without constants, each with the engine that found it.

    First come those of the simplest equation that is about as good as the best, then those of the most accurate ones.
    """
    finders = term_finders(front)
    found: dict[Expr, str] = {}
    for candidate in [knee(front, floor=floor), *list(front)[::-1][:BEST]]:
        for basis in basis_functions(candidate.expr):
            if basis.free_symbols and complexity(basis) <= LONGEST:
                found.setdefault(basis, finders[basis])
    return dict(list(found.items())[:MOST_TERMS])


def without_slopes(samples: Samples, channels: Sequence[str], laws: Sequence[Expr]) -> Samples:
    """The samples without slopes, unless one of `laws` uses a slope: search is better with fewer features."""
    used = {str(s) for law in laws for s in law.free_symbols}
    slopes = {feature_name(channel, stencil.name) for channel in channels for stencil in (DX, DY)}
    if used & slopes:
        return samples
    kept = [i for i, name in enumerate(samples.names) if name not in slopes]
    names = tuple(samples.names[i] for i in kept)
    return replace(samples, X=samples.X[:, kept], X_held=samples.X_held[:, kept], names=names)


def pack(found: Found) -> dict[str, npt.NDArray[np.str_]]:
    """As an array, for a file."""
    rows = {channel: [[to_tree(e), engine] for e, engine in terms.items()] for channel, terms in found.items()}
    return {"found": np.array(json.dumps(rows))}


def unpack(arrays: Mapping[str, npt.NDArray[np.str_]]) -> dict[str, dict[Expr, str]]:
    """The inverse of `pack`; empty for a file of an older version, which does not name the engines."""
    rows = json.loads(str(arrays["found"])) if "found" in arrays else {}
    return {channel: {from_tree(tree): str(engine) for tree, engine in terms} for channel, terms in rows.items()}
