"""Expressions as programs for the page's calculator: postfix, plain JSON, never evaluated as text.

`["u_lap", "u.3", "*2"]` is u_lap · u.3. An item is a number; a name of a feature, channel, constant or parameter; or an
operator: a sign of `OPERATORS`, followed by its number of arguments or, for a power, its exponent.
"""

from __future__ import annotations

from equations.expressions.ops import OPERATORS as ALL
from equations.expressions.tree import Tree

Program = list[float | str]
OPERATORS = {
    "Add": "+",
    "Multiply": "*",
    "Negate": "~",
    "Subtract": "-",
    "Divide": "/",
    "Power": "^",
    "Abs": "|",
    "Max": ">",
    "Min": "<",
    "Tanh": "%tanh",
    "Exp": "%exp",
    "Sin": "%sin",
    "Cos": "%cos",
    "Sqrt": "%sqrt",
    "Relu": "%relu",
}
if {*OPERATORS, "Rational"} != set(ALL):
    raise RuntimeError("programs.py and ops.py disagree on the operators")


def program_of(tree: Tree) -> Program:
    """The program of a data tree. Names stay as they are; fractions become numbers."""
    if isinstance(tree, str):
        return [tree]
    if not isinstance(tree, list):
        return [float(tree)]
    head, *rest = tree
    if head == "Rational":
        return [rest[0] / rest[1]]
    if head == "Power":
        return [*program_of(rest[0]), f"^{rest[1]:g}"]
    return [*(item for argument in rest for item in program_of(argument)), f"{OPERATORS[head]}{len(rest)}"]
