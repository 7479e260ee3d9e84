"""Expressions on torch tensors: differentiable, batched, on any device, equal to the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from sympy import Expr
from torch import Tensor

from equations.errors import InputError
from equations.expressions import guards
from equations.expressions.tree import to_tree
from equations.printers.code import TORCH, check_names, function_source


def compile_torch(exprs: Sequence[Expr], names: Sequence[str]) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """Compile expressions of the features `names` into one function: feature tensors → expression tensors.

    The features (a list, or one tensor with the features first) share shape, dtype and device; so do the
    results, constants included. Gradients are finite wherever the value is, also at the guards.
    Raises InputError when an expression uses a name that is not in `names`.
    """
    check_names(exprs, names)
    body = compile_trees([to_tree(expr) for expr in exprs], names)

    def run(features: Sequence[Tensor]) -> list[Tensor]:
        if len(features) != len(names):
            raise InputError(f"expected {len(names)} features ({', '.join(names)}), got {len(features)}")
        return [value if isinstance(value, Tensor) else torch.full_like(features[0], value) for value in body(features)]

    return run


def compile_trees(trees: Sequence[Any], names: Sequence[str]) -> Callable[[Sequence[Tensor]], list[Any]]:
    """The bare function behind `compile_torch`: a constant stays a number, tensors need only broadcast."""
    namespace: dict[str, Any] = dict(_FUNCTIONS)
    source = function_source(trees, names, TORCH)
    exec(compile(source, "<rule>", "exec"), namespace)  # our own text, printed from checked trees
    body: Callable[[Sequence[Tensor]], list[Any]] = namespace["update"]
    return body


def _reciprocal(x: Tensor) -> Tensor:
    # constants of x's own type: bare numbers would become float32. The gradient inside the guard is 0
    floor = torch.where(x < 0, x.new_full((), -guards.RECIPROCAL_FLOOR), x.new_full((), guards.RECIPROCAL_FLOOR))
    return torch.where(x.abs() < guards.RECIPROCAL_FLOOR, floor, x).reciprocal()


def _sqrt(x: Tensor) -> Tensor:
    # the inner where keeps the infinite slope at 0 out of the gradient
    off = x <= 0
    return torch.where(off, torch.zeros_like(x), torch.where(off, torch.ones_like(x), x).sqrt())


def _maximum(a: Any, b: Any) -> Tensor:
    a, b = _as_tensors(a, b)
    return torch.maximum(a, b)


def _minimum(a: Any, b: Any) -> Tensor:
    a, b = _as_tensors(a, b)
    return torch.minimum(a, b)


def _as_tensors(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    if not isinstance(a, Tensor):
        a = b.new_full((), a)
    return a, b if isinstance(b, Tensor) else a.new_full((), b)


_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "abs_": torch.abs,
    "max_": _maximum,
    "min_": _minimum,
    "tanh_": torch.tanh,
    "exp_": lambda x: torch.exp(torch.clamp(x, max=guards.EXP_CEILING)),
    "sin_": torch.sin,
    "cos_": torch.cos,
    "sqrt_": _sqrt,
    "reciprocal_": _reciprocal,
}
