"""A rule as LaTeX: an `aligned` block, a line for each group of terms; constants to six digits, for print."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr
from sympy.printing.latex import LatexPrinter

from equations.rule.display import formulas_of
from equations.rule.grouping import group_update
from equations.rule.moments import Operator, operators_of, unit_fraction
from equations.rule.rule import Rule
from equations.rule.stencils import feature_name
from equations.rule.symbols import symbol

_OPERATORS: dict[Operator, str] = {
    "cell": "%s", "laplacian": r"\nabla^2 %s", "dx": r"\partial_x %s", "dy": r"\partial_y %s", "mean": r"\overline{%s}",
    "dxx": r"\partial_x^2 %s", "dyy": r"\partial_y^2 %s", "dxy": r"\partial_x \partial_y %s",
}  # fmt: skip
DIGITS = 6
TERMS_A_LINE = 6  # more do not fit on the width of a page


def print_rule(rule: Rule) -> str:
    """The update equations as a LaTeX `aligned` environment: reaction, diffusion, advection, the rest.

    Colours that are expressions follow.
    """
    printer, rows = _printer(symbol_names(rule)), []
    for channel in rule.channels:
        parts = [part for group in group_update(rule, channel).values() for part in _parts(group)]
        rows += _rows(rf"\Delta {channel_name(channel)}", parts, printer)
    printer = _printer({channel: channel_name(channel) for channel in rule.channels})
    for name, expr in formulas_of(rule).items():
        rows += _rows(rf"\mathrm{{{name}}}", _parts(expr), printer)
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}\n"


def _rows(left: str, parts: list[Expr], printer: _Printer) -> list[str]:
    """An equation, with a line for each part of its right side."""
    first, *others = (str(printer.doprint(part)) for part in parts)
    return [f"  {left} &= {first}"] + [
        rf"  &\quad {{}} {'' if text.startswith('-') else '+ '}{text}" for text in others
    ]


def _parts(group: Expr) -> list[Expr]:
    """A sum cut into sums of a line's length."""
    terms = group.as_ordered_terms()
    if len(terms) <= TERMS_A_LINE:
        return [group]
    return [sympy.Add(*terms[i : i + TERMS_A_LINE]) for i in range(0, len(terms), TERMS_A_LINE)]


def print_expression(expr: Expr, names: dict[str, str] | None = None) -> str:
    """One expression in LaTeX; `names` says how features are written."""
    return str(_printer(names or {}).doprint(expr))


def _printer(names: dict[str, str]) -> _Printer:
    return _Printer({"symbol_names": {symbol(name): text for name, text in names.items()}})


def symbol_names(rule: Rule) -> dict[str, str]:
    """How each feature is written: `u_lap` as ∇²u times what its kernel is of the Laplacian, `u_f7` as (f₇ ∗ u)."""
    names = {}
    for stencil, operator in operators_of(rule).items():
        for channel in rule.channels:
            names[feature_name(channel, stencil)] = _response(stencil, operator, channel_name(channel))
    return names


def _response(stencil: str, operator: tuple[Operator, float] | None, channel: str) -> str:
    if operator is None:
        return rf"\left(\mathrm{{{_escaped(stencil)}}} \ast {channel}\right)"
    kind, factor = operator
    share = unit_fraction(factor)
    size = "" if share == 1 else rf"\frac{{1}}{{{share}}} " if share else rf"{_number(abs(factor))} \, "
    front = f"-{size}" if factor < 0 else size
    text = front + _OPERATORS[kind] % channel
    return rf"\left({text}\right)" if front or kind not in ("cell", "mean") else text


class _Printer(LatexPrinter):
    """Constants to six significant digits, powers of ten written out."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._calls: dict[Expr, str] = {}

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if kwargs or not isinstance(expr, (sympy.Max, sympy.Min)):  # a power prints them in another way
            return str(super()._print(expr, **kwargs))
        if expr not in self._calls:
            self._calls[expr] = str(super()._print(expr, **kwargs))
        return self._calls[expr]

    def _print_Float(self, expr: sympy.Float) -> str:
        return _number(float(expr))


def _number(value: float) -> str:
    mantissa, _, exponent = f"{value:.{DIGITS}g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def channel_name(name: str) -> str:
    letter, digits = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")) :]
    head = _escaped(letter) if len(letter) == 1 else rf"\mathrm{{{_escaped(letter)}}}"
    return f"{head}_{{{digits}}}" if digits else head


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")
