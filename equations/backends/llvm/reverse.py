"""Reverse-mode differentiation of lowered nodes: from what the outputs are worth to what the features are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from equations.backends.llvm.instructions import Instructions
from equations.expressions import guards
from equations.expressions.lowering import Node


def adjoints(
    nodes: Sequence[Node], values: Mapping[int, str], outputs: Mapping[int, str], code: Instructions
) -> dict[str, str]:
    """The derivative by every name of Σ adjoint · output; `values` of all nodes, `outputs` node -> its adjoint.

    At the kink of an absolute value the slope is that of one side; inside a guard it is 0.
    """
    worth = dict(outputs)
    found: dict[str, str] = {}
    for index in range(len(nodes) - 1, -1, -1):
        if index not in worth or nodes[index][0] == "const":
            continue
        if nodes[index][0] == "name":
            found[nodes[index][1]] = worth[index]
            continue
        for part, share in _shares(nodes[index], index, worth[index], values, code):
            if nodes[part][0] != "const":
                worth[part] = code.op("fadd", worth[part], share) if part in worth else share
    return found


def _shares(node: Node, index: int, worth: str, values: Mapping[int, str], code: Instructions) -> list[tuple[int, str]]:
    """What each argument of a node gets of its adjoint."""
    head, parts = node[0], node[1:]
    if head == "add":
        return [(part, worth) for part in parts]
    if head == "mul":
        a, b = parts
        return [(a, code.op("fmul", worth, values[b])), (b, code.op("fmul", worth, values[a]))]
    if head == "neg":
        return [(parts[0], code.function("neg", worth))]
    zero = code.number(0)
    if head in ("Max", "Min"):
        a, b = parts
        first = code.add(f"fcmp {'oge' if head == 'Max' else 'ole'} {code.kind} {values[a]}, {values[b]}")
        return [(a, code.select(first, worth, zero)), (b, code.select(first, zero, worth))]
    slope = _slope(head, values[parts[0]], values[index], code)
    return [(parts[0], code.op("fmul", worth, slope))]


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
