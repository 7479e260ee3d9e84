"""A rule as plain text, for reading: each update as reaction, then diffusion, advection and the rest."""

from __future__ import annotations

import functools
from typing import Any

import sympy
from sympy import Expr
from sympy.printing.str import StrPrinter

from equations.rule.display import formulas_of
from equations.rule.grouping import group_update
from equations.rule.rule import Rule

CALLS = (sympy.Function, sympy.Max, sympy.Min)  # printed the same wherever they stand, so the text is cached


def print_expression(expr: Expr) -> str:
    """One expression in infix form, constants at their shortest exact spelling."""
    return _print(expr)


def print_rule(rule: Rule) -> str:
    """One line per channel, then the formula of a step with its settings, the kernels of the stencils, the colours."""
    width = max(len(channel) for channel in rule.channels)
    lines = [f"d{channel:<{width}} = {_print_update(rule, channel)}" for channel in rule.channels]
    step = f"step: s <- {'clamp(' if rule.clamp else ''}s + {rule.dt!r} * "
    step += "mask * " if rule.update_rate < 1 else ""
    step += "ds" + (f", {rule.clamp[0]!r}, {rule.clamp[1]!r})" if rule.clamp else "")
    lines += ["", step]
    if rule.update_rate < 1:
        lines.append(f"mask: {rule.update_rate!r} of the cells, one draw per {rule.mask}")
    for stencil in rule.stencils:
        if stencil.name != "id":
            rows = "; ".join(" ".join(f"{weight:g}" for weight in row) for row in stencil.kernel)
            lines.append(f"_{stencil.name}: [{rows}]")
    colours = formulas_of(rule)
    lines += ["", "picture, clipped to [0, 1]:"] if colours else []
    lines += [f"{name:<5} = {_print(expr)}" for name, expr in colours.items()]
    return "\n".join(lines) + "\n"


def _print_update(rule: Rule, channel: str) -> str:
    first, *others = (_print(group) for group in group_update(rule, channel).values())
    return first + "".join(f" - {text[1:]}" if text.startswith("-") else f" + {text}" for text in others)


class _Printer(StrPrinter):
    """SymPy's own order and brackets; constants at full precision where SymPy would print 15 digits."""

    def _print(self, expr: Any, **kwargs: Any) -> str:
        return _call(expr) if isinstance(expr, CALLS) and not kwargs else str(super()._print(expr, **kwargs))

    def _print_Float(self, expr: sympy.Float) -> str:
        return repr(float(expr))


@functools.lru_cache(maxsize=1024)
def _call(expr: Expr) -> str:
    """The text of a function call, cached: the channels of a network written out as equations share many calls."""
    return str(StrPrinter._print(_Printer(), expr))


def _print(expr: Expr) -> str:
    return str(_Printer().doprint(expr))
