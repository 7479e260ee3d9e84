"""What a chain of refinement keeps: the best rule of each number of terms."""

from __future__ import annotations

from dataclasses import dataclass

from distill.refine.table import TermTable


@dataclass(frozen=True)
class Found:
    """The best rule of its number of terms.

    terms: over all channels.
    loss: texture loss, the worst over the ages at which it was judged.
    score: what rules are chosen by, likewise.
    """

    terms: int
    loss: float
    score: float
    table: TermTable

    @property
    def start(self) -> str:
        """What the starting rule was made of."""
        return str(self.table.rule.provenance.get("start", "a rule"))
