"""How much work a distillation does: counted in evaluations, so that no result depends on the clock."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypedDict

from equations.errors import InputError

if TYPE_CHECKING:
    from distill.engines import Progress

# Expressions that free-form search tries at effort 1:
SEARCH_BEFORE_REFINING = 432_000  # for all channels together, where refinement follows
SEARCH_ALONE = 2_160_000  # for all channels together, where the equations of regression are the result
SEARCH_OF_A_CHANNEL = 720_000  # largest number for one channel


class SearchOptions(TypedDict, total=False):
    """The keyword arguments that `distill` and `identify` have in common, which describes them; others hand them on."""

    engine: str
    seed: int
    effort: float
    budget_s: float | None
    progress: Progress | None
    resume: bool


def check_positive(where: str, **values: float | None) -> None:
    """Raises InputError for a value that is not above 0 and finite; None is allowed. where: for the message."""
    for name, value in values.items():
        if value is not None and not 0 < value < math.inf:
            raise InputError(f"{where}: expected {name} above 0, got {value}")


def search_evaluations(effort: float, channels: int, *, alone: bool) -> int:
    """How many expressions free-form search may try for each of `channels` channels; alone: without refinement."""
    total = SEARCH_ALONE if alone else SEARCH_BEFORE_REFINING
    return max(1, round(effort * min(SEARCH_OF_A_CHANNEL, total / channels)))
