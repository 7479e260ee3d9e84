"""Reverse-mode differentiation of lowered nodes: from the adjoints of the outputs to the adjoints of the features.

The adjoint of a value is the derivative of the loss with respect to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from equations.backends.llvm.instructions import Instructions
from equations.expressions import guards
from equations.expressions.lowering import Node


def adjoints(
    nodes: Sequence[Node], values: Mapping[int, str], outputs: Mapping[int, str], code: Instructions
) -> dict[str, str]:
    """The derivative of Σ adjoint · output with respect to every name, by name.

    values: node → its value, for all nodes. outputs: node → its adjoint.
    At the kink of an absolute value the slope is that of one side; where a guard holds a value the slope is 0.
    """
    adjoint = dict(outputs)
    found: dict[str, str] = {}
    for index in range(len(nodes) - 1, -1, -1):
        if index not in adjoint or nodes[index][0] == "const":
            continue
        if nodes[index][0] == "name":
            found[nodes[index][1]] = adjoint[index]
            continue
        for part, share in _shares(nodes[index], index, adjoint[index], values, code):
            if nodes[part][0] != "const":
                adjoint[part] = code.op("fadd", adjoint[part], share) if part in adjoint else share
    return found


def _shares(
    node: Node, index: int, adjoint: str, values: Mapping[int, str], code: Instructions
) -> list[tuple[int, str]]:
    """(argument, its share of the node's adjoint): adjoint · ∂node/∂argument, for each argument of a node."""
    head, parts = node[0], node[1:]
    if head == "add":
        return [(part, adjoint) for part in parts]
    if head == "mul":
        a, b = parts
        return [(a, code.op("fmul", adjoint, values[b])), (b, code.op("fmul", adjoint, values[a]))]
    if head == "neg":
        return [(parts[0], code.function("neg", adjoint))]
    zero = code.number(0)
    if head in ("Max", "Min"):
        a, b = parts
        first = code.add(f"fcmp {'oge' if head == 'Max' else 'ole'} {code.kind} {values[a]}, {values[b]}")
        return [(a, code.select(first, adjoint, zero)), (b, code.select(first, zero, adjoint))]
    slope = _slope(head, values[parts[0]], values[index], code)
    return [(parts[0], code.op("fmul", adjoint, slope))]


def _slope(head: str, argument: str, value: str, code: Instructions) -> str:
    zero, one = code.number(0), code.number(1)
    if head == "Abs":
        return code.sign(argument)
    if head == "Tanh":
        return code.product_sum(code.function("neg", value), value, one)
    if head == "Exp":
        return code.either("olt", argument, code.number(guards.EXP_CEILING), value, zero)
    if head == "Sin":
        return code.function("Cos", argument)
    if head == "Cos":
        return code.function("neg", code.function("Sin", argument))
    if head == "Sqrt":
        safe = code.either("ogt", argument, zero, value, one)
        return code.either("ogt", argument, zero, code.op("fdiv", code.number(0.5), safe), zero)
    assert head == "Reciprocal"
    steep = code.function("neg", code.op("fmul", value, value))
    return code.either("oge", code.absolute(argument), code.number(guards.RECIPROCAL_FLOOR), steep, zero)
