"""From a set of basis functions to equations: float64 least squares, elimination, rounding of constants.

Columns are first compressed to a small triangle (QR), which keeps full float64 accuracy. Normal equations would lose
half of the digits, and an exact law would look like a nearly exact one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from distill.regression.greedy import Problem
from distill.sampling import Samples
from equations.errors import InputError
from equations.expressions import build
from equations.expressions.numeric import compile_numpy
from equations.expressions.terms import complexity, count_terms, split_terms
from equations.rule.rule import Candidate

Array = npt.NDArray[np.float64]

FLOAT32 = 1e-7  # relative rounding of a float32 teacher's own constants
NOTHING = 1e-8  # a term that contributes less than this share of the target counts as zero
INDEPENDENT = 1e-6  # least share of a column orthogonal to the others; its square must not vanish in the Gram matrix
BIGGEST = 1e15  # basis values beyond this are not regressed on
MAX_BASES = 120
PRUNED = 2  # this many of the best equations are also pruned


class Design:
    """Basis functions of one channel's samples, compressed; columns have unit norm on the training rows.

    `train` and `held` are upper triangles (k+1, k+1) whose last column is the target, so that a subset's
    squared error is a tiny least-squares problem.
    """

    def __init__(self, bases: Sequence[Expr], values: Array, y: Array, held_values: Array, held_y: Array) -> None:
        usable = np.isfinite(held_values).all(axis=0) & (np.abs(values).max(axis=0, initial=0) < BIGGEST)
        norm = np.linalg.norm(np.where(usable, values, 0.0), axis=0)
        keep = [int(i) for i in np.flatnonzero(usable & (norm > 0))]
        self.bases = [bases[i] for i in keep]
        self.norm = norm[keep]
        self.rows, self.held_rows = len(y), len(held_y)
        self.train = _triangle(values[:, keep] / self.norm, y)
        self.held = _triangle(held_values[:, keep] / self.norm, held_y)

    @cached_property
    def whole(self) -> tuple[int, ...]:
        """The columns that are not combinations of earlier ones."""
        kept: list[int] = []
        basis = np.zeros((len(self.train), 0))
        for i in range(len(self.bases)):
            column = self.train[:, i] - basis @ (basis.T @ self.train[:, i])
            column -= basis @ (basis.T @ column)
            norm = float(np.linalg.norm(column))
            if norm > INDEPENDENT:
                kept.append(i)
                basis = np.column_stack([basis, column / norm])
        return tuple(kept)

    @cached_property
    def costs(self) -> list[int]:
        """The complexity of each basis."""
        return [complexity(basis) for basis in self.bases]

    def weights(self, subset: Sequence[int]) -> Array:
        """Least-squares weights of the unit-norm columns in `subset`."""
        s = list(subset)
        return np.asarray(np.linalg.lstsq(self.train[:, s], self.train[:, -1], rcond=1e-12)[0], np.float64)

    def error(self, subset: Sequence[int], weights: Array) -> float:
        """Training squared error, summed over rows."""
        return float(np.square(self.train[:, list(subset)] @ weights - self.train[:, -1]).sum())

    def held_loss(self, subset: Sequence[int], weights: Array) -> float:
        """Held-out mean squared error."""
        return float(np.square(self.held[:, list(subset)] @ weights - self.held[:, -1]).sum()) / self.held_rows

    def candidates(
        self, subsets: Sequence[Sequence[int]], engine: str, rivals: Sequence[Candidate] = ()
    ) -> list[Candidate]:
        """The refitted, rounded equations of these subsets.

        Left out are those that are no better than a rival or an earlier one, and those that exceed a rule's limits
        when multiplied out.
        """
        found: list[Candidate] = []
        for subset in subsets:
            with contextlib.suppress(InputError):
                candidate = self._candidate(subset, engine, [*rivals, *found])
                found += [] if candidate is None else [candidate]
        return found

    def _candidate(self, subset: Sequence[int], engine: str, rivals: Sequence[Candidate]) -> Candidate | None:
        """None where a rival is as good and as short; that is checked first because building an expression is slow."""
        constants = self.round(subset, self.weights(subset))
        loss = self.held_loss(subset, constants * self.norm[list(subset)])
        kept = [(float(c), i) for i, c in zip(subset, constants, strict=True) if c != 0]
        factors = [c for c, i in kept if c != 1 and self.bases[i] is not sympy.S.One]
        numbers = sum(1 if c == -1 else 2 for c in factors)  # a sign, or a number and what multiplies it
        least = sum(self.costs[i] for _, i in kept) + len(kept) - 1 + numbers
        if any(rival.complexity <= least and rival.loss <= loss for rival in rivals):
            return None
        expr = build.add(*(build.multiply(_number(c), self.bases[i]) for c, i in kept))
        return Candidate(complexity(expr), loss, expr, engine, count_terms(expr))

    def round(self, subset: Sequence[int], weights: Array) -> Array:
        """The constants (of the bases themselves) with the fewest digits that lie within one standard error.

        Rounding is never finer than float32. Where rounding all constants together raises the error by more than 1 %,
        it is made ten times finer.
        """
        s = list(subset)
        error = self.error(s, weights)
        freedom = max(1, self.rows - len(s))
        spread = np.sqrt(error / freedom * np.diag(np.linalg.pinv(self.train[:, s].T @ self.train[:, s])))
        power = float(np.square(self.train[:, -1]).sum())
        for finer in (1.0, 0.1, 0.01):
            least = np.maximum(FLOAT32 * np.abs(weights), NOTHING * np.sqrt(power))
            slack = np.maximum(spread, least) * finer
            pairs = zip(weights / self.norm[s], slack / self.norm[s], strict=True)
            rounded = np.array([_shortest(constant, room) for constant, room in pairs])
            if self.error(s, rounded * self.norm[s]) <= 1.01 * error + 1e-14 * power:
                return rounded
        return weights / self.norm[s]

    def problem(self) -> Problem:
        """The same regression for subset selection."""
        gram = self.train.T @ self.train
        return Problem(gram[:-1, :-1], gram[:-1, -1], gram[-1, -1])


def design(bases: Sequence[Expr], samples: Samples, channel: int) -> Design:
    """Evaluate SymPy basis functions on the samples. There should be ten rows or more for each basis."""
    run = compile_numpy(list(bases), samples.names)
    return Design(bases, run(samples.X.T).T, samples.Y[:, channel], run(samples.X_held.T).T, samples.Y_held[:, channel])


def basis_functions(expr: Expr) -> list[Expr]:
    """The additive basis functions of `expr`, multiplied out unless that makes more than 120 of them."""
    bases = [basis for _, basis in split_terms(expr)]
    if len(bases) <= MAX_BASES:
        return bases
    return [arg.as_coeff_Mul()[1] for arg in expr.args] if expr.is_Add else [expr]


def polish(
    found: Sequence[Expr],
    samples: Samples,
    channel: int,
    *,
    engine: str,
    max_terms: int,
    rivals: Sequence[Candidate] = (),
) -> list[Candidate]:
    """The expressions with their linear constants refitted, and the smaller equations from dropping terms of the best
    two.

    Returns candidates of 1 to `max_terms` terms, unsorted, without those that are no better than one of the `rivals` or
    of themselves. Expressions without a finite value on the samples, and those that exceed a rule's limits when
    multiplied out, are left out.
    """
    works: list[Design] = []
    for expr in found:
        with contextlib.suppress(InputError):
            works.append(design(basis_functions(expr), samples, channel))
    works = [work for work in works if work.whole]
    works.sort(key=lambda work: work.held_loss(work.whole, work.weights(work.whole)))
    kept: list[Candidate] = []
    for place, work in enumerate(works):
        smaller = work.problem().backward(work.whole) if place < PRUNED else ()
        short = [subset for subset in (work.whole, *smaller) if len(subset) <= max_terms]
        kept += work.candidates(short, engine, [*rivals, *kept])
    return [c for c in kept if c.terms <= max_terms]  # a factored basis may stand for many terms


def refit(expr: Expr, samples: Samples, channel: int, *, engine: str) -> Candidate | None:
    """`expr` with its linear constants refitted; None when it has no finite value on the samples.

    An equation of the engine exact stays as it is: a fit to float32 values would only add their rounding errors.
    """
    if engine == "exact":
        return score(expr, samples, channel, engine=engine)
    work = design(basis_functions(expr), samples, channel)
    found = work.candidates([work.whole], engine) if work.whole else []
    return found[0] if found else None


def score(expr: Expr, samples: Samples, channel: int, *, engine: str) -> Candidate | None:
    """`expr` as it is, with its held-out loss; None when that is not finite."""
    value = compile_numpy([expr], samples.names)(samples.X_held.T)[0]
    with np.errstate(all="ignore"):
        loss = float(np.square(value - samples.Y_held[:, channel]).mean())
    if not np.isfinite(loss):
        return None
    return Candidate(complexity(expr), loss, expr, engine, len(split_terms(expr)))


def _triangle(values: Array, y: Array) -> Array:
    """R of the QR decomposition of [values, y]."""
    r: Array = np.asarray(np.linalg.qr(np.column_stack([values, y]), mode="r"))
    return r


def _number(value: float) -> Expr:
    whole = value.is_integer() and abs(value) < 1e6  # 1·u v² is u v²
    return build.number(int(value) if whole else value)


def _shortest(value: float, slack: float) -> float:
    """The number with the fewest significant digits within `slack` of `value`; 0 where that is within it."""
    if abs(value) <= slack:
        return 0.0
    for digits in range(1, 16):
        rounded = float(f"{value:.{digits - 1}e}")
        if abs(rounded - value) <= slack:
            return rounded
    return value
