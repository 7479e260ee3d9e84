"""The units of a rule's channels, found from the coefficients of the terms that it shares with a model.

Where the rule has a · u for the model's u, a term with exponents e and coefficient α in the update of channel j has the
coefficient α Π aᵉ / a_j in the model's units. For a shared term this equals the model's β, so that log a solves linear
equations. Least squares alone would let a few wrong coefficients spoil all scales. Therefore several candidates are
compared: the least-squares scales, all scales that make as many equations exact as there are unknowns, and 1. Those win
that leave the fewest coefficients different; among equals, no rescaling wins.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equations.comparison.reduced_law import Law
from equations.comparison.rescale import exponents, exponents_below
from equations.comparison.term_by_term import SAME

MAX_SUBSETS = 3000  # at most this many sets of equations are solved exactly
LARGEST = 9.0  # the largest |log a|: scales from about 1e-4 to 1e4

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Equations:
    """One row for each number that two laws share: e·λ = log |model| - log |rule|, with λ = log |a|.

    channels: the unknowns. powers: the exponents e. right: the right-hand sides. negative: whether the signs differ.
    """

    channels: tuple[str, ...]
    powers: npt.NDArray[np.int64]  # (row, channel)
    right: Array  # (row,)
    negative: npt.NDArray[np.bool_]  # (row,): the signs differ

    def wrong_signs(self, signs: Array) -> int:
        """How many numbers have different signs if the scales have these signs (channel,)."""
        odd = (self.powers % 2 != 0) & (signs < 0)
        return int(np.sum((odd.sum(axis=1) % 2 != 0) != self.negative))


@dataclass(frozen=True)
class Scales:
    """The scales that were found.

    values: channel → a. different: how many of the shared numbers then differ.
    left: the sum of their logarithmic differences, each at most 1.
    """

    values: Mapping[str, float]
    different: int
    left: float


def shared_equations(rule: Law, model: Law) -> Equations:
    """The equations for the scales of a rule that has the model's names already."""
    channels = tuple(channel for channel in model.channels if channel in rule.updates)
    powers: list[list[int]] = []
    pairs: list[tuple[float, float]] = []
    for channel in channels:
        ours, theirs = rule.updates[channel], model.updates[channel]
        own = [int(other == channel) for other in channels]
        for term in theirs.terms:
            if term in ours.terms and term.other is None:
                powers.append([e - o for e, o in zip(exponents(term, channels), own, strict=True)])
                pairs.append((ours.terms[term], theirs.terms[term]))
        for den in theirs.below:
            if den in ours.below:
                for i in range(1, len(den.monomials)):
                    powers.append(exponents_below(den, i, channels))
                    pairs.append((ours.below[den][i], theirs.below[den][i]))
    table = np.array(pairs, float).reshape(-1, 2)
    right = np.log(np.abs(table[:, 1])) - np.log(np.abs(table[:, 0]))
    grid = np.array(powers, int).reshape(-1, len(channels))
    return Equations(channels, grid, right, table[:, 0] * table[:, 1] < 0)


def best_scales(rule: Law, model: Law) -> Scales:
    """The scales in which a rule of the model's names is closest to the model."""
    equations = shared_equations(rule, model)
    candidates = _candidates(equations)
    off = np.abs(candidates @ equations.powers.T - equations.right)  # (candidate, row)
    different = np.sum(off > SAME, axis=1)
    left = np.minimum(off, 1).sum(axis=1)
    moved = np.any(np.abs(candidates) > SAME, axis=1)
    best = np.lexsort((left, moved, different))[0]
    signs = min(_signs(len(equations.channels)), key=lambda s: (equations.wrong_signs(s), int(np.sum(s < 0))))
    wrong = equations.wrong_signs(signs)
    values = {c: float(s * np.exp(x)) for c, s, x in zip(equations.channels, signs, candidates[best], strict=True)}
    return Scales(values, int(different[best]) + wrong, float(left[best]) + wrong)


def _candidates(equations: Equations) -> Array:
    """Candidates for log |a|, (candidate, channel): 0, the least-squares solution, exact solutions of some rows."""
    none = np.zeros((1, len(equations.channels)))
    rows = np.column_stack([equations.powers, equations.right])[np.any(equations.powers != 0, axis=1)]
    if not len(rows):
        return none
    rows = np.unique(rows.round(12), axis=0)
    powers, right = rows[:, :-1], rows[:, -1]
    _, sizes, axes = np.linalg.svd(powers, full_matrices=False)
    axes = axes[sizes > 1e-9 * sizes[0]]  # directions that no equation determines are not rescaled
    seen, rank = powers @ axes.T, len(axes)
    squares = np.linalg.lstsq(seen, right, rcond=None)[0][None]
    subsets = np.array(list(itertools.islice(itertools.combinations(range(len(rows)), rank), MAX_SUBSETS)))
    square = seen[subsets]  # (subset, rank, rank)
    solvable = np.abs(np.linalg.det(square)) > 1e-9
    exact = np.linalg.solve(square[solvable], right[subsets[solvable]][..., None])[..., 0]
    return np.concatenate([none, np.clip(np.concatenate([squares, exact]) @ axes, -LARGEST, LARGEST)])


def _signs(count: int) -> Iterator[Array]:
    """All combinations of signs for up to 4 channels, else only positive ones."""
    choices: Sequence[tuple[float, ...]] = [(1.0, -1.0)] * count if count <= 4 else [(1.0,)] * count
    return (np.array(signs) for signs in itertools.product(*choices))
