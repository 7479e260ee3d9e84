"""Subset selection on a Gram matrix: greedy forward steps, swaps, and backward elimination.

Forward selection by exact reduction of the error is orthogonal least squares (Chen, Billings & Luo 1989, Int.
J. Control 50, 1873). All functions work on sums only, so their cost does not depend on the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Subset = tuple[int, ...]

EXACT = 1e-13  # a residual below this share of y·y counts as zero: the Gram matrix rounds at about 1e-15
NEARLY_DEPENDENT = 1e-9  # a column with a smaller share orthogonal to the chosen ones is left out
DEEP = 24  # forward selection continues to at least this many terms
WEAKEST = 3  # how many terms a swap round tries to replace


class Problem:
    """Columns of unit norm: `gram` (m, m), `moment` (m,) with the target, `power` = y·y."""

    def __init__(self, gram: Array, moment: Array, power: float, order: npt.ArrayLike | None = None) -> None:
        norm = np.sqrt(np.maximum(np.diag(gram), 0))
        self.alive = norm > 0
        norm = np.where(self.alive, norm, 1.0)
        self.gram, self.moment, self.power = gram / np.outer(norm, norm), moment / norm, float(power)
        # of terms that explain the same, the simpler one (of lower order) is taken
        self.favour = 1 - 1e-6 * np.asarray(np.zeros(len(norm)) if order is None else order, np.float64)

    def gains(self, chosen: Sequence[int]) -> tuple[Array, float]:
        """How much each column would lower the squared error, (m,), and the error now."""
        s = list(chosen)
        outside = np.ones(len(self.moment))
        left = self.moment.copy()
        error = self.power
        if s:
            solved = np.linalg.solve(self.gram[np.ix_(s, s)], np.column_stack([self.gram[s], self.moment[s]]))
            outside -= np.einsum("ij,ij->j", self.gram[s], solved[:, :-1])
            left -= self.gram[s].T @ solved[:, -1]
            error -= float(self.moment[s] @ solved[:, -1])
        free = self.alive & (outside > NEARLY_DEPENDENT)
        free[s] = False
        gains = np.where(free, np.square(left) / np.where(free, outside, 1.0), 0.0)
        return gains * self.favour, max(error, 0.0)

    def losses(self, chosen: Sequence[int]) -> Array:
        """How much the squared error would grow without each of the chosen columns, (k,)."""
        s = list(chosen)
        inverse = np.linalg.inv(self.gram[np.ix_(s, s)])
        weights = inverse @ self.moment[s]
        grown: Array = np.square(weights) / np.maximum(np.diag(inverse), 1e-300)
        return grown

    def error(self, chosen: Sequence[int]) -> float:
        return self.gains(chosen)[1]

    def forward(self, most: int) -> list[Subset]:
        """Subsets of 1, 2, … `most` columns: each is the previous one and the best further column, improved by swaps.

        The list is shorter when the residual is zero before.
        """
        path: list[Subset] = []
        chosen: list[int] = []
        while len(chosen) < min(most, len(self.moment)):
            gains, error = self.gains(chosen)
            best = int(np.argmax(gains))
            if error <= EXACT * self.power or gains[best] <= 0:
                break
            chosen = self._swap([*chosen, best])
            path.append(tuple(chosen))
        return path

    def backward(self, chosen: Sequence[int]) -> list[Subset]:
        """Ever smaller subsets, down to one column: each time the column whose loss matters least is dropped."""
        s = list(chosen)
        path: list[Subset] = []
        while len(s) > 1:
            s.pop(int(np.argmin(self.losses(s))))
            path.append(tuple(s))
        return path

    def _swap(self, chosen: list[int]) -> list[int]:
        """Replace weak columns by better ones while that lowers the error."""
        error = self.error(chosen)
        for _ in range(5):
            if len(chosen) < 2 or error <= EXACT * self.power:
                break
            trials = []
            for i in np.argsort(self.losses(chosen))[:WEAKEST]:
                rest = [c for place, c in enumerate(chosen) if place != i]
                gains, without = self.gains(rest)
                best = int(np.argmax(gains))
                trials.append((without - gains[best], [*rest, best]))
            lowest, better = min(trials, key=lambda trial: trial[0])
            if not lowest < error * (1 - 1e-6):
                break
            chosen, error = better, self.error(better)
        return chosen


def sparsity_path(problem: Problem, most: int) -> list[Subset]:
    """For each size up to `most`, the better of forward selection and of backward elimination.

    Forward selection continues to twice that size (at least 24) before terms are dropped again: among correlated terms
    the wrong ones often turn out to be superfluous only once all of the right ones are included.
    """
    path = problem.forward(max(2 * most, DEEP))
    if not path:
        return []
    best = {len(subset): subset for subset in path}
    for subset in problem.backward(path[-1]):
        if problem.error(subset) < problem.error(best[len(subset)]):
            best[len(subset)] = subset
    return [best[size] for size in sorted(best) if size <= most]
