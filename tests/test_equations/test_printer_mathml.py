"""Every operator and every awkward name prints as well-formed MathML; signs and brackets are where they belong."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from equations.expressions.infix import parse_infix
from equations.expressions.ops import OPERATORS
from equations.expressions.tree import from_tree
from equations.printers import print_rule
from equations.printers.mathml import print_expression, print_terms, symbol_names
from tests.test_equations.awkward import AWKWARD
from tests.test_equations.helpers import NAMES, SET, in_colours, make_rule

ARGUMENTS: dict[str, list[Any]] = {"Power": ["u", -3], "Rational": [2, 7]}


def flat(text: str) -> str:
    """The symbols in order; fractions, roots and indices in a notation of one line."""
    for tag, left in (("mfrac", "frac"), ("msqrt", "root"), ("msup", "sup"), ("msub", "sub")):
        text = text.replace(f"<{tag}>", f"{left}{{").replace(f"</{tag}>", "}")
    return re.sub(r"<[^>]*>", "", text)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_prints(name: str) -> None:
    arguments = ARGUMENTS.get(name, ["u", "v"][: OPERATORS[name].arity[0] if OPERATORS[name].arity[1] < 3 else 2])
    text = print_expression(from_tree([name, *arguments]))
    assert ET.fromstring(text).tag == "mrow"
    assert len(flat(text)) >= 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("u*v^2 - 0.055*u + 0.055", ["usup{v2}", "−0.055u", "+0.055"]),
        ("0.16*u_lap", ["0.16(¼sup{∇2}u)"]),
        ("-u_dx*v", ["−(sub{∂x}u)v"]),
        ("0.3*(u + v)*tanh(-0.5*u)", ["−0.3(u+v)tanh(0.5u)"]),
        ("v*u^2*u_lap*tanh(v)*2", ["2sup{u2}(¼sup{∇2}u)vtanh(v)"]),
        ("abs(u_lap - 0.5)", ["|¼sup{∇2}u−0.5|"]),
        ("(u + v)^3", ["sup{(u+v)3}"]),
        ("u/v - 2/3*u", ["−frac{23}u", "+frac{uv}"]),
        ("1.5e-8*u", ["1.5·sup{10−8}u"]),
        ("exp(-u)", ["sup{e−u}"]),
        ("max(u, 0, -v)", ["max(0,u,−v)"]),
        ("sqrt(u) + u^-2", ["root{u}", "+frac{1sup{u2}}"]),
        ("u_f7*v", ["(f7∗u)v"]),
        ("0", ["0"]),
    ],
)  # fmt: skip
def test_signs_and_brackets(text: str, wanted: list[str]) -> None:
    names = symbol_names(make_rule({"u": "0", "v": "0"}, SET))
    found = [flat(term) for term in print_terms(parse_infix(text, NAMES), names)]
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("label", AWKWARD)
def test_rules_are_well_formed(label: str) -> None:
    rule = AWKWARD[label]
    tree = ET.fromstring(print_rule(rule, "mathml"))
    assert tree.tag == "math"
    assert len([mo for mo in tree.iter("mo") if mo.text == "Δ"]) == len(rule.channels)


def test_colours_are_rows_after_the_updates() -> None:
    rule = in_colours(make_rule({"h3": "0"}), "0.5 - h3", "h3^2", "1")
    assert flat(print_rule(rule, "mathml")) == "Δsub{h3}=0red=0.5−sub{h3}green=sup{sub{h3}2}blue=1\n"


def test_indices() -> None:
    assert flat(print_rule(make_rule({"h3": "h3_lap", "my_c": "h3"}), "mathml")) == (
        "Δsub{h3}=¼sup{∇2}sub{h3}Δmy_c=sub{h3}\n"
    )
