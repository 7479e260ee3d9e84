"""Closed-form local rules: as data, as mathematics, and as fast simulators.

    from equations import load_rule, models, simulate
    frames = simulate(models.get("gray-scott:coral"), size=256, steps=4000, seed=0)   # (t, channel, h, w)

Everything here is loaded on first use: `import equations` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.lazy import lazy_names

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
    "models": (),
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

__getattr__, __dir__ = lazy_names(globals(), _HOMES)
