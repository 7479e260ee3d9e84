"""Functions of the fields with numbers inside, as expressions: their numbers, their simplest writing, their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from distill.regression.polish import basis_functions
from equations.expressions import build
from equations.expressions.numeric import evaluate_tree
from equations.expressions.tree import from_tree, to_tree

Array = npt.NDArray[np.float64]


def bases_of(expr: Expr) -> list[Expr]:
    """The additive basis functions of an expression, each without a number that could stand before it."""
    found: dict[Expr, None] = {}
    for basis in basis_functions(expr):
        found.setdefault(_plain(basis).as_coeff_Mul()[1])
    return list(found)


def _plain(basis: Expr) -> Expr:
    """Sums in denominators and under roots with 1 before their first term; the number is left out."""
    if isinstance(basis, sympy.Mul):
        return build.multiply(*(_plain(factor) for factor in basis.args if not factor.is_Number))
    if isinstance(basis, sympy.Pow) and isinstance(basis.base, sympy.Add):
        first = next((c for c, rest in _parts(basis.base) if rest is not sympy.S.One), 1.0)
        if abs(first) > 0 and (first > 0 or basis.exp.is_Integer):
            terms = (build.multiply(build.number(c / first), rest) for c, rest in _parts(basis.base))
            return build.power(build.add(*terms), basis.exp)
    return basis


def _parts(total: sympy.Add) -> list[tuple[float, Expr]]:
    pairs = [arg.as_coeff_Mul() for arg in total.as_ordered_terms()]
    return [(float(c), rest) for c, rest in pairs]


def numbers_in(bases: Sequence[Expr]) -> list[float]:
    """The numbers in the bases, in order, without exponents, whole numbers and repetitions: equal ones are one."""
    found: dict[float, None] = {}

    def walk(tree: Any) -> None:
        if isinstance(tree, list):
            for part in tree[1:2] if tree[0] == "Power" else tree[1:]:
                walk(part)
        elif isinstance(tree, float):
            found.setdefault(tree)

    for basis in bases:
        walk(to_tree(basis))
    return list(found)


def replace_numbers(basis: Expr, new: Mapping[float, float | int]) -> Expr:
    """The basis with other numbers. Raises InputError where that is no expression of a rule."""

    def walk(tree: Any) -> Any:
        if isinstance(tree, list):
            return [tree[0], walk(tree[1]), tree[2]] if tree[0] == "Power" else [tree[0], *map(walk, tree[1:])]
        return new.get(tree, tree) if isinstance(tree, float) else tree

    return from_tree(walk(to_tree(basis)))


def evaluate(basis: Expr, names: Sequence[str], fields: Sequence[Array]) -> Array:
    """The values of a basis; fields: one array for each name, all of one shape."""
    with np.errstate(all="ignore"):
        value = evaluate_tree(to_tree(basis), dict(zip(names, fields, strict=True)))
    return np.asarray(np.broadcast_to(value, fields[0].shape), np.float64)


def unbiased(basis: Expr, names: Sequence[str], fields: Sequence[Array], noise: Sequence[float]) -> Array:
    """The values less what noise adds to them on average, to second order: half the second derivative times the
    variance, by differences over one standard deviation.

    noise: standard deviation of each field's white noise.
    """
    value = evaluate(basis, names, fields)
    total = value.copy()
    for c, level in enumerate(noise):
        if level > 0 and names[c] in {str(s) for s in basis.free_symbols}:
            moved = [[f + way * level if k == c else f for k, f in enumerate(fields)] for way in (1.0, -1.0)]
            total -= (evaluate(basis, names, moved[0]) + evaluate(basis, names, moved[1])) / 2 - value
    return total
