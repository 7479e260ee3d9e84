"""Lower expression trees to lists of nodes, the form that code is printed from.

Equal parts become one node, and powers become products. Only numbers, names, + − × and the functions of `FUNCTIONS`
remain. The order of evaluation is that of `equations.expressions.numeric.evaluate_tree`, so that targets with the same
arithmetic give the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from equations.expressions.ops import OPERATORS

# each target has its own table for these functions; every other operator is lowered to + − × and these
FUNCTIONS = ("Abs", "Max", "Min", "Tanh", "Exp", "Sin", "Cos", "Sqrt", "Reciprocal")
LOWERED = ("Add", "Multiply", "Negate", "Subtract", "Divide", "Power", "Rational", "Relu")
if {*FUNCTIONS, *LOWERED} - {"Reciprocal"} != set(OPERATORS):
    raise RuntimeError("lowering.py and ops.py disagree on the operators")

# ("const", value) | ("name", text) | ("add", ids…) | ("mul", a, b) | ("neg", a) | (function, ids…)
Node = tuple[Any, ...]


def lower(trees: Sequence[Any]) -> tuple[list[Node], list[int]]:
    """The nodes of all trees, each after its arguments, and the index of each tree's node."""
    lowering = _Lowering()
    outputs = [lowering.lower(tree) for tree in trees]
    return lowering.nodes, outputs


def arguments(node: Node) -> tuple[int, ...]:
    """The indices of the nodes that `node` uses."""
    return () if node[0] in ("const", "name") else node[1:]


def operations(trees: Sequence[Any]) -> int:
    """The number of additions, multiplications and function calls of all trees; equal parts are counted once."""
    return sum(max(1, len(arguments(node)) - 1) for node in lower(trees)[0] if arguments(node))


class _Lowering:
    """Trees to nodes; a node's arguments always come before it."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._ids: dict[Node, int] = {}

    def node(self, *parts: Any) -> int:
        if parts not in self._ids:
            self._ids[parts] = len(self.nodes)
            self.nodes.append(parts)
        return self._ids[parts]

    def lower(self, tree: Any) -> int:
        if isinstance(tree, str):
            return self.node("name", tree)
        if not isinstance(tree, list):
            return self.node("const", float(tree))
        head, rest = tree[0], tree[1:]
        if head == "Rational":
            return self.node("const", rest[0] / rest[1])
        if head == "Power":
            return self.power(self.lower(rest[0]), rest[1])
        ids = [self.lower(argument) for argument in rest]
        if head == "Add":
            return self.node("add", *ids) if len(ids) > 1 else ids[0]
        if head == "Multiply":
            return self.node("mul", ids[0], self.chain("mul", ids[1:])) if len(ids) > 1 else ids[0]
        if head == "Negate":
            return self.node("neg", ids[0])
        if head == "Subtract":
            return self.node("add", ids[0], self.node("neg", ids[1]))
        if head == "Divide":
            return self.node("mul", ids[0], self.node("Reciprocal", ids[1]))
        if head == "Relu":
            return self.node("Max", ids[0], self.node("const", 0.0))
        return self.chain(head, ids) if head in ("Max", "Min") else self.node(head, *ids)

    def chain(self, head: str, ids: list[int]) -> int:
        left = ids[0]
        for right in ids[1:]:
            left = self.node(head, left, right)
        return left

    def power(self, base: int, exponent: int | float) -> int:
        if exponent in (0.5, -0.5):
            root = self.node("Sqrt", base)
            return root if exponent > 0 else self.node("Reciprocal", root)
        if exponent < 0:
            return self.node("Reciprocal", self.power(base, -exponent))
        if exponent in (0, 1):
            return base if exponent else self.node("const", 1.0)
        half = self.power(base, int(exponent) // 2)
        square = self.node("mul", half, half)
        return square if exponent % 2 == 0 else self.node("mul", square, base)
