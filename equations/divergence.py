"""When a simulation has left the numbers that a picture can be made of, and where."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import DivergenceError
from equations.rule import Rule

LIMIT = 1e6


def check_finite(
    rule: Rule,
    state: npt.NDArray[Any],
    step: int,
    rows: npt.NDArray[Any] | None = None,
    columns: npt.NDArray[Any] | None = None,
) -> None:
    """Raise DivergenceError, naming step, channel and cell, when `state` is not finite or beyond 1e6.

    rows, columns: where the state's rows and columns lie in a larger grid that it is a block of.
    """
    for channel, name in zip(state, rule.channels, strict=True):
        with np.errstate(invalid="ignore"):
            if max(channel.max(initial=0), -channel.min(initial=0)) <= LIMIT:  # no copy of the state; false for NaN
                continue
            bad = np.nonzero(~(np.abs(channel) <= LIMIT))
        ys, xs = (place if where is None else where[place] for place, where in zip(bad, (rows, columns), strict=True))
        first = np.lexsort((xs, ys))[0]  # in the order of the larger grid, whichever block looks
        i, j, y, x = (int(place[first]) for place in (*bad, ys, xs))
        raise DivergenceError(
            f"the simulation diverged at step {step}: channel {name!r} is {channel[i, j]} at y={y}, x={x} "
            f"(expected at most {LIMIT:.0e} in size); use a smaller dt, a clamp, or another rule",
            step=step,
            channel=name,
            y=y,
            x=x,
        )
