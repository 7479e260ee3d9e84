"""The guarded operators in NumPy: defined for every number, and the same on every backend.

Division, square root and exponential are guarded, so that no single cell makes a rule found by regression infinite.
NaN is passed on, so that divergence stays visible.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

RECIPROCAL_FLOOR = 1e-9
EXP_CEILING = 80.0


def reciprocal(x: Any) -> Any:
    """1/x with |x| kept at or above 1e-9; reciprocal(0) = 1e9."""
    x = np.asarray(x)
    real = x.dtype.type if x.dtype.kind == "f" else np.float64
    floor = real(RECIPROCAL_FLOOR)
    return real(1) / np.where(np.abs(x) < floor, np.where(x < 0, -floor, floor), x)


def sqrt(x: Any) -> Any:
    """√max(x, 0)."""
    return np.sqrt(np.maximum(x, 0))


def exp(x: Any) -> Any:
    """exp(min(x, 80)): float32 holds exp(80), but not exp(90)."""
    return np.exp(np.minimum(x, EXP_CEILING))


def power(x: Any, exponent: int | float) -> Any:
    """x to an integer in -8..8 by repeated multiplication, or to ±1/2; negative ones through `reciprocal`."""
    if exponent in (0.5, -0.5):
        root = sqrt(x)
        return root if exponent > 0 else reciprocal(root)
    return reciprocal(_whole_power(x, -int(exponent))) if exponent < 0 else _whole_power(x, int(exponent))


def _whole_power(x: Any, n: int) -> Any:
    if n == 0:
        return np.ones_like(x)
    if n == 1:
        return x
    half = _whole_power(x, n // 2)
    return half * half if n % 2 == 0 else half * half * x


def add(*args: Any) -> Any:
    """Sum from left to right."""
    return functools.reduce(operator.add, args)


def multiply(first: Any, *rest: Any) -> Any:
    """first · (product of the rest, left to right): a leading constant multiplies last.

    So `0.1·u·v²` and `-u·v²` share `u·v²`, and code that computes it once rounds as this does.
    """
    return first * functools.reduce(operator.mul, rest) if rest else first


def maximum(*args: Any) -> Any:
    """The largest argument, elementwise."""
    return functools.reduce(np.maximum, args)


def minimum(*args: Any) -> Any:
    """The smallest argument, elementwise."""
    return functools.reduce(np.minimum, args)
