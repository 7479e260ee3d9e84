"""Terms of noisy states without their bias: E[(u + e)²] is u² + σ², so σ² is taken off.

For white noise of known deviation every monomial has an unbiased estimate, its Wick product (for one variable: a
Hermite polynomial; Janson, Gaussian Hilbert Spaces, 1997, ch. III); other smooth functions have one to second order in
σ.
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


def covariance(levels: Array, stencils: Sequence[Stencil]) -> Array:
    """How the noise of what a cell sees hangs together, (features, features), channel-major as features are.

    levels: deviation of the white noise of each channel.
    """
    kernels = np.array([np.ravel(s.kernel) for s in stencils])
    overlap = kernels @ kernels.T
    return np.kron(np.diag(np.square(levels)), overlap)


def product(values: Sequence[Array], atoms: Sequence[int], noise: Array) -> Array:
    """The Wick product of up to three noisy features: `values[i]` is feature `atoms[i]`'s values.

    noise: their covariance, (features, features).
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


def unbiased(expr: Expr, names: Sequence[str], noise: Array) -> Expr:
    """`expr` less half its second derivatives times the noise's covariance: right to second order, for any smooth one.

    Kinks (abs, min, max) have no second derivative: such an expression comes back as it is.
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
