"""One channel's law: candidates by cross-validated choice, with constants rounded to what the data say."""

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

SINGLE = 5  # times float32 rounding: what is recorded with float32 constants is no finer
CERTAIN = 0.3  # of a standard error: how much rounding a constant may move it
FIRST_MOST = 14  # terms; more are looked for only where these are not enough
NOTHING = 1e-6  # a misfit of this share is none
DOUBT = 0.2  # nor is one of this share of what noise leaves
UNLIKELY = 0.02  # inclusion below this is not worth a line


@dataclass(frozen=True)
class Law:
    """expr: the channel's update. constants: term → (weight, standard error); inclusion: term → share of bags that
    chose it, rejected ones included; r2 of du/dt on held-out blocks; misfit: what is left beyond noise and rounding,
    disturbance: noise, as shares of the power.
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
        """Whether nothing is left for further terms to explain."""
        return self.misfit <= max(NOTHING, DOUBT * self.disturbance)


def find_law(
    blocks: Blocks,
    channel: int,
    bases: Sequence[Expr],
    origin: Sequence[str],
    order: Sequence[int],
    plain: Sequence[int],
    *,
    spread: float,
    most: int,
    seed: int,
    floor: float,
    told: Sequence[tuple[float, Expr]] | None = None,
    scale: float = 1.0,
) -> Law:
    """bases: the terms behind the columns; origin: the engine that each is from; order: their degrees; plain: those to
    look at first. spread: the summed squares of du/dt around its mean. floor: squared error of a row that is rounding.

    told: for each of the bases (factor, term), as which they are told in the law; scale: of the told du/dt. The law's
    constants and losses are those of what is told.
    """
    factors = np.array([factor for factor, _ in told]) if told else np.ones(len(bases))
    terms = [term for _, term in told] if told else list(bases)
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
            if choice.inclusion[i] > UNLIKELY
        },
        r2=1 - max(errors[-1] + disturbance, 0.0) / spread if spread > 0 else float(not choice.subset),
        misfit=max(errors[-1] - floor * rows, 0.0) / power,
        disturbance=max(disturbance, 0.0) / power,
    )


def _equation(subset: Sequence[int], weights: Array, errors: Array, bases: Sequence[Expr]) -> Expr:
    terms = []
    for i, weight, error in zip(subset, weights, errors, strict=True):
        rounded = _shortest(float(weight), max(CERTAIN * float(error), SINGLE * FLOAT32 * abs(float(weight))))
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
    """The path as a front: from nothing to the chosen equation and a little beyond."""
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
    """Who found the least usual of the terms."""
    return next((name for name in origins if name != "sparse"), "sparse")
