"""How many steps a rule takes between two frames, when what was recorded has a continuous time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from equations.errors import DivergenceError
from equations.rule.rule import Rule

MOST_STEPS = 64
CLOSE = 0.02  # of the change in between: what halving the step may still alter


def steps_between(rule: Rule, frame: npt.NDArray[np.floating], dt: float) -> int:
    """The least power of two of equal steps from `frame` (channel, h, w) over the time `dt` that halving hardly
    changes.

    At most 64; what diverges even then gets 64.
    """
    count, before = 1, _advanced(rule, frame, dt, 1)
    while count < MOST_STEPS:
        after = _advanced(rule, frame, dt, 2 * count)
        if before is not None and after is not None:
            change = np.sqrt(np.square(after - frame).mean())
            if np.sqrt(np.square(after - before).mean()) <= CLOSE * change:
                return count
        count, before = 2 * count, after
    return count


def _advanced(rule: Rule, frame: npt.NDArray[np.floating], dt: float, count: int) -> npt.NDArray[np.floating] | None:
    from equations.simulation import Simulator

    simulator = Simulator(rule.replace(dt=dt / count), state=frame, backend="reference")
    try:
        return np.array(simulator.step(count), np.float64)
    except DivergenceError:
        return None
