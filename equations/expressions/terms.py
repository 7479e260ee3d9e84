"""The additive terms of an expression, how many there are, its constants, and how complex it is."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr

from equations.expressions import build
from equations.expressions.ops import OPERATORS
from equations.expressions.tree import to_tree

MAX_TERMS = 5_000  # beyond this a product of sums is kept as one term: (30 terms)^8 has 10^10


def split_terms(expr: Expr) -> list[tuple[float, Expr]]:
    """`expr` multiplied out into `[(coefficient, basis), …]` with distinct bases; a constant has basis 1.

    Sums inside functions (tanh, Abs, Max, …) and under negative powers stay as they are. Products whose
    expansion would exceed 5,000 terms stay factored.
    """
    return [(coefficient, basis) for basis, coefficient in _terms(expr).items() if coefficient != 0]


def count_terms(expr: Expr) -> int:
    """The number of additive terms after multiplying out."""
    return len(split_terms(expr))


def count_constants(expr: Expr) -> int:
    """The numbers that a fit could tune: all but exponents, signs and zeros."""
    return _constants(to_tree(expr))


def count_inner(bases: Iterable[Expr]) -> int:
    """The numbers inside bases, such as the 3 and the 2 of tanh(3 u − 2); exponents do not count."""
    return sum(count_constants(basis) for basis in bases if basis != 1)


def join_terms(terms: list[tuple[float, Expr]]) -> Expr:
    """The sum of coefficient · basis: the inverse of `split_terms`."""
    return build.add(*(build.multiply(build.number(float(c)), basis) for c, basis in terms))


def complexity(expr: Expr) -> int:
    """Cost of the tree: 1 per constant or symbol plus the operators' costs; n-ary sums cost n − 1."""
    return _cost(to_tree(expr))


def _cost(tree: Any) -> int:
    if not isinstance(tree, list):
        return 1
    if tree[0] == "Rational":
        return 1
    operator, arguments = OPERATORS[tree[0]], tree[1:]
    applications = max(1, len(arguments) - 1)
    return operator.complexity * applications + sum(_cost(argument) for argument in arguments)


def _constants(tree: Any) -> int:
    if not isinstance(tree, list):
        return int(not isinstance(tree, str) and tree != 0)
    if tree[0] == "Rational":
        return 1
    return sum(_constants(argument) for argument in (tree[1:2] if tree[0] == "Power" else tree[1:]))


_Terms = dict[Expr, float]
_ONE: Expr = sympy.S.One


def _terms(expr: Expr) -> _Terms:
    if isinstance(expr, sympy.Number):
        return {_ONE: float(expr)}
    if isinstance(expr, sympy.Add):
        total: _Terms = {}
        for arg in expr.args:
            _collect(total, _terms(arg), 1.0)
        return total
    if isinstance(expr, sympy.Mul):
        coefficient, rest = expr.as_coeff_Mul()
        scaled: _Terms = {}
        _collect(scaled, _multiplied_out(rest), float(coefficient))
        return scaled
    return _multiplied_out(expr)


@lru_cache(maxsize=256)  # candidates of one search share their bases, and multiplying out is most of their cost
def _multiplied_out(expr: Expr) -> _Terms:
    """The terms of a product or a power. The result is cached: do not change it."""
    if isinstance(expr, sympy.Mul):
        product: _Terms = {_ONE: 1.0}
        factored: list[Expr] = []
        for factor in expr.args:
            parts = _terms(factor)
            if len(parts) > 1 and len(product) * len(parts) > MAX_TERMS:
                factored.append(factor)
            else:
                product = _times(product, parts)
        return _times(product, {sympy.Mul(*factored): 1.0}) if factored else product
    if isinstance(expr, sympy.Pow) and isinstance(expr.base, sympy.Add) and expr.exp.is_Integer and expr.exp > 0:
        parts, exponent = _terms(expr.base), int(expr.exp)
        if sympy.binomial(len(parts) + exponent - 1, exponent) <= MAX_TERMS:
            product = parts
            for _ in range(exponent - 1):
                product = _times(product, parts)
            return product
    return {expr: 1.0}


def _times(left: _Terms, right: _Terms) -> _Terms:
    total: _Terms = {}
    for a, x in left.items():
        for b, y in right.items():
            # the product of two bases may have a numeric factor, as √2·√2 = 2 has
            _collect(total, _terms_of_product(a, b), x * y)
    return total


def _terms_of_product(a: Expr, b: Expr) -> _Terms:
    if a is _ONE or b is _ONE:
        return {b if a is _ONE else a: 1.0}
    coefficient, basis = sympy.Mul(a, b).as_coeff_Mul()
    return {basis: float(coefficient)}


def _collect(total: _Terms, terms: _Terms, factor: float) -> None:
    for basis, coefficient in terms.items():
        total[basis] = total.get(basis, 0.0) + factor * coefficient
