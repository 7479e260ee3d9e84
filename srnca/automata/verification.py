"""The result of verifying a rule against its automaton: one check for each question, with its threshold."""

from __future__ import annotations

from dataclasses import dataclass

AGREEMENT_STEPS = 8  # steps of rule and automaton from the same state, after which their displacements are compared
MAX_GROWTH = 4.0  # largest |state| of the rule in a long run, over the largest of its automaton or recording


@dataclass(frozen=True)
class Check:
    """One question and its answer.

    value: what was measured.
    threshold: what the value is compared with; None where the value is only reported.
    ok: whether the value is on the right side of the threshold; True where there is none.
    detail: what the value is and how it was measured.
    """

    name: str
    value: float
    threshold: float | None
    ok: bool
    detail: str


@dataclass(frozen=True)
class Verification:
    """All checks of one rule."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)
