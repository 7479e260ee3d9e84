"""Closed-loop refinement: constants by gradient through rollouts, the least important terms pruned step by step.

Importing this package loads nothing; torch is loaded with the first name that needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distill.refine.choice import RefinedRule, choose
    from distill.refine.refinement import RefineResult, levels, refine
    from distill.refine.settings import Objective, Settings

_HOMES = {
    "choice": ("RefinedRule", "choose"),
    "refinement": ("RefineResult", "levels", "refine"),
    "settings": ("Objective", "Settings"),
}
_LAZY = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["Objective", "RefineResult", "RefinedRule", "Settings", "choose", "levels", "refine"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'distill.refine' has no attribute {name!r}")
    value = getattr(import_module(f"distill.refine.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
