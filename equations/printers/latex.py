"""A rule as LaTeX: an `aligned` block, a line for each group of terms; constants to six digits, for print."""

from __future__ import annotations

import sympy
from sympy import Expr
from sympy.printing.latex import LatexPrinter

from equations.grouping import group_update
from equations.rule import Rule
from equations.stencils import feature_name

_OPERATORS = {
    "id": "%s",
    "lap": r"\left(\nabla^2 %s\right)",
    "lap5": r"\left(\nabla^2 %s\right)",
    "lap9sims": r"\left(\nabla^2 %s\right)",
    "dx": r"\left(\partial_x %s\right)",
    "dy": r"\left(\partial_y %s\right)",
    "moore": r"\overline{%s}",
}
DIGITS = 6
TERMS_A_LINE = 6  # more do not fit on a page


def print_rule(rule: Rule) -> str:
    """The update equations as a LaTeX `aligned` environment: reaction, diffusion, advection, the rest."""
    names, rows = symbol_names(rule), []
    for channel in rule.channels:
        parts = [part for group in group_update(rule, channel).values() for part in _parts(group)]
        first, *others = (print_expression(part, names) for part in parts)
        rows.append(rf"  \Delta {_channel(channel)} &= {first}")
        rows += [rf"  &\quad {{}} {'' if text.startswith('-') else '+ '}{text}" for text in others]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}\n"


def _parts(group: Expr) -> list[Expr]:
    """A sum cut into sums of a line's length."""
    terms = group.as_ordered_terms()
    if len(terms) <= TERMS_A_LINE:
        return [group]
    return [sympy.Add(*terms[i : i + TERMS_A_LINE]) for i in range(0, len(terms), TERMS_A_LINE)]


def print_expression(expr: Expr, names: dict[str, str] | None = None) -> str:
    """One expression in LaTeX; `names` says how features are written."""
    known = {sympy.Symbol(name, real=True): text for name, text in (names or {}).items()}
    return str(_Printer({"symbol_names": known}).doprint(expr))


def symbol_names(rule: Rule) -> dict[str, str]:
    """How each feature is written: `u_lap` as ∇²u, `u_f7` as (f₇ ∗ u)."""
    names = {}
    for channel in rule.channels:
        for stencil in rule.stencils:
            other = rf"\left(\mathrm{{{_escaped(stencil.name)}}} \ast %s\right)"
            pattern = _OPERATORS.get(stencil.name, other)
            names[feature_name(channel, stencil.name)] = pattern % _channel(channel)
    return names


class _Printer(LatexPrinter):
    """Constants to six significant digits, powers of ten written out."""

    def _print_Float(self, expr: sympy.Float) -> str:
        mantissa, _, exponent = f"{float(expr):.{DIGITS}g}".partition("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _channel(name: str) -> str:
    letter, digits = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")) :]
    head = _escaped(letter) if len(letter) == 1 else rf"\mathrm{{{_escaped(letter)}}}"
    return f"{head}_{{{digits}}}" if digits else head


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")
