"""Closed-loop refinement: constants by gradient through rollouts, the least important terms pruned step by step.

Importing this package loads nothing; torch is loaded with the first name that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.lazy import lazy_names

if TYPE_CHECKING:
    from distill.refine.choice import RefinedRule, choose
    from distill.refine.refinement import RefineResult, levels, refine
    from distill.refine.settings import Objective, Settings

_HOMES = {
    "choice": ("RefinedRule", "choose"),
    "refinement": ("RefineResult", "levels", "refine"),
    "settings": ("Objective", "Settings"),
}

__all__ = ["Objective", "RefineResult", "RefinedRule", "Settings", "choose", "levels", "refine"]

__getattr__, __dir__ = lazy_names(globals(), _HOMES)
