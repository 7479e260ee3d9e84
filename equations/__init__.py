"""Closed-form local rules: as data, as mathematics, and as fast simulators.

    from equations import load_rule, models, simulate
    frames = simulate(models.get("gray-scott:coral"), size=256, steps=4000, seed=0)   # (t, channel, h, w)

Everything here is loaded on first use: `import equations` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equations import models
    from equations.comparison.rollouts import compare_rollouts
    from equations.errors import DivergenceError, InputError, MissingPartError, SrncaError
    from equations.expressions.infix import parse_infix
    from equations.printers import print_rule
    from equations.rule.display import render
    from equations.rule.init import Init, make_state
    from equations.rule.rule import Candidate, Display, Rule
    from equations.rule.rulefile import load_rule, save_rule
    from equations.rule.stencils import STENCILS, Stencil, nca_stencils
    from equations.simulation import Simulator, simulate

_HOMES = {
    "errors": ("DivergenceError", "InputError", "MissingPartError", "SrncaError"),
    "rule.rule": ("Candidate", "Display", "Rule"),
    "rule.stencils": ("STENCILS", "Stencil", "nca_stencils"),
    "rule.init": ("Init", "make_state"),
    "expressions.infix": ("parse_infix",),
    "rule.rulefile": ("load_rule", "save_rule"),
    "simulation": ("Simulator", "simulate"),
    "rule.display": ("render",),
    "printers": ("print_rule",),
    "comparison.rollouts": ("compare_rollouts",),
}
_LAZY = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "STENCILS",
    "Candidate",
    "Display",
    "DivergenceError",
    "Init",
    "InputError",
    "MissingPartError",
    "Rule",
    "Simulator",
    "SrncaError",
    "Stencil",
    "compare_rollouts",
    "load_rule",
    "make_state",
    "models",
    "nca_stencils",
    "parse_infix",
    "print_rule",
    "render",
    "save_rule",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name == "models":
        return import_module("equations.models")
    if name not in _LAZY:
        raise AttributeError(f"module 'equations' has no attribute {name!r}")
    value = getattr(import_module(f"equations.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
