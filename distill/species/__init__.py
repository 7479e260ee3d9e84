"""Laws of few species: a reaction-diffusion system found for a picture, without an automaton's equations.

Importing this package loads nothing; torch is loaded with the first name that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.lazy import lazy_names

if TYPE_CHECKING:
    from distill.species.search import distill_species

_HOMES = {"search": ("distill_species",)}

__all__ = ["distill_species"]

__getattr__, __dir__ = lazy_names(globals(), _HOMES)
