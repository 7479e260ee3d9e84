"""Operon's trees to SymPy, node by node.

Operon's text parser crashes on some strings and its printer rounds, so neither is used. Trees are in postfix order:
the children of a node come before it, its first child last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy import Expr

from equations.errors import InputError
from equations.expressions import build


def to_sympy(tree: Any, symbols: Mapping[int, Expr]) -> Expr | None:
    """The expression of an Operon tree; `symbols` maps variable hashes to what they stand for.

    None when the tree holds an operator that rules do not have, or constants beyond their range.
    """
    import pyoperon as op

    kinds: dict[Any, Callable[..., Expr]] = {
        op.NodeType.Add: build.add,
        op.NodeType.Mul: build.multiply,
        op.NodeType.Sub: lambda *a: build.negate(*a) if len(a) == 1 else build.subtract(a[0], build.add(*a[1:])),
        op.NodeType.Div: build.divide,
        op.NodeType.Abs: build.absolute,
        op.NodeType.Tanh: build.tanh,
        op.NodeType.Exp: build.exp,
        op.NodeType.Sin: build.sin,
        op.NodeType.Cos: build.cos,
        op.NodeType.Sqrt: build.sqrt,
        op.NodeType.Square: lambda a: build.power(a, sympy.Integer(2)),
    }
    stack: list[Expr] = []
    try:
        for node in tree.Nodes:
            if node.IsVariable:
                stack.append(build.multiply(build.number(float(node.Value)), symbols[node.HashValue]))
            elif node.IsConstant:
                stack.append(build.number(float(node.Value)))
            elif node.Type in kinds:
                args = [stack.pop() for _ in range(node.Arity)]  # the first child is on top
                stack.append(kinds[node.Type](*args))
            else:
                return None
    except InputError:
        return None
    return stack[0]
