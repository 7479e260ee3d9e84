"""`sparse`: each channel's update as a weighted sum of few terms from a library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import sympy
from sympy import Expr

from distill.engines.base import FitOptions, Progress, silent
from distill.fronts.select import pareto
from distill.regression.greedy import Problem, sparsity_path
from distill.regression.library import CHUNK, Gram, Library, accumulate, full_library, linear_library, screen
from distill.regression.polish import MAX_BASES, Design, basis_functions, design
from distill.sampling import Samples
from equations.expressions.numeric import compile_numpy
from equations.expressions.terms import complexity, join_terms
from equations.rule.rule import Candidate

MAX_LIBRARY = 400
GUESS_COMPLEXITY = 30  # largest complexity of a guessed term; longer ones are usually fitted to noise


class SparseEngine:
    """Greedy sparsity path on a Gram matrix, refitted in float64: any teacher, seconds for all channels."""

    name = "sparse"

    def fit(
        self, samples: Samples, channel: int, *, options: FitOptions, progress: Progress = silent
    ) -> list[Candidate]:
        """The path 1, 2, … max_terms terms of {1, p, |p|, p², s·p, |s|·p, …}; see `library.full_library`.

        The terms of the guesses are offered in addition to those that the path chose from the library.
        """
        progress("sparse", 0.0, f"{samples.channels[channel]}: library")
        library, gram = _prepared(samples)
        front = path_front(library, gram, samples, channel, options.max_terms, self.name)
        if options.guesses:
            front = _with_guesses(front, samples, channel, options)
        progress("sparse", 1.0, f"{samples.channels[channel]}: {len(front)} equations")
        return front


ENGINE = SparseEngine()


def path_front(library: Library, gram: Gram, samples: Samples, channel: int, most: int, engine: str) -> list[Candidate]:
    """The Pareto front of one channel's sparsity path over `library`."""
    order = [len(term) for term in library.terms]
    problem = Problem(gram.terms, gram.moments[:, channel], gram.power[channel], order)
    subsets = sparsity_path(problem, most)
    if not subsets:
        return [still(samples, channel, engine)]
    used = sorted({i for subset in subsets for i in subset})
    place = {i: k for k, i in enumerate(used)}
    small = library.take(used)
    work = Design(
        [small.expr(k) for k in range(len(used))],
        small.evaluate(samples.X),
        samples.Y[:, channel],
        small.evaluate(samples.X_held),
        samples.Y_held[:, channel],
    )
    better = _improving([[place[i] for i in s] for s in subsets], work)
    found = [still(samples, channel, engine), *work.candidates(better, engine)]
    return list(pareto(found, floor=float(samples.floor[channel])))


def _improving(subsets: list[list[int]], work: Design) -> list[list[int]]:
    """The subsets whose held-out loss is below that of all smaller ones; it spares building the other expressions."""
    kept: list[list[int]] = []
    least = np.inf
    losses = [work.held_loss(subset, work.weights(subset)) for subset in subsets]
    for loss, subset in sorted(zip(losses, subsets, strict=True), key=lambda pair: (len(pair[1]), pair[0])):
        if loss < least:
            kept.append(subset)
            least = loss
    return kept


def linear_front(samples: Samples, channel: int, most: int) -> list[Candidate]:
    """The same path over {1, p, |p|} only."""
    library, gram = _linear(samples)
    return path_front(library, gram, samples, channel, most, "sparse")


def linear_bases(samples: Samples) -> list[Expr]:
    """{1, p, |p|}, without the absolute values of features that never change sign."""
    library = linear_library(samples.names, samples.X)
    return [library.expr(k) for k in range(len(library.terms))]


def fit_bases(
    bases: Sequence[Expr], samples: Samples, *, used: Sequence[Sequence[int]] | None = None, ridge: float = 1e-6
) -> list[Expr]:
    """One expression per channel, by least squares.

    used: for each channel the indices of its bases; all of them if None.
    ridge: ridge penalty of each term, relative to its power.
    """
    run = compile_numpy(list(bases), samples.names)
    gram, moments = np.zeros((len(bases), len(bases))), np.zeros((len(bases), len(samples.channels)))
    for start in range(0, len(samples.X), CHUNK):
        values = run(samples.X[start : start + CHUNK].T)
        gram += values @ values.T
        moments += values @ samples.Y[start : start + CHUNK]
    gram += ridge * np.diag(np.diag(gram) + 1e-12)
    fitted = []
    for channel in range(len(samples.channels)):
        own = np.arange(len(bases)) if used is None else np.array(used[channel])
        weights = np.linalg.solve(gram[np.ix_(own, own)], moments[own, channel])
        fitted.append(join_terms([(float(w), bases[i]) for w, i in zip(weights, own, strict=True)]))
    return fitted


def still(samples: Samples, channel: int, engine: str) -> Candidate:
    """The equation 0: the simplest candidate of every channel."""
    return Candidate(1, float(np.square(samples.Y_held[:, channel]).mean()), sympy.Integer(0), engine, 0)


def _with_guesses(front: list[Candidate], samples: Samples, channel: int, options: FitOptions) -> list[Candidate]:
    """The front joined with the sparsity path over its own terms and those of the guesses."""
    bases: dict[Expr, None] = {}
    for expr in [front[-1].expr, *reversed(options.guesses)]:
        bases |= dict.fromkeys(b for b in basis_functions(expr) if complexity(b) <= GUESS_COMPLEXITY)
    work = design(list(bases)[:MAX_BASES], samples, channel)
    found = work.candidates(sparsity_path(work.problem(), options.max_terms), "sparse", front)
    return list(pareto(front, found, floor=float(samples.floor[channel])))


@lru_cache(maxsize=2)  # one Gram matrix serves all channels; samples compare by identity
def _prepared(samples: Samples) -> tuple[Library, Gram]:
    states = [samples.names.index(channel) for channel in samples.channels if channel in samples.names]
    library = full_library(samples.names, states, samples.X)
    protected = len(linear_library(samples.names, samples.X).terms)
    library = screen(library, samples.X, samples.Y, limit=max(MAX_LIBRARY, protected), protected=protected)
    return library, accumulate(library, samples.X, samples.Y)


@lru_cache(maxsize=2)
def _linear(samples: Samples) -> tuple[Library, Gram]:
    library = linear_library(samples.names, samples.X)
    return library, accumulate(library, samples.X, samples.Y)
