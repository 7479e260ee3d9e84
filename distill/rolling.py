"""Run a rule and keep what it did before it left the finite numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equations.errors import DivergenceError
from equations.rule.rule import Rule

COMPILED_WORK = 5e7  # steps times cells times terms: about half a second of NumPy


@dataclass(frozen=True)
class Rollout:
    """Frames (t, channel, h, w), float32, of which the last is the last healthy one; `diverged_at` a step."""

    frames: npt.NDArray[np.float32]
    diverged_at: int | None


def roll(
    rule: Rule, *, size: tuple[int, int], steps: int, seed: int, every: int, stop_above: float | None = None
) -> Rollout:
    """`rule` from its init for `steps` steps, a frame each `every` steps, step 0 first.

    Divergence raises DivergenceError, unless `stop_above` is given: then the run ends with the last frame
    whose values are all within ±stop_above.
    """
    from equations.simulation import Simulator

    # a short run costs less than to compile the rule
    short = steps * size[0] * size[1] * sum(rule.terms().values()) < COMPILED_WORK
    simulator = Simulator(rule, size=size, seed=seed, backend="reference" if short else "auto")
    frames = [np.array(simulator.state, np.float32)]
    for step in range(every, steps + 1, every):
        try:
            simulator.step(every)
        except DivergenceError:
            if stop_above is None:
                raise
            return Rollout(np.stack(frames), step)
        state = np.array(simulator.state, np.float32)
        if stop_above is not None and not np.abs(state).max() <= stop_above:
            return Rollout(np.stack(frames), step)
        frames.append(state)
    return Rollout(np.stack(frames), None)
