"""Two rules side by side: how far their rollouts drift apart from the same start under the same mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equations.errors import DivergenceError, InputError
from equations.rule.rule import Rule
from equations.simulation import Simulator, frame_steps


@dataclass(frozen=True)
class Comparison:
    """Differences of two rollouts: per compared step, the largest and the root mean square difference.

    `diverged` names the rule ("a" or "b") that left the finite numbers, and when; the lists then end before.
    """

    steps: tuple[int, ...]
    maximum: tuple[float, ...]
    rms: tuple[float, ...]
    diverged: str | None = None

    @property
    def worst(self) -> float:
        """The largest difference at any compared step; infinite after a divergence."""
        return float("inf") if self.diverged else max(self.maximum)


def compare_rollouts(
    a: Rule,
    b: Rule,
    *,
    size: int | tuple[int, int] = 64,
    steps: int = 200,
    every: int | None = None,
    seed: int = 0,
    state: npt.ArrayLike | None = None,
    backend: str = "auto",
) -> Comparison:
    """Run both rules from one start (a's, or `state`) and compare; channels are matched by name.

    Raises InputError when the rules' channels differ.
    """
    if set(a.channels) != set(b.channels):
        raise InputError(
            f"expected two rules of the same channels, got {', '.join(a.channels)} and {', '.join(b.channels)}"
        )
    order = [b.channels.index(name) for name in a.channels]
    first = Simulator(a, size, seed, backend, state)
    start = np.empty_like(first.state)
    start[order] = first.state
    second = Simulator(b, size, seed, backend, start)
    done: list[int] = []
    largest: list[float] = []
    rms: list[float] = []
    diverged = None
    for mark in frame_steps(steps, every):
        try:
            label = "a"
            first.step(mark - first.steps_done)
            label = "b"
            second.step(mark - second.steps_done)
        except DivergenceError as error:
            diverged = f"{label}: {error}"
            break
        difference = first.state.astype(np.float64) - second.state[order]
        done.append(mark)
        largest.append(float(np.abs(difference).max()))
        rms.append(float(np.sqrt(np.mean(difference**2))))
    return Comparison(tuple(done), tuple(largest), tuple(rms), diverged)
