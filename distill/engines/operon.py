"""`operon`: free-form search by genetic programming (pyoperon), in rounds; constants are refitted in float64.

Burlacu, Kronberger & Kommenda (2020), Operon C++, GECCO Companion. Three things differ from
the defaults of its estimator. The fitting of coefficients is switched on. Columns are scaled to unit standard
deviation, because it computes in float32. A run is bounded by evaluations and never by time, because a time limit would
make results depend on the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sympy import Expr

from distill.engines.base import FitOptions, Progress, silent
from distill.engines.operon_trees import to_sympy
from distill.engines.seeds import screen
from distill.engines.sparse import linear_front, still
from distill.fronts.select import pareto
from distill.regression.polish import polish
from distill.sampling import Samples
from equations.errors import MissingPartError
from equations.expressions import build
from equations.expressions.numeric import compile_numpy
from equations.rule.rule import Candidate
from equations.rule.symbols import symbol

# Rounds use these in turn: most laws are polynomials, NCAs have kinks, a few laws have quotients.
SYMBOLS = ("add,sub,mul", "add,sub,mul,abs", "add,sub,mul,div,abs")
QUOTIENTS = "add,sub,mul,div"  # with functions: by themselves in one round, then with one function in each
ROWS = 2000  # enough for the search; constants are refitted on all rows
FEATURES = 12  # with more inputs the search finds little
GUESSES = 3  # at most this many guesses become further inputs of a round
POPULATION = 1000
ROUND = 100_000  # at most this many evaluations (of values and of gradients) in a round: 4 to 8 s on one core


class OperonEngine:
    """NSGA-II on error and length. Every round starts with a new population; guesses are further inputs."""

    name = "operon"

    def fit(
        self, samples: Samples, channel: int, *, options: FitOptions, progress: Progress = silent
    ) -> list[Candidate]:
        """The front after `evaluations`, divided evenly among the rounds, or as soon as an equation is exact.

        A deadline ends it between two rounds.
        """
        floor = float(samples.floor[channel])
        front: tuple[Candidate, ...] = (still(samples, channel, self.name),)
        search = _Search(samples, channel, options)
        shares = _shares(options.evaluations, len(search.symbols) if options.functions else 1) if search.alive else []
        name = samples.channels[channel]
        for number, evaluations in enumerate(shares):
            if number and options.deadline is not None and options.deadline.passed:
                options.deadline.leave_out(f"operon: {len(shares) - number} of {len(shares)} rounds for {name}")
                break
            progress("operon", number / len(shares), f"{name}: best loss {front[-1].loss:.3g}")
            found = search.round(number, options.guesses, evaluations)
            known = pareto(options.rivals, front)
            polished = polish(found, samples, channel, engine=self.name, max_terms=options.max_terms, rivals=known)
            front = pareto(front, polished, floor=floor)
            if front[-1].loss <= floor:
                break
        progress("operon", 1.0, f"{name}: {len(front)} equations")
        return list(front)


ENGINE = OperonEngine()


def _shares(evaluations: int, least: int) -> list[int]:
    """The evaluations of each round: as few rounds as `ROUND` and `least` allow, all of about the same size."""
    rounds = max(least, -(-evaluations // ROUND))
    each, rest = divmod(max(1, evaluations), rounds)
    return [each + (number < rest) for number in range(rounds)]


class _Search:
    """One channel's data; `round` scales columns and target to unit standard deviation for Operon.

    alive: whether there is anything to search; False for constant data.
    """

    def __init__(self, samples: Samples, channel: int, options: FitOptions) -> None:
        self.seed, self.length = options.seed, min(60, 10 + 2 * options.max_terms)
        self.symbols = (QUOTIENTS, *(f"{QUOTIENTS},{f}" for f in options.functions)) if options.functions else SYMBOLS
        self.names = samples.names
        self.few = samples.subset(ROWS, options.seed)
        self.used = [i for i in _screened(samples, channel, options.guesses) if self.few.X[:, i].std() > 0]
        self.y = self.few.Y[:, channel]
        self.alive = bool(self.used) and bool(self.y.std() > 0)

    def round(self, number: int, guesses: Sequence[Expr], evaluations: int) -> list[Expr]:
        """The expressions on the front of one run, in the samples' units; their constants are refitted later.

        A guess is one more column, which the search can use as a whole; polishing multiplies it out. (Guesses cannot be
        put into the first population: the warm start that this needs crashes pyoperon 0.6.2.)
        """
        meanings = [symbol(self.names[i]) for i in self.used]
        columns = [self.few.X[:, i] for i in self.used]
        for guess in _spread(guesses, GUESSES):
            value = compile_numpy([guess], self.names)(self.few.X.T)[0]
            if np.isfinite(value).all() and value.std() > 0:
                meanings.append(guess)
                columns.append(value)
        scales = [float(column.std()) for column in columns]
        seed = (self.seed * 1009 + number) % 2**31
        regressor = _regressor(seed, self.symbols[number % len(self.symbols)], self.length, evaluations)
        regressor.fit(np.stack([c / s for c, s in zip(columns, scales, strict=True)], axis=1), self.y / self.y.std())
        symbols = {
            variable: build.multiply(build.number(1 / scale), meaning)
            for variable, meaning, scale in zip(regressor.variables_, meanings, scales, strict=True)
        }
        found = (to_sympy(entry["tree"], symbols) for entry in regressor.pareto_front_)
        return [expr for expr in found if expr is not None]


def _spread(guesses: Sequence[Expr], most: int) -> list[Expr]:
    """At most `most` different guesses that are more than a constant, evenly spaced in the order given."""
    real = list(dict.fromkeys(guess for guess in guesses if guess.free_symbols and not guess.is_Symbol))
    if len(real) <= most:
        return real
    return [real[round(i * (len(real) - 1) / (most - 1))] for i in range(most)]


def _regressor(seed: int, operators: str, length: int, evaluations: int) -> Any:
    try:
        from pyoperon.sklearn import SymbolicRegressor
    except ImportError as error:
        raise MissingPartError(
            "engine operon: pyoperon is not installed; there are wheels for Linux x86-64 and macOS arm64; "
            "elsewhere use engine sparse"
        ) from error
    return SymbolicRegressor(
        allowed_symbols=f"{operators},constant,variable",
        objectives=["mse", "length"],
        optimizer_iterations=3,
        population_size=POPULATION,
        max_length=length,
        max_evaluations=evaluations,
        generations=100_000,
        n_threads=1,
        random_state=seed,
        epsilon=1e-6,
    )


def _screened(samples: Samples, channel: int, guesses: Sequence[Expr]) -> list[int]:
    """At most 12 features: those that a linear path takes first, then those of the guesses."""
    if len(samples.names) <= FEATURES:
        return list(range(len(samples.names)))
    path = [c.expr for c in linear_front(samples, channel, FEATURES)]
    return screen(samples, [*path, *guesses], FEATURES)
