"""Unbiased estimates of terms from noisy states: E[(u + e)²] = u² + σ², so σ² is subtracted.

For Gaussian noise of known covariance every monomial has an unbiased estimate, its Wick product (for one variable a
Hermite polynomial; Janson, Gaussian Hilbert Spaces, 1997, ch. III). Other smooth functions are corrected to second
order in σ.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from equations.expressions import build
from equations.rule.stencils import Stencil
from equations.rule.symbols import symbol

Array = npt.NDArray[np.float64]


def noise_covariance(levels: Array, stencils: Sequence[Stencil]) -> Array:
    """Covariance of the noise in a cell's features, (features, features), channel-major.

    levels: standard deviation of the white noise of each channel.
    """
    kernels = np.array([np.ravel(s.kernel) for s in stencils])
    overlap = kernels @ kernels.T
    return np.kron(np.diag(np.square(levels)), overlap)


def unbiased_product(values: Sequence[Array], atoms: Sequence[int], noise: Array) -> Array:
    """The Wick product of up to three noisy features, an unbiased estimate of the product without noise.

    values: values[i] are those of feature atoms[i].
    noise: covariance of the noise in all features, (features, features).
    """
    if not len(values):
        raise ValueError("expected at least one feature")
    total = values[0]
    for value in values[1:]:
        total = total * value
    if len(values) == 2:
        return total - noise[atoms[0], atoms[1]]
    if len(values) == 3:
        for i, j, k in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
            if noise[atoms[i], atoms[j]] != 0:
                total = total - noise[atoms[i], atoms[j]] * values[k]
    return total


def unbiased_expression(expr: Expr, names: Sequence[str], noise: Array) -> Expr:
    """`expr` minus half the sum of its second derivatives times the noise's covariance: unbiased to second order.

    Expressions with kinks (abs, min, max) have no second derivative and are returned unchanged.
    """
    if expr.has(sympy.Abs, sympy.Max, sympy.Min):
        return expr
    used = [i for i, name in enumerate(names) if symbol(name) in expr.free_symbols]
    correction: Expr = sympy.Integer(0)
    for i, j in combinations_with_replacement(used, 2):
        if noise[i, j] != 0:
            second = sympy.diff(expr, symbol(names[i]), symbol(names[j]))
            weight = noise[i, j] * (0.5 if i == j else 1.0)
            correction = correction + sympy.Float(weight) * second
    return build.subtract(expr, correction) if correction != 0 else expr
