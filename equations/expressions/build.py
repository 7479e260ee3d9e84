"""Builders of SymPy expressions that stay fast on large arguments and keep constants finite.

SymPy's own constructors query the assumption system about every argument: `Max(a, b)` of two large arguments alone
can take minutes. These builders make only the simplifications that are cheap. They evaluate constants with the
guarded operators of `guards.py`, so that 1/0 is 1e9 here, as it is in every backend.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import sympy
from sympy import Expr

from equations.errors import InputError, shorten
from equations.expressions import guards

MAX_NUMBER = 1e30
MAX_EXPONENT = 8
# Fractions with larger parts become floats: sums of thousands of fractions would otherwise grow without bound.
MAX_NUMERATOR, MAX_DENOMINATOR = 10**6, 10**4
_MANTISSA_BITS, _SMALLEST_NORMAL = 53, 2.0**-1022  # of a float64
_CACHED_NUMBERS = 16_384  # a network that is written out as equations has the same constants in every channel
# Times a number, these stay as they are; SymPy would distribute the number over a sum and fold it into a power
_SIMPLE = (sympy.Symbol, sympy.Function, sympy.Max, sympy.Min)


def number(value: int | float | sympy.Number) -> Expr:
    """A SymPy number in canonical form: Integer, small Rational, or 53-bit Float; |value| ≤ 1e30."""
    if isinstance(value, float):
        return _decimal(float(value))
    if (
        isinstance(value, sympy.Float)
        and value._prec == _MANTISSA_BITS
        and _SMALLEST_NORMAL <= abs(float(value)) <= MAX_NUMBER
    ):
        return value
    if isinstance(value, (int, sympy.Integer)):
        if abs(int(value)) > 10**30:
            raise InputError(f"expected a number of size at most 1e30, got {shorten(int(value))}")
        return sympy.Integer(value)
    if isinstance(value, sympy.Rational) and abs(value.p) <= MAX_NUMERATOR and value.q <= MAX_DENOMINATOR:
        return value
    return _decimal(value.p / value.q if isinstance(value, sympy.Rational) else float(value))


@functools.lru_cache(maxsize=_CACHED_NUMBERS)
def _decimal(plain: float) -> Expr:
    if not math.isfinite(plain) or abs(plain) > MAX_NUMBER:
        raise InputError(f"expected a finite number of size at most 1e30, got {plain!r}")
    return sympy.Float(plain)


def add(*args: Expr) -> Expr:
    """The sum; like terms are collected by SymPy, constants checked."""
    return _sum_of_distinct(args) or _canonical_number(sympy.Add(*args))


def _sum_of_distinct(args: tuple[Expr, ...]) -> Expr | None:
    """What `sympy.Add` returns when no two terms are alike: the terms in SymPy's order. None for any other sum.

    `sympy.Add` itself queries the assumptions about every constant, which takes a hundred times as long.
    """
    constant, terms = None, []
    for arg in args:
        if isinstance(arg, sympy.Number):
            if constant is not None:
                return None
            constant = arg
        else:
            terms.append(arg)
    if len(terms) < 2 or len({_basis(term) for term in terms} - {None}) != len(terms):
        return None
    terms.sort(key=functools.cmp_to_key(sympy.Basic.compare))
    first = [] if constant is None or _is_zero(constant) else [number(constant)]
    return sympy.Add(*first, *terms, evaluate=False)


def _basis(term: Expr) -> Expr | None:
    """A term without its numeric coefficient; None unless what remains is of one of the `_SIMPLE` kinds."""
    if isinstance(term, _SIMPLE):
        return term
    if isinstance(term, sympy.Mul) and len(term.args) == 2 and isinstance(term.args[0], sympy.Number):
        return term.args[1] if isinstance(term.args[1], _SIMPLE) else None
    return None


def _is_zero(value: Expr) -> bool:
    """Whether a number is 0, without SymPy's `is_zero`, which works out every assumption about the number."""
    return not value if isinstance(value, sympy.Float) else value == 0


def multiply(*args: Expr) -> Expr:
    """The product: SymPy collects powers of one base; constants are multiplied and checked one by one."""
    coefficient: Expr = sympy.Integer(1)
    factors: list[Expr] = []
    for arg in args:
        constant, rest = arg.as_coeff_Mul()
        coefficient = number(constant if coefficient is sympy.S.One else coefficient * constant)
        if rest is not sympy.S.One:
            factors.append(rest)
    if _is_zero(coefficient):
        return sympy.Integer(0)
    if coefficient.is_Float and abs(float(coefficient)) == 1:  # SymPy's Float(1) is not equal to its Integer(1)
        coefficient = sympy.Integer(int(coefficient))  # 1.0·u is u
    if len(factors) == 1 and isinstance(factors[0], _SIMPLE):  # SymPy's result, without its queries
        return factors[0] if coefficient is sympy.S.One else sympy.Mul(coefficient, factors[0], evaluate=False)
    return _canonical_number(sympy.Mul(coefficient, *factors))


def negate(arg: Expr) -> Expr:
    """−arg."""
    return multiply(sympy.Integer(-1), arg)


def subtract(left: Expr, right: Expr) -> Expr:
    """left − right."""
    return add(left, negate(right))


