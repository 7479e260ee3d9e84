"""Fit a model's parameters and the units of a rule together, so that both laws are as close as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equations.comparison.cells import Cells
from equations.comparison.family import Family, Layout
from equations.comparison.reduced_law import Law
from equations.comparison.rescale import exponents, exponents_below, law_in_units
from equations.comparison.scales import LARGEST

Array = npt.NDArray[np.float64]
OUTLIER = 0.01  # the soft-L1 loss grows only linearly for relative errors beyond this
LARGEST_PARAMETER = 1e6
NOTHING = 1e-6  # a fitted parameter below this part of its starting value is 0
DIFFERENCE = 1e-7  # relative step of the finite differences
FLAT = 1e-6  # singular values below this part of the largest one are 0: these directions change nothing


@dataclass(frozen=True)
class Fit:
    """The result of a fit.

    values: the parameters. scales: the units of the rule's channels.
    left: the sum of the relative errors, each at most 1. undetermined: parameters that the law does not determine.
    """

    values: Mapping[str, float]
    scales: Mapping[str, float]
    left: float
    undetermined: tuple[str, ...]


def fit_parameters(
    rule: Law,
    family: Family,
    start: Mapping[str, float],
    scales: Mapping[str, float],
    held: Sequence[str],
    step: float,
    cells: Cells,
    *,
    rough: bool = False,
) -> Fit:
    """Least squares over log-scales and the parameters that are not held, robust to a few wrong coefficients.

    rule: the rule's law, in the model's names and its own units.
    start, scales: where the fit starts. held: parameters that are not fitted. step: the time of a step.
    cells: of the model, on which the size of terms that only the rule has is measured.
    rough: a quicker fit, less robust to wrong coefficients.
    Each coefficient of the model counts relative to its size. A term that only the rule has counts by its share of the
    channel's change: relative to itself it would always count 1, and units would be chosen that make it vanish.
    Parameters in denominators that are 0 at the start stay 0, because otherwise the law would have other terms.
    """
    from scipy.optimize import least_squares

    free = [p for p in family.parameters if p not in held and not (p in family.inside_denominators and not start[p])]
    problem = _Problem(rule, family, start, free, scales, step, cells)
    first, count = problem.first, len(free)
    if not len(first) or not len(problem.weights):
        return Fit(dict(start), scales, float("inf"), ())
    most = np.array([*(LARGEST_PARAMETER / problem.sized), *[LARGEST + 1] * (len(first) - count)])
    found = least_squares(
        lambda x: problem.residuals(x[:, None])[:, 0], np.clip(first, -most, most), problem.slopes, (-most, most),
        loss="soft_l1", f_scale=(10 if rough else 1) * OUTLIER, xtol=1e-13, ftol=1e-13, gtol=1e-13,
        max_nfev=12 if rough else 60,
    )  # fmt: skip
    end = np.where(np.abs(found.x) < NOTHING, 0.0, found.x)
    values = dict(zip(family.parameters, problem.values(end[:, None])[:, 0].tolist(), strict=True))
    units = dict(zip(scales, (problem.signs * np.exp(found.x[count:])).tolist(), strict=True))
    left = float(np.minimum(np.abs(found.fun), 1).sum())
    return Fit(values, units, left, _undetermined(found.jac, free))


class _Problem:
    """The residuals of n candidates (unknown, n): the free parameters in units of `sized`, then the log-scales."""

    def __init__(
        self,
        rule: Law,
        family: Family,
        start: Mapping[str, float],
        free: list[str],
        scales: Mapping[str, float],
        step: float,
        cells: Cells,
    ) -> None:
        self._layout, self._step, self._free = family.layout(start), step, len(free)
        self._sides = _Sides(rule, self._layout, tuple(scales))
        self._places = [family.parameters.index(p) for p in free]
        self._start = np.array([[start[p]] for p in family.parameters], float)
        self.signs = np.sign(list(scales.values()))
        self.sized = np.array([abs(start[p]) or 0.1 for p in free])
        self.first = np.concatenate([[start[p] for p in free] / self.sized, np.log(np.abs(list(scales.values())))])
        least = np.maximum(*(np.abs(side[:, 0]) for side in self._both(self.first[:, None])))
        # relative to the larger of both; the floor is for numbers that are 0 in both
        self.weights = np.maximum(least, max(1e-3 * least.max(initial=0.0), 1e-12))
        ours = law_in_units(rule, {c: c for c in scales}, scales)
        theirs = family.law(start, step).updates
        whole = {c: sum(_rms(cells.of(theirs[c], [t])) for t in theirs[c].terms) for c in scales}
        for row, channel, term in self._sides.spurious:
            size = _rms(cells.of(ours.updates[channel], [term]))
            if whole[channel] > 0:
                self.weights[row] = least[row] * whole[channel] / size if size else np.inf

    def values(self, x: Array) -> Array:
        """All parameters, (parameter, n)."""
        values = np.repeat(self._start, x.shape[1], axis=1)
        values[self._places] = x[: self._free] * self.sized[:, None]
        return values

    def residuals(self, x: Array) -> Array:
        """Rule minus model, relative to each number's size, (number, n)."""
        ours, theirs = self._both(x)
        return (ours - theirs) / self.weights[:, None]

    def slopes(self, x: Array) -> Array:
        """The Jacobian at one candidate (unknown,)."""
        both = self.residuals(np.column_stack([x[:, None] + DIFFERENCE * np.eye(len(x)), x]))
        return (both[:, :-1] - both[:, -1:]) / DIFFERENCE

    def _both(self, x: Array) -> tuple[Array, Array]:
        ours = self._sides.rule(self.signs, x[self._free :])
        return ours, self._sides.model(self._layout.at(self.values(x), self._step))


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


