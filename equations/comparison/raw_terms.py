"""Expressions as sums of raw terms: number × powers of stencil responses ÷ sums of such powers.

The responses are written in the parts of `kernels`, so that rules with different stencils can be compared. A
coefficient is a number or, in a family of laws, an expression of the model's parameters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr

from equations.comparison.kernels import parts_of
from equations.expressions.terms import split_terms
from equations.rule.stencils import Stencil, feature_name

Factor = tuple[str, str, int]  # channel, part, power
Monomial = tuple[Factor, ...]  # sorted; () is 1
Polynomial = dict[Monomial, Any]  # monomial → coefficient
ONE: Monomial = ()


@dataclass(frozen=True)
class RawTerm:
    """coefficient · monomial / Π polynomial^power, or coefficient · other.

    over: the polynomials of the denominator with their powers.
    other: a product that is not of this form (absolute values, roots, exponentials), in the rule's own features.
    """

    coefficient: Any
    monomial: Monomial = ONE
    over: tuple[tuple[Polynomial, int], ...] = ()
    other: Expr | None = None


def seen_through(channels: Collection[str], stencils: Collection[Stencil]) -> dict[str, Polynomial]:
    """For every feature its sum of parts: `u_moore` → u + 0.375 u_lap + …"""
    parts = {stencil.name: parts_of(stencil.kernel) for stencil in stencils}
    return {
        feature_name(channel, name): {((channel, part, 1),): weight for part, weight in found.items()}
        for channel in channels
        for name, found in parts.items()
    }


def read_terms(expr: Expr, features: Mapping[str, Polynomial]) -> list[RawTerm]:
    """The raw terms whose sum is `expr`; symbols that are not features are parameters. Like terms are not joined."""
    found: list[RawTerm] = []
    for coefficient, basis in split_terms(expr):
        found += _read_product(coefficient, basis, features)
    return found


def times(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials."""
    powers: dict[tuple[str, str], int] = {}
    for channel, part, power in (*left, *right):
        powers[channel, part] = powers.get((channel, part), 0) + power
    return tuple(sorted((c, p, n) for (c, p), n in powers.items() if n))


def degree(monomial: Monomial) -> int:
    """The sum of the powers."""
    return sum(power for _, _, power in monomial)


def in_order(monomial: Monomial) -> tuple[int, Monomial]:
    """A key to sort monomials by: low degrees first."""
    return degree(monomial), monomial


def multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product of two polynomials."""
    product: Polynomial = {}
    for a, x in left.items():
        for b, y in right.items():
            key = times(a, b)
            product[key] = product.get(key, 0) + x * y
    return product


def _read_product(coefficient: Any, basis: Expr, features: Mapping[str, Polynomial]) -> list[RawTerm]:
    numerator: Polynomial = {ONE: coefficient}
    over: list[tuple[Polynomial, int]] = []
    for factor in sympy.Mul.make_args(basis):
        base, power = factor.as_base_exp() if isinstance(factor, sympy.Pow) else (factor, sympy.Integer(1))
        known = _is_polynomial(base) and power.is_Integer
        if known and not _seen(base, features):
            numerator = {key: value * factor for key, value in numerator.items()}  # a factor of parameters alone
            continue
        if not known:
            return [RawTerm(coefficient, other=basis)]
        polynomial = _polynomial(base, features)
        if power > 0:
            for _ in range(int(power)):
                numerator = multiply(numerator, polynomial)
        else:
            over.append((polynomial, -int(power)))
    return [RawTerm(value, key, tuple(over)) for key, value in numerator.items()]


def _polynomial(expr: Expr, features: Mapping[str, Polynomial]) -> Polynomial:
    if isinstance(expr, sympy.Symbol):
        return features[expr.name]
    total: Polynomial = {}
    for coefficient, basis in split_terms(expr):
        for term in _read_product(coefficient, basis, features):
            total[term.monomial] = total.get(term.monomial, 0) + term.coefficient
    return total


def _is_polynomial(expr: Expr) -> bool:
    """Whether `expr` is made of symbols and numbers by + and × and whole powers that are not negative."""
    if isinstance(expr, (sympy.Symbol, sympy.Number)):
        return True
    if isinstance(expr, sympy.Pow):
        return bool(expr.exp.is_Integer and expr.exp > 0) and _is_polynomial(expr.base)
    return isinstance(expr, (sympy.Add, sympy.Mul)) and all(map(_is_polynomial, expr.args))


def _seen(expr: Expr, features: Mapping[str, Polynomial]) -> bool:
    return any(symbol.name in features for symbol in expr.free_symbols)
