"""The one operator table: every reader, printer and backend is built on it and checked against it.

Names are those of MathJSON. `Subtract`, `Divide`, `Negate`, `Rational` and `Relu` are read but have no
SymPy class of their own: they become Add, Multiply, Power, a fraction, and Max(0, x).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from equations.expressions import build, guards

MANY = 1 << 30


@dataclass(frozen=True)
class Operator:
    """One operator.

    name: its MathJSON name.
    sympy_class: its class in SymPy; None for names that are read but never written.
    arity: the least and the most number of arguments.
    complexity: the cost of one application; an n-ary sum or product counts as n − 1 applications.
    build: makes the SymPy expression from the arguments.
    numpy: computes the value from arrays.
    """

    name: str
    sympy_class: type | None
    arity: tuple[int, int]
    complexity: int
    build: Callable[..., sympy.Expr]
    numpy: Callable[..., Any]


OPERATORS: dict[str, Operator] = {
    op.name: op
    for op in (
        Operator("Add", sympy.Add, (1, MANY), 1, build.add, guards.add),
        Operator("Multiply", sympy.Mul, (1, MANY), 1, build.multiply, guards.multiply),
        Operator("Negate", None, (1, 1), 1, build.negate, operator.neg),
        Operator("Subtract", None, (2, 2), 1, build.subtract, operator.sub),
        Operator("Divide", None, (2, 2), 1, build.divide, lambda a, b: a * guards.reciprocal(b)),
        Operator("Power", sympy.Pow, (2, 2), 1, build.power, guards.power),
        Operator("Rational", None, (2, 2), 0, build.rational, operator.truediv),
        Operator("Abs", sympy.Abs, (1, 1), 1, build.absolute, np.abs),
        Operator("Max", sympy.Max, (1, MANY), 1, build.maximum, guards.maximum),
        Operator("Min", sympy.Min, (1, MANY), 1, build.minimum, guards.minimum),
        Operator("Tanh", sympy.tanh, (1, 1), 2, build.tanh, np.tanh),
        Operator("Exp", sympy.exp, (1, 1), 2, build.exp, guards.exp),
        Operator("Sin", sympy.sin, (1, 1), 2, build.sin, np.sin),
        Operator("Cos", sympy.cos, (1, 1), 2, build.cos, np.cos),
        Operator("Sqrt", None, (1, 1), 2, build.sqrt, guards.sqrt),
        Operator("Relu", None, (1, 1), 1, build.relu, lambda x: np.maximum(x, 0)),
    )
}

BY_CLASS: dict[type, Operator] = {op.sympy_class: op for op in OPERATORS.values() if op.sympy_class is not None}
