"""What the fields do at one place, without derivatives, as a smooth function of their values: for free-form search.

A channel's change is fitted by the derivatives that its law has and a flexible function of the local values,
∂u/∂t = Σ D_k ∂_k u + f(u, v, …), where f is a polynomial of high degree (a partially linear model: Robinson 1988,
Econometrica 56, 931). The fit is that of the weak form, so derivatives of the data are not needed and noise is
subtracted. Where this leaves much unexplained, no function of the fields will do. Otherwise f, evaluated at recorded
values, is what a symbolic search looks for: free of derivatives, and nearly free of noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

from distill.weak.grams import Grams, make_grams
from distill.weak.paths import backward
from distill.weak.scaling import Scaled
from distill.weak.selection import Candidate, clearly_worse
from distill.weak.system import Setting, System, averages
from distill.weak.terms import Term
from distill.weak.verdict import EXPLAINED

Array = npt.NDArray[np.float64]

# Largest degree in one channel's values, and total degree of products of channels: flexible enough, or less noisy
DEGREES = ((3, 3), (5, 5), (8, 6), (12, 7), (16, 7))
MOST_COLUMNS = 70  # of the function
QUIET = 1e-3  # quantile of recorded values that lies outside of the range, on either side


@dataclass(frozen=True, eq=False)
class LocalChange:
    """What a channel's change is a function of.

    derivatives: indices of the library's terms with derivatives that are needed.
    fit: what the fit by them and the function leaves.
    points: (n, channels), recorded values in units of the scales. values: (n,) of f there.
    """

    derivatives: tuple[int, ...]
    fit: Candidate
    points: Array
    values: Array


def _degrees(channels: int, alone: int, together: int) -> list[tuple[int, ...]]:
    """Degrees in each channel's values, of all products and of powers of one."""
    every = product(range(alone + 1), repeat=channels)
    return [d for d in every if sum(d) <= together or sum(map(bool, d)) <= 1]


class LocalColumns:
    """Products of Chebyshev polynomials of the fields' values, averaged over every window."""

    def __init__(self, scaled: Scaled, setting: Setting, noisy: Sequence[Array]) -> None:
        channels = len(scaled.channels)
        self.scaled, self.setting = scaled, setting
        values = np.concatenate([f.transpose(1, 0, 2, 3).reshape(channels, -1) for f in scaled.frames], axis=1)
        low, high = np.quantile(values, (QUIET, 1 - QUIET), axis=1)
        self.middle, self.half = (low + high) / 2, np.maximum((high - low) / 2, 1e-12)
        levels = [_degrees(channels, *most) for most in DEGREES]
        self.levels = [level for level in levels if len(level) <= MOST_COLUMNS]
        self.degrees = self.levels[-1]  # those of the levels before are among them
        self.alone = max(map(max, self.degrees))
        recorded = self._of(scaled.frames, 1.0)
        self.recorded, self.error = recorded, self._of(noisy, np.sqrt(2)) - recorded

    def _of(self, recordings: Sequence[Array], noise: float) -> Array:
        """(rows, degrees)."""
        powers = [[self._powers(f[:, c], c, noise) for c in range(f.shape[1])] for f in recordings]
        columns = {}
        for d in self.degrees:
            fields = []
            for one in powers:
                field = np.ones_like(one[0][0])
                for c, n in enumerate(d):
                    field = field * one[c][n] if n else field
                fields.append(field)
            columns[d] = averages(fields, self.setting)
        return np.stack(list(columns.values()), axis=1)

    def _powers(self, field: Array, c: int, noise: float) -> list[Array]:
        """Chebyshev polynomials of one channel, unbiased: each power x^n by the Hermite polynomial of the noise."""
        x, variance = (field - self.middle[c]) / self.half[c], (noise * self.scaled.noise[c] / self.half[c]) ** 2
        plain = [np.ones_like(x), x]
        for n in range(1, self.alone):
            plain.append(x * plain[n] - n * variance * plain[n - 1])
        found = []
        for n in range(self.alone + 1):
            weights = chebyshev.cheb2poly(np.eye(self.alone + 1)[n])
            found.append(sum((w * p for w, p in zip(weights, plain, strict=False) if w), np.zeros_like(x)))
        return found

    def evaluate(self, weights: Array, points: Array) -> Array:
        """The function with these weights at points (n, channels) in units of the scales."""
        x = (points - self.middle) / self.half
        polynomials = [chebyshev.chebvander(np.clip(x[:, c], -1, 1), self.alone) for c in range(x.shape[1])]
        total = np.zeros(len(points))
        for w, d in zip(weights, self.degrees, strict=True):
            total += w * np.prod([polynomials[c][:, n] for c, n in enumerate(d)], axis=0)
        return total


def local_change(
    c: int,
    terms: Sequence[Term],
    derivatives: Sequence[int],
    system: System,
    error: System,
    columns: LocalColumns,
    rng: np.random.Generator,
    count: int,
) -> LocalChange:
    """Channel c's change as a function of the fields' values, besides derivatives.

    derivatives: indices of the terms with derivatives that it may have. error: what noise changes in `system`.
    count: of the points at which the function is evaluated.
    """
    moved = list(derivatives)
    grams = make_grams(_joined(system, moved, columns.recorded), [_joined(error, moved, columns.error)], c)
    found: list[list[Candidate]] = []
    for level in columns.levels:
        always = [len(moved) + columns.degrees.index(d) for d in level]
        start = [*range(len(moved)), *always]
        supports = backward(grams.without_noise(start), start, kept=len(always))
        found.append([_candidate(grams, support, len(moved)) for support in supports])
    # less than nothing is no estimate
    possible = [[one for one in path if float(one.clean.sum()) > -EXPLAINED] for path in found]
    path = min((p for p in possible if p), key=lambda p: min(one.left for one in p), default=found[0])
    best = min(path, key=lambda one: one.left)
    chosen = min((one for one in path if not clearly_worse(one, best)), key=lambda one: one.cost)
    weights = grams.fit(chosen.support) / grams.sizes
    points = _points(columns, rng, count)
    return LocalChange(
        tuple(moved[i] for i in chosen.support if i < len(moved)),
        chosen,
        points,
        columns.evaluate(weights[len(moved) :], points),
    )


def _joined(system: System, moved: Sequence[int], columns: Array) -> System:
    return replace(system, features=np.column_stack([system.features[:, moved], columns]))


def _candidate(grams: Grams, support: Sequence[int], derivatives: int) -> Candidate:
    """Its cost: first the derivatives, then what the function needs."""
    ordered = tuple(sorted(support))
    return Candidate(ordered, *grams.held_out(ordered), sum(1.0 if k < derivatives else 1e-3 for k in ordered))


def _points(columns: LocalColumns, rng: np.random.Generator, count: int) -> Array:
    """Values of the fields averaged over windows: those that the recording visits, with little noise."""
    frames = columns.scaled.frames
    means = [averages([f[:, c] for f in frames], columns.setting) for c in range(frames[0].shape[1])]
    points = np.stack(means, axis=1)
    return points[rng.permutation(len(points))[:count]]
