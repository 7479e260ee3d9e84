"""The relative cost of the parts of refinement, used only for the progress bar.

The unit is the time that one more term adds to one iteration, measured on automata of 8 channels at 64 x 64 cells.
"""

from __future__ import annotations

from collections.abc import Sequence

ITERATION = 440.0  # one iteration of tuning without its terms: the loss of two pictures and its gradient
TRIAL = 550.0  # one rollout without one of the terms, to see how much the term matters
BEGINNING = 130_000.0  # samples, compilation and first states, before the first level
JUDGING, JUDGING_TERM = 8000.0, 35.0  # one rule judged at the end, and what each of its terms adds


def levels_cost(plan: Sequence[int], iterations: int, tried: float) -> list[float]:
    """The cost of each level: its iterations, and the trials before pruning to it.

    plan: number of terms of each level.
    tried: share of the terms of the level before whose removal is tried.
    """
    before = [0, *plan]
    return [tried * more * TRIAL + iterations * (ITERATION + terms) for more, terms in zip(before, plan, strict=False)]


def judging_iterations(terms: Sequence[int]) -> float:
    """How many iterations of tuning take as long as judging rules, two of them side by side, at the end.

    terms: the number of terms of each.
    """
    return judging_cost(terms) / (ITERATION + max(terms)) / 2


def judging_cost(terms: Sequence[int]) -> float:
    """The cost of judging rules at the end; terms: the number of terms of each."""
    return sum(JUDGING + JUDGING_TERM * count for count in terms)
