"""Test functions (1 - x²)^p with compact support: their derivatives and their weights on a grid.

A derivative of the data, integrated against a test function, becomes an integral of the data against a derivative of
the test function, which is known exactly (Messenger & Bortz 2021, Journal of Computational Physics 443, 110525).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Polynomial

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bump:
    """One factor of a test function, along one axis.

    half: half the width of its support, in samples.
    power: p in (1 - x²)^p.
    """

    half: int
    power: int

    @property
    def spread(self) -> float:
        """Its standard deviation as a density, in samples: the distance at which neighbours tell something new."""
        return float(self.half / np.sqrt(2 * self.power + 3))


def bump_derivative(x: Array, power: int, order: int) -> Array:
    """The derivative of this order of (1 - x²)^power, at x; 0 outside of (-1, 1).

    The derivative is (1 - x²)^(power - order) q(x). This polynomial q is short, so nothing cancels.
    """
    if order > power:
        raise ValueError(f"expected a derivative of at most order {power}, got {order}")
    q, inside = Polynomial([1.0]), Polynomial([1.0, 0.0, -1.0])
    for k in range(order):
        q = inside * q.deriv() - Polynomial([0.0, 2.0 * (power - k)]) * q
    within = np.clip(1 - np.square(x), 0.0, None)
    return np.asarray(np.where(np.abs(x) < 1, within ** (power - order) * q(x), 0.0))


def bump_rows(size: int, bump: Bump, centres: Sequence[int], order: int) -> Array:
    """Weights (centres, size) that integrate samples against a derivative of the bump around each centre.

    The bump itself has integral 1. The distance between samples is 1. By the trapezoid rule: its error is tiny, since
    the bump and its first derivatives vanish at the ends of the support.
    """
    offset = np.arange(-bump.half, bump.half + 1) / bump.half
    weights = bump_derivative(offset, bump.power, order) / float(bump.half) ** order
    weights = weights / bump_derivative(offset, bump.power, 0).sum()
    rows = np.zeros((len(centres), size))
    for row, centre in zip(rows, centres, strict=True):
        row[centre - bump.half : centre + bump.half + 1] = weights
    return rows
