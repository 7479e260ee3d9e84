"""Every operator and every awkward name prints as LaTeX that a typesetter reads."""

from __future__ import annotations

import pytest

from equations.ops import OPERATORS
from equations.printers import print_rule
from equations.printers.latex import print_expression, symbol_names
from equations.tree import from_tree
from tests.test_equations.awkward import AWKWARD

ARGUMENTS = {"Power": ["u", -3], "Rational": [2, 7]}
MARKS = {
    "Add": "u + v", "Multiply": "u v", "Negate": "- u", "Subtract": "u - v", "Divide": r"\frac{u}{v}",
    "Power": r"\frac{1}{u^{3}}", "Rational": r"\frac{2}{7}", "Abs": r"\left|{u}\right|",
    "Max": r"\max\left(u, v\right)",
    "Min": r"\min\left(u, v\right)", "Tanh": r"\tanh{\left(u \right)}", "Exp": "e^{u}", "Sin": r"\sin{\left(u \right)}",
    "Cos": r"\cos{\left(u \right)}", "Sqrt": r"\sqrt{u}", "Relu": r"\max\left(0, u\right)",
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_prints(name: str) -> None:
    arguments = ARGUMENTS.get(name, ["u", "v"][: OPERATORS[name].arity[0] if OPERATORS[name].arity[1] < 3 else 2])
    assert print_expression(from_tree([name, *arguments])) == MARKS[name]


@pytest.mark.parametrize(
    "label", [label for label in AWKWARD if label != "wide"]
)  # much of the same, and slow to typeset
def test_mathtext_reads_it(label: str) -> None:
    from matplotlib.mathtext import MathTextParser

    rule, parser = AWKWARD[label], MathTextParser("path")
    names = symbol_names(rule)
    for channel in rule.channels:
        parser.parse(f"${print_expression(rule.updates[channel], names)}$")
    assert print_rule(rule, "latex").count(r"\Delta") == len(rule.channels)
    with pytest.raises(ValueError):  # the parser can fail
        parser.parse(r"$\frac{u$")