class _Sides:
    """The numbers of a rule and of a model in one order: coefficients of terms, then numbers inside denominators.

    spurious: row, channel and term of what only the rule has.
    """

    def __init__(self, rule: Law, layout: Layout, channels: tuple[str, ...]) -> None:
        theirs = [key for key in layout.terms if key[0] in channels]
        seen, known = set(theirs), set(channels)
        ours = [
            (c, t) for c in channels for t in rule.updates[c].terms
            if (c, t) not in seen and t.other is None and t.channels <= known
        ]  # fmt: skip
        inside = [key for key in layout.inside if key[0] in channels and key[1] in rule.updates[key[0]].below]
        keys, places = list(layout.terms), list(layout.inside)
        self._take = [*(keys.index(k) for k in theirs), *(len(keys) + places.index(k) for k in inside)]
        self._gap = len(ours), len(theirs)
        self.spurious = [(len(theirs) + i, c, t) for i, (c, t) in enumerate(ours)]
        self._numbers = np.array(
            [rule.updates[c].terms.get(t, 0.0) for c, t in (*theirs, *ours)]
            + [rule.updates[c].below[den][i] for c, den, i in inside]
        )
        powers = [
            [e - (other == c) for e, other in zip(exponents(t, channels), channels, strict=True)]
            for c, t in (*theirs, *ours)
        ] + [exponents_below(den, i, channels) for _, den, i in inside]
        self._powers = np.array(powers, int).reshape(-1, len(channels))

    def rule(self, signs: Array, logs: Array) -> Array:
        """The rule's numbers (number, n) in the units signs · exp(logs), logs (channel, n)."""
        negative = ((self._powers % 2 != 0) & (signs < 0)).sum(axis=1) % 2
        return (self._numbers * (1 - 2 * negative))[:, None] * np.exp(self._powers @ logs)

    def model(self, numbers: Array) -> Array:
        """The model's numbers (number, n), 0 where it lacks a term of the rule."""
        taken, (ours, theirs) = numbers[self._take], self._gap
        return np.concatenate([taken[:theirs], np.zeros((ours, taken.shape[1])), taken[theirs:]])


def _undetermined(jacobian: Array, free: Sequence[str]) -> tuple[str, ...]:
    """The parameters that can change together with others and the scales without changing any coefficient."""
    _, sizes, rows = np.linalg.svd(jacobian, full_matrices=True)
    sizes = np.concatenate([sizes, np.zeros(len(rows) - len(sizes))])
    idle = rows[sizes <= FLAT * max(float(sizes.max(initial=0.0)), 1e-300)]
    return tuple(p for i, p in enumerate(free) if np.any(np.abs(idle[:, i]) > 1e-3))
