"""When a state counts as diverged, and the check that says where."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import DivergenceError
from equations.rule.rule import Rule

LIMIT = 1e6  # for rules whose first states are at most 1000 in size
MAX_RATIO = 1000.0  # of a state to a larger first state


def limit_of(rule: Rule) -> float:
    """The size beyond which a state counts as diverged: 1e6, or 1000 times the largest value of the rule's init.

    The second holds where it is larger, for rules of pressures or of counts of cells.
    """
    init = rule.init
    if init is None:
        return LIMIT
    largest = max(abs(b) + abs(a) for b, a in zip(init.background, init.amplitude, strict=True))
    return max(LIMIT, MAX_RATIO * max(largest, *(abs(value) for value in init.square or (0.0,))))


def check_finite(
    rule: Rule,
    state: npt.NDArray[Any],
    step: int,
    rows: npt.NDArray[Any] | None = None,
    columns: npt.NDArray[Any] | None = None,
) -> None:
    """Raise DivergenceError, naming step, channel and cell, when `state` is not finite or beyond `limit_of(rule)`.

    rows, columns: for a state that is a block of a larger grid, the places of its rows and columns in that grid.
    """
    limit = limit_of(rule)
    for channel, name in zip(state, rule.channels, strict=True):
        with np.errstate(invalid="ignore"):
            if max(channel.max(initial=0), -channel.min(initial=0)) <= limit:  # no copy of the state; false for NaN
                continue
            bad = np.nonzero(~(np.abs(channel) <= limit))
        ys, xs = (place if where is None else where[place] for place, where in zip(bad, (rows, columns), strict=True))
        first = np.lexsort((xs, ys))[0]  # the first in the order of the larger grid, whichever block it is in
        i, j, y, x = (int(place[first]) for place in (*bad, ys, xs))
        raise DivergenceError(
            f"the simulation diverged at step {step}: channel {name!r} is {channel[i, j]} at y={y}, x={x} "
            f"(expected at most {limit:.0e} in size); use a smaller dt, a clamp, or another rule",
            step=step,
            channel=name,
            y=y,
            x=x,
        )
