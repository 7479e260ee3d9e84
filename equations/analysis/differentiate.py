"""Values and exact derivatives of a rule's expressions, by forward-mode differentiation of their trees.

The guards of division, √ and exp are differentiated as they compute. Where |x|, max, min or √ has a kink there is no
derivative. Each node then carries the interval of the slopes on its sides: the middle as `slope`, half the width as
`spread` (F. Clarke, Optimization and Nonsmooth Analysis, 1983). Where all spreads are 0 the rule is smooth: u·|u| is
smooth at u = 0, |u| is not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.expressions import guards
from equations.expressions.ops import OPERATORS

Array = npt.NDArray[Any]
NEAR = 1e-7  # an argument is at a kink if its distance is at most this part of the size of its summands
_SMALL = 0.01  # sizes below this count as this in that comparison
_SUMMED = ("value", "size", "slope", "spread")


@dataclass(frozen=True)
class Jet:
    """A node of an expression at n points, with its derivatives by f features.

    value: (n,).
    size: (n,) the size of the terms that add up to the value; a value far below it comes from cancellation.
    slope: (n, f) the derivative; at a kink the middle of the slopes on its sides.
    spread: (n, f) half the difference of these slopes; 0 where there is no kink.
    pole: (n,) whether something is divided by 0, so that only the guard of 1/x keeps the value finite.
    """

    value: Array
    size: Array
    slope: Array
    spread: Array
    pole: Array


def differentiate(tree: Any, names: Sequence[str], values: Array) -> Jet:
    """The jet of a data tree at points `values` (n, f) of the features `names`."""
    points = np.asarray(values, float)
    unit = {name: column for column, name in enumerate(names)}
    with np.errstate(all="ignore"):
        return _walk(tree, unit, points)


def _walk(tree: Any, unit: Mapping[str, int], points: Array) -> Jet:
    if isinstance(tree, str):
        slope = np.zeros_like(points)
        slope[:, unit[tree]] = 1
        value = points[:, unit[tree]]
        return Jet(value, np.abs(value), slope, np.zeros_like(points), np.zeros(len(points), bool))
    if not isinstance(tree, list):
        return _constant(float(tree), points)
    if tree[0] == "Rational":
        return _constant(tree[1] / tree[2], points)
    if tree[0] == "Power":
        return _power(_walk(tree[1], unit, points), tree[2])
    return _MEANING[tree[0]](*(_walk(argument, unit, points) for argument in tree[1:]))


def _constant(value: float, points: Array) -> Jet:
    nothing = np.zeros_like(points)
    none = np.zeros(len(points), bool)
    return Jet(np.full(len(points), value), np.full(len(points), abs(value)), nothing, nothing, none)


def _add(*terms: Jet) -> Jet:
    value, size, slope, spread = (sum(getattr(term, name) for term in terms) for name in _SUMMED)
    return Jet(value, size, slope, spread, np.any([term.pole for term in terms], axis=0))


def _product(a: Jet, b: Jet) -> Jet:
    x, y = a.value[:, None], b.value[:, None]
    return Jet(
        a.value * b.value,
        a.size * b.size,
        x * b.slope + y * a.slope,
        np.abs(x) * b.spread + np.abs(y) * a.spread,
        a.pole | b.pole,
    )


def _multiply(first: Jet, *rest: Jet) -> Jet:
    for other in rest:
        first = _product(first, other)
    return first


def _negate(a: Jet) -> Jet:
    return Jet(-a.value, a.size, -a.slope, a.spread, a.pole)


def _through(a: Jet, value: Array, low: Array, high: Array | None = None) -> Jet:
    """The chain rule for f(a), where f has the slope `low`, or at a kink all slopes from `low` to `high`."""
    high = low if high is None else high
    middle, half = ((high + low) / 2)[:, None], (np.abs(high - low) / 2)[:, None]
    reach = np.abs(a.slope) + a.spread
    return Jet(value, np.abs(value), middle * a.slope, np.abs(middle) * a.spread + half * reach, a.pole)


def _near(a: Jet) -> Array:
    return np.abs(a.value) <= NEAR * np.maximum(a.size, _SMALL)


def _absolute(a: Jet) -> Jet:
    sign, near = np.where(a.value < 0, -1.0, 1.0), _near(a)
    return _through(a, np.abs(a.value), np.where(near, -1.0, sign), np.where(near, 1.0, sign))


def _positive(a: Jet) -> Jet:
    """max(a, 0)."""
    slope, near = (a.value > 0).astype(float), _near(a)
    return _through(a, np.maximum(a.value, 0), np.where(near, 0.0, slope), np.where(near, 1.0, slope))


def _maximum(first: Jet, *rest: Jet) -> Jet:
    for other in rest:
        tie = _near(_add(first, _negate(other)))[:, None]
        ahead = (first.value > other.value)[:, None]
        middle, half = (first.slope + other.slope) / 2, np.abs(first.slope - other.slope) / 2
        first = Jet(
            np.maximum(first.value, other.value),
            np.maximum(first.size, other.size),
            np.where(tie, middle, np.where(ahead, first.slope, other.slope)),
            np.where(
                tie,
                half + np.maximum(first.spread, other.spread),
                np.where(ahead, first.spread, other.spread),
            ),
            first.pole | other.pole,
        )
    return first


def _minimum(*args: Jet) -> Jet:
    return _negate(_maximum(*(_negate(arg) for arg in args)))


def _sqrt(a: Jet) -> Jet:
    root = guards.sqrt(a.value)
    inner = np.where(a.value > 0, 0.5 / np.where(a.value > 0, root, 1), 0.0)
    return _through(a, root, np.where(_near(a), 0.0, inner), np.where(_near(a), 0.5 / np.sqrt(NEAR), inner))


def _reciprocal(a: Jet) -> Jet:
    value = guards.reciprocal(a.value)
    floored = np.abs(a.value) < guards.RECIPROCAL_FLOOR
    return dataclasses.replace(_through(a, value, np.where(floored, 0.0, -(value**2))), pole=a.pole | floored)


def _exp(a: Jet) -> Jet:
    value = guards.exp(a.value)
    return _through(a, value, np.where(a.value < guards.EXP_CEILING, value, 0.0))


def _power(a: Jet, exponent: int | float) -> Jet:
    if exponent in (0.5, -0.5):
        return _sqrt(a) if exponent > 0 else _reciprocal(_sqrt(a))
    n = abs(int(exponent))
    slope = n * guards.power(a.value, n - 1) if n else np.zeros_like(a.value)
    whole = dataclasses.replace(_through(a, guards.power(a.value, n), slope), size=a.size**n)
    return whole if exponent >= 0 else _reciprocal(whole)


_MEANING: dict[str, Callable[..., Jet]] = {
    "Add": _add,
    "Multiply": _multiply,
    "Negate": _negate,
    "Subtract": lambda a, b: _add(a, _negate(b)),
    "Divide": lambda a, b: _product(a, _reciprocal(b)),
    "Abs": _absolute,
    "Max": _maximum,
    "Min": _minimum,
    "Tanh": lambda a: _through(a, np.tanh(a.value), 1 - np.tanh(a.value) ** 2),
    "Exp": _exp,
    "Sin": lambda a: _through(a, np.sin(a.value), np.cos(a.value)),
    "Cos": lambda a: _through(a, np.cos(a.value), -np.sin(a.value)),
    "Sqrt": _sqrt,
    "Relu": _positive,
}
if {*_MEANING, "Power", "Rational"} != set(OPERATORS):
    raise RuntimeError("differentiate.py and ops.py disagree on the operators")
