"""When a simulation has left the numbers that a picture can be made of, and where."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import DivergenceError
from equations.rule.rule import Rule

LIMIT = 1e6  # of rules that start from states up to 1000
ROOM = 1000.0  # how far beyond a larger first state a simulation may go


def limit_of(rule: Rule) -> float:
    """The size beyond which a state counts as diverged: 1e6, or a thousand times the largest value that the rule's init
    has, for laws of pressures or counts of cells.
    """
    init = rule.init
    if init is None:
        return LIMIT
    largest = max(abs(b) + abs(a) for b, a in zip(init.background, init.amplitude, strict=True))
    return max(LIMIT, ROOM * max(largest, *(abs(value) for value in init.square or (0.0,))))


def check_finite(
    rule: Rule,
    state: npt.NDArray[Any],
    step: int,
    rows: npt.NDArray[Any] | None = None,
    columns: npt.NDArray[Any] | None = None,
) -> None:
    """Raise DivergenceError, naming step, channel and cell, when `state` is not finite or beyond `limit_of(rule)`.

    rows, columns: where the state's rows and columns lie in a larger grid that it is a block of.
    """
    limit = limit_of(rule)
    for channel, name in zip(state, rule.channels, strict=True):
        with np.errstate(invalid="ignore"):
            if max(channel.max(initial=0), -channel.min(initial=0)) <= limit:  # no copy of the state; false for NaN
                continue
            bad = np.nonzero(~(np.abs(channel) <= limit))
        ys, xs = (place if where is None else where[place] for place, where in zip(bad, (rows, columns), strict=True))
        first = np.lexsort((xs, ys))[0]  # in the order of the larger grid, whichever block looks
        i, j, y, x = (int(place[first]) for place in (*bad, ys, xs))
        raise DivergenceError(
            f"the simulation diverged at step {step}: channel {name!r} is {channel[i, j]} at y={y}, x={x} "
            f"(expected at most {limit:.0e} in size); use a smaller dt, a clamp, or another rule",
            step=step,
            channel=name,
            y=y,
            x=x,
        )
