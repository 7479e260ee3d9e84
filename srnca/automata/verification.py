"""Verifying a rule against its automaton: one check for each question, with its threshold.

What is asked in the same way of automata of both kinds is here; the other questions are in `srnca.texture.verify` and
`srnca.dynamics.verify`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equations.divergence import LIMIT
from equations.errors import DivergenceError, SrncaError

if TYPE_CHECKING:
    from equations.simulation import Simulator

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

    @classmethod
    def at_least(cls, name: str, value: float, threshold: float | None, detail: str) -> Check:
        """A check of a value that may be large. threshold: None for a refined rule, which need not pass."""
        if threshold is None:
            return cls(name, value, None, True, f"{detail}; reported, a refined rule does not promise it")
        return cls(name, value, threshold, value >= threshold, f"{detail}, at least")

    @classmethod
    def at_most(cls, name: str, value: float, threshold: float, detail: str) -> Check:
        """A check of a value that may be small; `detail` ends with "at most"."""
        return cls(name, value, threshold, value <= threshold, detail)


@dataclass(frozen=True)
class Verification:
    """All checks of one rule."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


def agreement(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray], threshold: float | None) -> Check:
    """Correlation of the displacements of rule and automaton after AGREEMENT_STEPS steps from the same states.

    ours: the rule's, one flat array for each state.
    theirs: the automaton's.
    """
    with np.errstate(invalid="ignore", divide="ignore"):  # no displacement has no correlation
        value = float(np.corrcoef(np.concatenate(ours), np.concatenate(theirs))[0, 1])
    detail = f"correlation of displacements after {AGREEMENT_STEPS} steps"
    return Check.at_least("rollout agreement", value if math.isfinite(value) else 0.0, threshold, detail)


def check_bounded(values: np.ndarray, when: str) -> None:
    """Raises SrncaError where an automaton's own states or pictures run away: a rule cannot be compared with them.

    values: of any shape; they may be as large as the states of a simulation (`equations.divergence.LIMIT`).
    when: the run that they are from, for the message.
    """
    with np.errstate(invalid="ignore"):
        if np.abs(values).max(initial=0) <= LIMIT:  # false for NaN
            return
    raise SrncaError(
        f"verify: the automaton itself runs away {when}, so no rule can be compared with it; train it again, with a "
        "smaller --learning-rate or another --seed"
    )


def stability(simulator: Simulator, steps: int, limit: float, detail: str) -> Check:
    """Whether the rule's |state| stays below `limit` for `steps` steps; the simulator is left where it ended."""
    largest = 0.0
    try:
        while simulator.steps_done < steps and largest <= limit:
            simulator.step(min(100, steps - simulator.steps_done))
            largest = max(largest, float(np.abs(simulator.state).max()))
    except DivergenceError as error:
        return Check("stability", math.inf, limit, False, str(error))
    if largest > limit:
        detail = f"left it by step {simulator.steps_done}; {detail}"
    return Check.at_most("stability", largest, limit, detail)