def divide(left: Expr, right: Expr) -> Expr:
    """left · reciprocal(right)."""
    return multiply(left, power(right, sympy.Integer(-1)))


def rational(numerator: Expr, denominator: Expr) -> Expr:
    """The exact fraction of two integers."""
    if not (isinstance(numerator, sympy.Integer) and isinstance(denominator, sympy.Integer)) or denominator == 0:
        raise InputError(f"expected Rational of two integers (second not 0), got {numerator} and {denominator}")
    return number(sympy.Rational(numerator, denominator))


def power(base: Expr, exponent: Expr) -> Expr:
    """base to an integer in −8…8 or to ±1/2; whole floats count as integers."""
    plain = float(exponent) if isinstance(exponent, sympy.Number) else math.nan
    if plain in (0.5, -0.5):
        root = sqrt(base)
        return root if plain > 0 else power(root, sympy.Integer(-1))
    if not (abs(plain) <= MAX_EXPONENT and plain == int(plain)):
        raise InputError(
            "expected an exponent that is a whole number from -8 to 8, or 1/2 or -1/2, got "
            f"{shorten(plain) if math.isfinite(plain) else 'an expression'}; write it with products or exp"
        )
    if isinstance(base, sympy.Number):
        if plain >= 0 and not base.is_Float:
            return number(base ** int(plain))
        if plain < 0 and base.is_Rational and abs(base) >= guards.RECIPROCAL_FLOOR:
            return number(base ** int(plain))
        return _fold(lambda x: guards.power(x, int(plain)), base)
    return _canonical_number(base ** int(plain))


def sqrt(arg: Expr) -> Expr:
    """√max(arg, 0)."""
    if isinstance(arg, sympy.Number):
        return _fold(guards.sqrt, arg)
    if arg.is_nonpositive:  # SymPy would make it imaginary
        return sympy.Integer(0)
    return _canonical_number(sympy.sqrt(arg))


def absolute(arg: Expr) -> Expr:
    """|arg|, its numeric factor taken out, its sign dropped."""
    if isinstance(arg, sympy.Number):
        return abs(arg)
    coefficient, rest = arg.as_coeff_Mul()
    if rest.is_Add and rest.could_extract_minus_sign():
        rest = -rest
    if isinstance(rest, sympy.Abs) or (rest.is_Pow and rest.exp.is_Integer and rest.exp % 2 == 0):
        return multiply(abs(coefficient), rest)
    return multiply(abs(coefficient), sympy.Abs(rest, evaluate=False))


def maximum(*args: Expr) -> Expr:
    """The largest argument; nested ones are joined, constants folded, nothing else is compared."""
    return _extremum(sympy.Max, max, args)


def minimum(*args: Expr) -> Expr:
    """The smallest argument; nested ones are joined, constants folded, nothing else is compared."""
    return _extremum(sympy.Min, min, args)


def relu(arg: Expr) -> Expr:
    """max(0, arg)."""
    return maximum(sympy.Integer(0), arg)


def tanh(arg: Expr) -> Expr:
    """tanh(arg)."""
    return _function(sympy.tanh, math.tanh, arg, odd=True)


def sin(arg: Expr) -> Expr:
    """sin(arg)."""
    return _function(sympy.sin, math.sin, arg, odd=True)


def cos(arg: Expr) -> Expr:
    """cos(arg)."""
    return _function(sympy.cos, math.cos, arg, even=True)


def exp(arg: Expr) -> Expr:
    """exp(min(arg, 80))."""
    # exp(80) of a constant exceeds 1e30, the limit of constants: `number` raises the error
    return _function(sympy.exp, lambda x: math.exp(min(x, guards.EXP_CEILING)), arg)


def _function(
    function: type, meaning: Callable[[float], float], arg: Expr, *, odd: bool = False, even: bool = False
) -> Expr:
    if isinstance(arg, sympy.Number):
        return _fold(meaning, arg)
    if (odd or even) and arg.could_extract_minus_sign():
        inner = function(-arg, evaluate=False)
        return negate(inner) if odd else inner
    return function(arg, evaluate=False)


def _extremum(function: Any, choose: Callable[..., Expr], args: tuple[Expr, ...]) -> Expr:
    flat: list[Expr] = []
    for arg in args:
        flat.extend(arg.args if isinstance(arg, function) else (arg,))
    numbers = [arg for arg in flat if isinstance(arg, sympy.Number)]
    rest = {arg for arg in flat if not isinstance(arg, sympy.Number)}
    if numbers:
        rest.add(choose(numbers, key=float))
    return next(iter(rest)) if len(rest) == 1 else function(*rest, evaluate=False)


def _fold(meaning: Callable[[float], float], arg: sympy.Number) -> Expr:
    value = float(meaning(float(arg)))
    whole = not arg.is_Float and value == int(value) and abs(value) < 2**53
    return number(int(value)) if whole else number(value)


def _canonical_number(expr: Expr) -> Expr:
    """`expr`; where SymPy has folded it into a number, that number in canonical form."""
    if isinstance(expr, sympy.Number):
        plain = number(expr)
        return sympy.Integer(0) if _is_zero(plain) else plain
    return expr
