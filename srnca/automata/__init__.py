"""What automata of both kinds share: their files, how a training is saved and resumed, how a rule is verified.

    from srnca.automata import load

    automaton = load("snake.pt")  # trained on a picture or on a recording
    result = automaton.distill(out=Path("snake-rule"))
    automaton.verify(result.rule).ok

Importing this package is free: torch is loaded with the first automaton.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srnca.automata.automaton import Automaton, load
    from srnca.automata.verification import Check, Verification

_HOME = {
    "Automaton": "srnca.automata.automaton",
    "Check": "srnca.automata.verification",
    "Verification": "srnca.automata.verification",
    "load": "srnca.automata.automaton",
}

__all__ = ["Automaton", "Check", "Verification", "load"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"srnca.automata: no attribute {name!r}; it offers {', '.join(sorted(_HOME))}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
