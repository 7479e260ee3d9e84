"""What LaTeX and MathML print is mathematically right: put into calculus by hand, it gives what the rule computes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from equations.backends.reference import step
from equations.expressions.infix import parse_infix
from equations.printers import print_rule
from equations.rule.moments import operator_of
from equations.rule.rule import Rule
from equations.rule.stencils import LAP, LAP5, STENCILS, Stencil, feature_names

ID = STENCILS["id"]
DXX = Stencil("dxx", ((0, 0, 0), (1, -2, 1), (0, 0, 0)))
DXY = Stencil("dxy", ((0.25, 0, -0.25), (0, 0, 0), (-0.25, 0, 0.25)))
OPERATORS = {"∇2u": "lap", "∂x2u": "pxx", "∂y2u": "pyy", "∂x∂yu": "pxy", "∂xu": "px", "∂yu": "py"}
FRACTIONS = {"½": "(1/2)", "⅓": "(1/3)", "¼": "(1/4)", "⅛": "(1/8)"}


def scaled(name: str, like: Stencil, factor: float) -> Stencil:
    return Stencil(name, tuple(tuple(factor * w for w in row) for row in like.kernel))  # type: ignore[arg-type]


RULES = {
    "automaton": ((ID, LAP, STENCILS["dx"], STENCILS["dy"]), "0.2858*u_lap - 0.5*u_dx + 0.3*u_dy*u_lap + 0.25*u^2"),
    "five points": ((ID, LAP5), "0.16*u_lap5 - 0.4*u"),
    "Sims": ((ID, STENCILS["lap9sims"]), "0.8*u_lap9sims + 0.3*abs(u_lap9sims)"),
    "half": ((ID, scaled("spread", LAP, 2)), "0.8*u_spread^2 - u_spread"),
    "upside down": ((ID, scaled("lap", LAP, -1)), "u*u_lap - 0.7*u_lap"),
    "nanometres": ((ID, scaled("lap", LAP5, 1e18)), "2e-18*u_lap - 0.5*u"),
    "directions": (
        (ID, LAP, DXX, DXY, Stencil("dyy", ((0, 3, 0), (0, -6, 0), (0, 3, 0)))),
        "0.4*u_lap - 0.05*u_dxx + 0.02*u_dxy*u + 0.1*u_dyy",
    ),
    "slopes": ((ID, scaled("gx", STENCILS["dx"], 0.3), scaled("gy", STENCILS["dy"], -4)), "0.7*u_gx + 0.2*u_gy*u"),
}


def rule_of(label: str) -> Rule:
    stencils, text = RULES[label]
    return Rule(("u",), stencils, {"u": parse_infix(text, feature_names(("u",), stencils))})


def quadratic() -> tuple[np.ndarray, dict[str, float]]:
    """A field on 7² cells, and what calculus says of its middle; y grows downwards."""
    y, x = np.mgrid[-3:4, -3:4].astype(float)
    field = 0.3 + 0.2 * x - 0.1 * y + 0.15 * x**2 + 0.05 * y**2 + 0.07 * x * y
    return field, {"u": 0.3, "lap": 0.4, "px": 0.2, "py": -0.1, "pxx": 0.3, "pxy": 0.07, "pyy": 0.1}


def evaluated(text: str) -> float:
    """The value of an equation in which numbers, names and brackets stand side by side as products."""
    text = re.sub(r"\s+", " ", text).replace("−", "-")
    for operator, name in OPERATORS.items():
        text = text.replace(operator, f"({name})")
    for sign, number in FRACTIONS.items():
        text = text.replace(sign, f"{number}*")
    text = re.sub(r"\|([^|]+)\|", r"(abs(\1))", text)
    text = re.sub(r"(?<=[\w)]) *(?=\()|(?<=[0-9]) *(?=[a-z])|(?<=\)) *(?=[\w(])", "*", text)
    text = re.sub(r"(?<=[a-z)]) +(?=[a-z(])", "*", text).replace("abs*(", "abs(")
    return float(eval(text, {"__builtins__": {}, "abs": abs}, quadratic()[1]))


def from_latex(text: str) -> str:
    text = text.split("&= ")[1].split(r"\end")[0].replace(r"\\", " ").replace(r"&\quad {}", " ")
    text = re.sub(r"\\frac\{1\}\{(\d)\}", r"(1/\1)*", text).replace(r"\,", "*")
    text = re.sub(r"(\S+) \\cdot 10\^\{(-?\d+)\}", r"(\1*10.0**(\2))", text)
    text = text.replace(r"\left|{", "|").replace(r"}\right|", "|").replace(r"\left", "").replace(r"\right", "")
    text = (
        text.replace(r"\nabla^2 ", "∇2").replace("^2 u", "2u").replace(r"\partial_x", "∂x").replace(r"\partial_y", "∂y")
    )
    text = re.sub(r"(?<=∂[xy]) ", "", text)
    return re.sub(r"\^\{(\d)\}", r"**\1", text)


def from_mathml(text: str) -> str:
    text = re.sub(r"<msup><mo>∇</mo><mn>2</mn></msup>", "∇2", text)
    power = r"<mn>([^<]+)</mn><mo>·</mo><msup><mn>10</mn><mrow>(.*?)</mrow></msup>"
    text = re.sub(power, lambda found: f"({found[1]}*10.0**({re.sub('<[^>]*>', '', found[2])}))", text)
    text = re.sub(r"(?s)<msup>((?:(?!<msup>).)*?)<mn>(\d)</mn></msup>", r"(\1)**\2", text)
    text = text.replace('<mspace width="0.17em"/>', "*")
    return re.sub(r"<[^>]*>", "", text).split("=", 1)[1]


@pytest.mark.parametrize("label", RULES)
@pytest.mark.parametrize("language", ["latex", "mathml"])
def test_printed_numbers(label: str, language: str) -> None:
    rule = rule_of(label)
    field, _ = quadratic()
    after = step(rule, field[None], step=0, seed=0)
    wanted = float(after[0, 3, 3]) - field[3, 3]
    read = {"latex": from_latex, "mathml": from_mathml}[language](print_rule(rule, language))
    assert evaluated(read) == pytest.approx(wanted, rel=1e-4), read


@pytest.mark.parametrize(
    ("stencil", "wanted"),
    [
        (LAP, ("laplacian", 0.25)),
        (STENCILS["lap9sims"], ("laplacian", 0.3)),
        (STENCILS["moore"], ("mean", 1)),
        (STENCILS["dy"], ("dy", 1)),
        (STENCILS["f7"], None),
        (Stencil("lap", ((0, 0, 0), (1, -2, 1), (0, 0, 0))), ("dxx", 1)),  # along x only
        (Stencil("lap", ((1, -2, 1), (1, -2, 1), (1, -2, 1))), ("dxx", 3)),
        (DXY, ("dxy", 1)),
        (Stencil("lap", ((1, -2, 1), (-2, 4, -2), (1, -2, 1))), None),  # no second derivative at all
        (Stencil("dx", ((1, 0, 0), (0, 0, 0), (0, 0, -1))), None),  # a slope along the diagonal
        (Stencil("dx", ((-1, 0, 1), (2, 0, -2), (-1, 0, 1))), None),  # no slope at all
    ],
    ids=lambda value: value.name if isinstance(value, Stencil) else "",
)
def test_the_kernel_decides(stencil: Stencil, wanted: tuple[str, float] | None) -> None:
    found = operator_of(stencil)
    assert found == (None if wanted is None else (wanted[0], pytest.approx(wanted[1])))


def test_of_two_laplacians_one_keeps_its_name() -> None:
    rule = Rule(("u",), (ID, LAP, LAP5), {"u": parse_infix("u_lap - 0.25*u_lap5", ("u", "u_lap", "u_lap5"))})
    assert r"\mathrm{lap5} \ast u" in print_rule(rule, "latex")


def test_lengths_are_in_the_unit_of_the_rule() -> None:
    assert operator_of(scaled("lap", LAP5, 1 / 0.4**2), 0.4) == ("laplacian", pytest.approx(1))
    assert operator_of(scaled("dx", STENCILS["dx"], 1 / 0.4), 0.4) == ("dx", pytest.approx(1))
