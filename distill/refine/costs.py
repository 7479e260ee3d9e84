"""How long the parts of refinement take beside each other. Only the progress bar depends on it.

The unit is the time that one more term costs in one iteration. Measured on automata of 8 channels at 64 x 64 cells.
"""

from __future__ import annotations

from collections.abc import Sequence

ITERATION = 440.0  # of tuning, before its terms are counted: the loss of two pictures and its gradient
TRIAL = 550.0  # a term left out on trial
BEGINNING = 130_000.0  # samples, compilation and first states, before the first level
LOOK, LOOK_TERM = 8000.0, 35.0  # one rule judged anew at the end, and for each of its terms


def levels_cost(plan: Sequence[int], iterations: int, tried: float) -> list[float]:
    """Of each level of `plan` (numbers of terms): the trials that prune to it, `tried` of the terms before, and its
    iterations.
    """
    before = [0, *plan]
    return [tried * more * TRIAL + iterations * (ITERATION + terms) for more, terms in zip(before, plan, strict=False)]


def looks_cost(terms: Sequence[int]) -> float:
    """Of judging rules of so many terms anew."""
    return sum(LOOK + LOOK_TERM * count for count in terms)
