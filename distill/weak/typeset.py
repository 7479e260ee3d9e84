"""An equation as LaTeX and as MathML: coefficients with their errors, terms as the field writes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sympy import Expr

from distill.weak.equation import ChannelLaw, Equation, FoundTerm
from distill.weak.terms import Term, term_of
from equations.expressions.tree import round_constants
from equations.printers.latex import channel_name as latex_name
from equations.printers.latex import print_expression as print_latex
from equations.printers.mathml import ATOM
from equations.printers.mathml import channel_name as mathml_name
from equations.printers.mathml import print_expression as print_mathml

PLAIN = 5  # significant digits of a coefficient without an error
MOST_PLACES = 8  # behind the decimal point; a smaller error is written with a power of ten
TERMS_A_LINE = 4
_SMALL, _LARGE = 1e-3, 1e5  # coefficients between these are written without a power of ten


@dataclass(frozen=True)
class _Notation:
    """How one markup writes what terms are made of; strings have %s for what goes in."""

    name: Callable[[str], str]
    function: Callable[[Expr, Sequence[str]], str]
    power: str
    quotient: str
    joined: str
    bracketed: str
    laplacian: str
    bilaplacian: str
    divergence: str
    gradient: str
    squared: str
    slope: dict[str, str]


def _latex_function(basis: Expr, names: Sequence[str]) -> str:
    return print_latex(basis, {name: latex_name(name) for name in names})


def _mathml_function(basis: Expr, names: Sequence[str]) -> str:
    return print_mathml(basis, {name: (mathml_name(name), ATOM) for name in names})


LATEX = _Notation(
    name=latex_name, function=_latex_function, power="%s^{%d}", quotient=r"\frac{%s}{%s + %s}", joined=" ",
    bracketed=r"\left(%s\right)", laplacian=r"\nabla^2 %s",
    bilaplacian=r"\nabla^4 %s", divergence=r"\nabla \cdot \left(%s\right)", gradient=r"\nabla %s",
    squared=r"\left|\nabla %s\right|^2",
    slope={"x": r"\partial_x %s", "y": r"\partial_y %s", "xx": r"\partial_x^2 %s", "yy": r"\partial_y^2 %s",
           "xy": r"\partial_x \partial_y %s"},
)  # fmt: skip
_OF = "<msub><mo>∂</mo><mi>%s</mi></msub>"
_TWICE = "<msubsup><mo>∂</mo><mi>%s</mi><mn>2</mn></msubsup>"
_BRACKETS = "<mrow><mo>(</mo>%s<mo>)</mo></mrow>"
MATHML = _Notation(
    name=mathml_name, function=_mathml_function, power="<msup>%s<mn>%d</mn></msup>",
    quotient="<mfrac><mrow>%s</mrow><mrow>%s<mo>+</mo>%s</mrow></mfrac>",
    joined='<mspace width="0.17em"/>', bracketed=_BRACKETS,
    laplacian="<msup><mo>∇</mo><mn>2</mn></msup>%s", bilaplacian="<msup><mo>∇</mo><mn>4</mn></msup>%s",
    divergence="<mo>∇</mo><mo>·</mo>" + _BRACKETS, gradient="<mo>∇</mo>%s",
    squared="<msup><mrow><mo>|</mo><mo>∇</mo>%s<mo>|</mo></mrow><mn>2</mn></msup>",
    slope={"x": _OF % "x" + "%s", "y": _OF % "y" + "%s", "xx": _TWICE % "x" + "%s", "yy": _TWICE % "y" + "%s",
           "xy": _OF % "x" + _OF % "y" + "%s"},
)  # fmt: skip


def to_latex(equation: Equation) -> str:
    """The equations as an `aligned` block, a few terms a line; offsets follow as lines of their own."""
    rows = []
    for law in equation.laws:
        head, parts = rf"\partial_t {latex_name(law.channel)}", _signed(law, equation, LATEX)
        lines = [" ".join(parts[i : i + TERMS_A_LINE]) for i in range(0, len(parts), TERMS_A_LINE)] or ["0"]
        rows.append(f"  {head} &= {lines[0].removeprefix('+ ')}")
        rows += [rf"  &\quad {{}} {line}" for line in lines[1:]]
    for channel, offset in zip(equation.channels, equation.offsets, strict=True):
        if offset:
            rows.append(rf"  {latex_name(channel)} &\to {latex_name(channel)} - {offset:g}")
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}\n"


def to_mathml(equation: Equation) -> list[tuple[str, list[str]]]:
    """For each channel the left side, and the terms of the right one with their signs, as MathML."""
    head = "<msub><mo>∂</mo><mi>t</mi></msub>%s"
    sides = [_signed(law, equation, MATHML) or ["<mn>0</mn>"] for law in equation.laws]
    return [(head % mathml_name(channel), side) for channel, side in zip(equation.channels, sides, strict=True)]


def _signed(law: ChannelLaw, equation: Equation, notation: _Notation) -> list[str]:
    certain = law.verdict == equation.verdict == "found"
    found = []
    for number, term in enumerate(law.terms):
        minus = term.coefficient < 0
        size = _coefficient(term, certain, notation)
        meant = term_of(term.text, term.saturation, equation.channels, term.free)
        what = "" if term.text == "1" else notation.joined + write_term(meant, equation.channels, notation)
        if notation is MATHML:
            form = "prefix" if number == 0 else "infix"
            sign = f'<mo form="{form}">{"−" if minus else "+"}</mo>' if minus or number else ""
            found.append(sign + size + what)
        else:
            found.append(f"{'-' if minus else '+'} {size}{what}")
    return found


def write_term(term: Term, names: Sequence[str], notation: _Notation) -> str:
    """A term without its coefficient."""
    name = [notation.name(n) for n in names]

    def product(channels: Sequence[int]) -> str:
        counts = {c: list(channels).count(c) for c in sorted(set(channels))}
        return notation.joined.join(name[c] if n == 1 else notation.power % (name[c], n) for c, n in counts.items())

    first, channels = term.parts[0], term.channels
    if term.family == "reaction":
        return product(channels)
    if term.saturation is not None:
        own = [term.saturation.channel] * term.saturation.power
        digits, _, exponent = measured(term.saturation.half**term.saturation.power, None)
        half = (digits if notation is LATEX else f"<mn>{digits}</mn>") + _power_of_ten(exponent, notation)
        return notation.quotient % (product([*channels, *own]), product(own), half)
    if term.free is not None:
        return notation.function(round_constants(term.free.basis, PLAIN), names)
    if term.family == "diffusion":
        return notation.laplacian % name[channels[0]]
    if term.family == "fourth_order":
        return notation.bilaplacian % name[channels[0]]
    if term.family == "nonlinear_diffusion":
        return notation.laplacian % (notation.bracketed % product(channels))
    if term.family == "taxis":
        return notation.divergence % (name[channels[0]] + notation.gradient % name[channels[1]])
    if term.family == "gradient_squared":
        return notation.squared % name[channels[0]]
    if not any(first.moved):
        return name[channels[0]] + notation.joined + notation.slope[first.factors[1][1]] % name[channels[1]]
    way = {(0, 1): "x", (1, 0): "y", (0, 2): "xx", (2, 0): "yy", (1, 1): "xy"}[first.moved]
    inside = product(channels)
    return notation.slope[way] % (inside if len(channels) == 1 else notation.bracketed % inside)


def _coefficient(term: FoundTerm, certain: bool, notation: _Notation) -> str:
    """The size of a coefficient, with its error where that means something."""
    value, error, exponent = measured(term.coefficient, term.error if certain else None)
    latex = notation is LATEX
    size = value if latex else f"<mn>{value}</mn>"
    if error is not None:
        mantissa, _, tiny = error.partition("e")
        apart = (mantissa if latex else f"<mn>{mantissa}</mn>") + _power_of_ten(int(tiny or 0), notation)
        size = rf"({value} \pm {apart})" if latex else _BRACKETS % f"<mn>{value}</mn><mo>±</mo>{apart}"
    return size + _power_of_ten(exponent, notation)


def _power_of_ten(exponent: int, notation: _Notation) -> str:
    if not exponent:
        return ""
    if notation is LATEX:
        return rf" \cdot 10^{{{exponent}}}"
    power = f"<mo>−</mo><mn>{-exponent}</mn>" if exponent < 0 else f"<mn>{exponent}</mn>"
    return f"<mo>·</mo><msup><mn>10</mn><mrow>{power}</mrow></msup>"


def measured(value: float, error: float | None) -> tuple[str, str | None, int]:
    """|value| and its error with two digits, both as text, over a common power of ten: ("1.0055", "0.0041", 0)."""
    size = abs(value)
    exponent = 0 if _SMALL <= size < _LARGE or not size else math.floor(math.log10(size))
    size /= 10.0**exponent
    if error is None or not (error > 0 and math.isfinite(error)):
        return f"{size:.{PLAIN}g}", None, exponent
    apart = error / 10.0**exponent
    places = max(0, 1 - math.floor(math.log10(apart)))
    if places > MOST_PLACES:
        return f"{size:.{MOST_PLACES + 1}g}", f"{apart:.1g}", exponent
    return f"{size:.{places}f}", f"{apart:.{places}f}", exponent
