"""Expressions on NumPy arrays: the slow, obvious interpreter, and generated NumPy code that must match it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from equations.errors import InputError
from equations.expressions import guards
from equations.expressions.ops import OPERATORS
from equations.expressions.tree import to_tree

Array = npt.NDArray[Any]


def evaluate_tree(tree: Any, values: Mapping[str, Array]) -> Any:
    """The value of `tree`, found by walking it: the reference for all generated code. Numbers stay Python floats."""
    if isinstance(tree, str):
        return values[tree]
    if not isinstance(tree, list):
        return float(tree)
    if tree[0] == "Power":
        exponent = tree[2]
        return guards.power(evaluate_tree(tree[1], values), exponent)
    return OPERATORS[tree[0]].numpy(*(evaluate_tree(argument, values) for argument in tree[1:]))


def compile_numpy(exprs: Sequence[Expr], names: Sequence[str]) -> Callable[[Array], Array]:
    """Compile expressions of the features `names` into one function: (features, …) → (expressions, …).

    The function keeps float32 and float64 (other types become float64), computes common parts once, and
    equals `evaluate_tree` bit for bit. Raises InputError for an expression that uses other names.
    """
    return _compiled(tuple(exprs), tuple(names))


@functools.lru_cache(maxsize=64)
def _compiled(exprs: tuple[Expr, ...], names: tuple[str, ...]) -> Callable[[Array], Array]:
    from equations.printers.code import NUMPY, check_names, function_source

    check_names(exprs, names)
    source = function_source([to_tree(expr) for expr in exprs], names, NUMPY)
    namespace: dict[str, Any] = {"np": np, "reciprocal": guards.reciprocal}
    exec(compile(source, "<rule>", "exec"), namespace)  # our own text, printed from a checked tree
    body = namespace["update"]

    def run(features: Array) -> Array:
        features = np.asarray(features)
        if features.dtype.kind != "f":
            features = features.astype(np.float64)
        if len(features) != len(names):
            raise InputError(f"expected {len(names)} features ({', '.join(names)}), got {len(features)}")
        out = np.empty((len(exprs), *features.shape[1:]), features.dtype)
        with np.errstate(all="ignore"):
            for index, value in enumerate(body(features)):
                out[index] = value
        return out

    return run
