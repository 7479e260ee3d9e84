"""Every operator and every awkward name prints as LaTeX that a typesetter reads."""

from __future__ import annotations

import pytest

from equations.expressions.ops import OPERATORS
from equations.expressions.tree import from_tree
from equations.printers import print_rule
from equations.printers.latex import print_expression, symbol_names
from tests.test_equations.awkward import AWKWARD
from tests.test_equations.helpers import make_rule

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


def test_a_line_for_each_group() -> None:
    rule = make_rule({"u": "0.16*u_lap - u*v^2 + 0.1*u_dx + abs(u_dx) + 0.5", "v": "-v_lap"})
    assert print_rule(rule, "latex").splitlines()[1:-1] == [
        r"  \Delta u &= - u v^{2} + 0.5 \\",
        r"  &\quad {} + 0.16 \left(\frac{1}{4} \nabla^2 u\right) \\",
        r"  &\quad {} + 0.1 \left(\partial_x u\right) \\",
        r"  &\quad {} + \left|{\left(\partial_x u\right)}\right| \\",
        r"  \Delta v &= - \left(\frac{1}{4} \nabla^2 v\right)",
    ]


def test_long_groups_are_broken() -> None:
    rule = make_rule({"u": " + ".join(f"0.{k}*u^{k}" for k in range(2, 9)), "v": "0"})
    lines = print_rule(rule, "latex").splitlines()[1:-2]
    assert [line.count("u^{") for line in lines] == [6, 1]
    assert lines[1].startswith(r"  &\quad {} + 0.2 u^{2}")
