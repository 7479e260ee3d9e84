"""All real fixed points of a rule of one or two channels whose uniform update is polynomial or rational."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import sympy

from equations.rule.rule import Rule
from equations.rule.stencils import feature_name
from equations.rule.symbols import symbol

Array = npt.NDArray[Any]
MOST_DEGREE = 8  # beyond this a resultant may take minutes
_DIGITS = 40
_REAL = 1e-12  # a root is real if its imaginary part is at most this part of its absolute value


def solve_uniform(rule: Rule, sums: Array) -> Array | None:
    """Candidates (n, C) that include every real fixed point; None where the algebra does not apply.

    sums: for each stencil the sum of its weights, which is what it makes of a uniform state.
    The numerators of the updates become polynomials over the rationals. With one channel the candidates are their
    roots. With two channels one is eliminated by the resultant; each of its roots is paired with the roots of the other
    channel. Some candidates are poles of a rational update, or belong to a complex root: check their residuals.
    """
    channels = [symbol(name) for name in rule.channels]
    if len(channels) > 2:
        return None
    polynomials = _polynomials(rule, sums, channels)
    if polynomials is None:
        return None
    if len(channels) == 1:
        found = _real_roots(polynomials[0])
        return None if found is None else np.array(found, float).reshape(-1, 1)
    return _solve_two(polynomials, channels)


def _polynomials(rule: Rule, sums: Array, channels: list[sympy.Symbol]) -> list[sympy.Poly] | None:
    values = {
        symbol(feature_name(name, stencil.name)): total * channel
        for name, channel in zip(rule.channels, channels, strict=True)
        for stencil, total in zip(rule.stencils, map(_exactly, sums), strict=True)
    }
    polynomials = []
    for expr in rule.expressions:
        if not expr.is_rational_function(*expr.free_symbols):
            return None
        rational = expr.xreplace({number: _exactly(float(number)) for number in expr.atoms(sympy.Float)})
        numerator, _ = sympy.fraction(sympy.together(rational.xreplace(values)))
        polynomial = sympy.Poly(sympy.expand(numerator), *channels, domain="QQ")
        if polynomial.total_degree() > MOST_DEGREE:
            return None
        polynomials.append(polynomial)
    return polynomials


def _exactly(value: float) -> sympy.Rational:
    """The shortest decimal of a number as a fraction: 0.1 becomes 1/10, not the nearest binary fraction."""
    return sympy.Rational(repr(float(value)))


def _solve_two(polynomials: list[sympy.Poly], channels: list[sympy.Symbol]) -> Array | None:
    first, second = channels
    p, q = (polynomial.as_expr() for polynomial in polynomials)
    resultant = sympy.Poly(sympy.resultant(p, q, second), first, domain="QQ")
    if resultant.is_zero:  # they share a factor: a curve of fixed points
        return None
    roots = _real_roots(resultant)
    if roots is None:
        return None
    found = []
    for root in roots:
        for expr in (p, q):
            rest = expr.subs(first, sympy.Float(root, _DIGITS))
            partners = _real_roots(sympy.Poly(rest, second), near=1e-6) if rest.has(second) else None
            found += [(float(root), float(other)) for other in partners or ()]
    return np.array(found, float).reshape(-1, 2)


def _real_roots(polynomial: sympy.Poly, near: float = _REAL) -> list[sympy.Float] | None:
    """The real roots to 40 digits; None for the zero polynomial or where they cannot be found."""
    if polynomial.is_zero:
        return None
    if polynomial.degree() <= 0:
        return []
    from mpmath.libmp import NoConvergence  # type: ignore[import-untyped]

    try:
        roots = polynomial.nroots(n=_DIGITS, maxsteps=400)
    except (NoConvergence, sympy.polys.polyerrors.PolynomialError):
        return None
    return [sympy.re(root) for root in roots if abs(sympy.im(root)) <= near * (abs(root) + near)]
