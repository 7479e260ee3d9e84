"""What automata of both kinds share: their files, how a training is saved and resumed, how a rule is verified.

    from srnca.automata import load

    automaton = load("snake.pt")  # trained on a picture or on a recording
    result = automaton.distill(out=Path("snake-rule"))
    automaton.verify(result.rule).ok

Importing this package is free: torch is loaded with the first automaton.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.lazy import lazy_names

if TYPE_CHECKING:
    from srnca.automata.automaton import Automaton, load
    from srnca.automata.verification import Check, Verification

_HOMES = {
    "automaton": ("Automaton", "load"),
    "verification": ("Check", "Verification"),
}

__all__ = ["Automaton", "Check", "Verification", "load"]

__getattr__, __dir__ = lazy_names(globals(), _HOMES)
