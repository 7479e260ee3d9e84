"""Printers: a rule as text, LaTeX, MathML, a Python script, a C program, a shader, CSV; each loaded on use.

A printer module has `print_rule(rule: Rule) -> str`. Printed forms are derived and never read back.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from equations.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from equations.rule.rule import Rule

PRINTERS: dict[str, str] = {
    "text": "equations.printers.text",
    "latex": "equations.printers.latex",
    "mathml": "equations.printers.mathml",
    "python": "equations.printers.python",
    "c": "equations.printers.c",
    "glsl": "equations.printers.glsl",
    "csv": "equations.printers.csv",
}


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return tuple(PRINTERS)


def print_rule(rule: Rule, format: str = "text") -> str:
    """`rule` in one of `formats()`; raises InputError for an unknown format."""
    if format not in PRINTERS:
        raise InputError(f"unknown format {format!r}{did_you_mean(format, PRINTERS)}; expected {', '.join(PRINTERS)}")
    text: str = import_module(PRINTERS[format]).print_rule(rule)
    return text
