"""One channel's law: its terms by cross-validation, its constants rounded to what the data support."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from distill.fronts.select import pareto
from distill.identify.blocks import Blocks
from distill.identify.choose import Choice, choose, held_out_errors
from distill.regression.polish import FLOAT32, _shortest
from equations.expressions import build
from equations.expressions.terms import complexity, count_terms
from equations.rule.rule import Candidate

Array = npt.NDArray[np.float64]

FLOAT32_ROUNDINGS = 5  # constants are given no more precisely than this many roundings of float32
ROUNDING_SHARE = 0.3  # of its standard error: by how much rounding may change a constant
FIRST_MOST = 14  # terms searched at first; more only where these are not enough
NO_MISFIT = 1e-6  # share of the power: a smaller misfit leaves nothing to explain
NOISE_MISFIT = 0.2  # share of the error due to noise: the same
LEAST_INCLUSION = 0.02  # terms with a lower inclusion probability are not reported


@dataclass(frozen=True)
class Law:
    """What was found for one channel.

    expr: its update.
    candidate: the same with its loss, complexity and engine.
    front: candidates from no term to a few more than the law has.
    constants: term → (weight, standard error).
    inclusion: term → share of bootstrap draws that selected it; terms that the law lacks are listed too.
    r2: of du/dt on held-out blocks.
    misfit: squared error beyond noise and rounding, as a share of the power of du/dt.
    disturbance: squared error due to noise, as a share of that power.
    """

    expr: Expr
    candidate: Candidate
    front: tuple[Candidate, ...]
    constants: dict[str, tuple[float, float]]
    inclusion: dict[str, float]
    r2: float
    misfit: float
    disturbance: float

    @property
    def settled(self) -> bool:
        """Whether the misfit is so small that further terms have nothing to explain."""
        return self.misfit <= max(NO_MISFIT, NOISE_MISFIT * self.disturbance)


def find_law(
    blocks: Blocks,
    channel: int,
    origin: Sequence[str],
    order: Sequence[int],
    plain: Sequence[int],
    *,
    spread: float,
    most: int,
    seed: int,
    floor: float,
    outside_terms: Sequence[tuple[float, Expr]],
    scale: float,
) -> Law:
    """The law of one channel.

    origin: the engine that the term of each column of `blocks` comes from.
    order: degrees of the terms.
    plain: those that are tried first.
    spread: sum of squares of du/dt around its mean.
    most: number of terms at most.
    floor: squared error of a row that rounding explains.
    outside_terms: (factor, term) of each column in the recording's units, in which the law is given.
    scale: of du/dt in the recording's units over inner units.
    """
    factors = np.array([factor for factor, _ in outside_terms])
    terms = [term for _, term in outside_terms]
    choice = choose(blocks, channel, order, plain, most=min(most, FIRST_MOST), seed=seed, floor=floor)
    if len(choice.subset) >= FIRST_MOST - 1 and most > FIRST_MOST:
        choice = choose(blocks, channel, order, plain, most=most, seed=seed, floor=floor)
    errors = [float(e.sum()) for e in held_out_errors(blocks, channel, [choice.subset])]
    power = max(float(blocks.power[:, channel].sum()), 1e-300)
    ones = np.ones(len(blocks.rows))
    unit = blocks.fit(ones, channel, choice.subset)
    disturbance = float(blocks.disturbance(channel, choice.subset, unit).sum())
    rows = float(blocks.rows.sum())
    weights, spreads = (values * factors[list(choice.subset)] for values in (choice.weights, choice.spread))
    expr = _equation(choice.subset, weights, np.abs(spreads), terms)
    engine = _engine([origin[i] for i in choice.subset])
    loss = max(errors[-1] + disturbance, 0.0) / rows * scale**2
    candidate = Candidate(complexity(expr), loss, expr, engine, count_terms(expr))
    return Law(
        expr=expr,
        candidate=candidate,
        front=_front(blocks, channel, choice, terms, origin, candidate, floor, factors, scale),
        constants={
            str(terms[i]): (float(w), float(abs(e))) for i, w, e in zip(choice.subset, weights, spreads, strict=True)
        },
        inclusion={
            str(terms[i]): round(float(choice.inclusion[i]), 3)
            for i in np.argsort(-choice.inclusion, kind="stable")
            if choice.inclusion[i] > LEAST_INCLUSION
        },
        r2=1 - max(errors[-1] + disturbance, 0.0) / spread if spread > 0 else float(not choice.subset),
        misfit=max(errors[-1] - floor * rows, 0.0) / power,
        disturbance=max(disturbance, 0.0) / power,
    )


def _equation(subset: Sequence[int], weights: Array, errors: Array, bases: Sequence[Expr]) -> Expr:
    terms = []
    for i, weight, error in zip(subset, weights, errors, strict=True):
        rounded = _shortest(
            float(weight), max(ROUNDING_SHARE * float(error), FLOAT32_ROUNDINGS * FLOAT32 * abs(float(weight)))
        )
        if rounded:
            whole = rounded.is_integer() and abs(rounded) < 1e6
            terms.append(build.multiply(build.number(int(rounded) if whole else rounded), bases[i]))
    return build.add(*terms)


def _front(
    blocks: Blocks,
    channel: int,
    choice: Choice,
    bases: Sequence[Expr],
    origin: Sequence[str],
    chosen: Candidate,
    floor: float,
    factors: Array,
    scale: float,
) -> tuple[Candidate, ...]:
    """The path as a Pareto front: from no term to up to four more than the chosen equation has."""
    rows = float(blocks.rows.sum())
    ones = np.ones(len(blocks.rows))
    path = list(choice.path[: len(choice.subset) + 4])
    errors = held_out_errors(blocks, channel, path)
    power = float(blocks.power[:, channel].sum()) / rows * scale**2
    found = [Candidate(1, power, sympy.Integer(0), "sparse", 0)]
    for subset, error in zip(path, errors[1:], strict=True):
        unit = blocks.fit(ones, channel, subset)
        weights = unit / blocks.norm[list(subset)] * factors[list(subset)]
        expr = build.add(
            *(
                build.multiply(build.number(float(f"{w:.6g}")), bases[i])
                for i, w in zip(subset, weights, strict=True)
                if w
            )
        )
        loss = max(float(error.sum() + blocks.disturbance(channel, subset, unit).sum()), 0.0) / rows * scale**2
        found.append(Candidate(complexity(expr), loss, expr, _engine([origin[i] for i in subset]), count_terms(expr)))
    return pareto([chosen], found, floor=floor * scale**2)


def _engine(origins: Sequence[str]) -> str:
    """The engine a law is attributed to: that of its first term that is not from the library."""
    return next((name for name in origins if name != "sparse"), "sparse")
