"""The loop of `srnca simulate`: steps in short spurts, states kept at step 0, every, 2·every and so on.

It drives anything that steps: one process's Simulator, or a grid that is spread over several.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

SPURT_S = 0.2  # seconds between two looks at the clock and at Ctrl-C
GROWTH = 8  # a spurt is at most so many times as long as the one before


class Steps(Protocol):
    """What is driven: `equations.Simulator`, and whatever has these three."""

    steps_done: int

    @property
    def state(self) -> Any: ...

    def step(self, n: int) -> Any: ...


@dataclass(frozen=True)
class Outcome:
    """How many steps were done, how fast (steps per second, without the first, which compiles), and whether all."""

    steps: int
    rate: float
    complete: bool


def run(
    simulator: Steps,
    steps: int,
    every: int | None,
    keep: Callable[[Any], None],
    *,
    last: bool = True,
    kept: int = 0,
    stopping: Callable[[], bool] = lambda: False,
    report: Callable[[int, float], None] = lambda done, rate: None,
    agree: Callable[[int], int] = lambda n: n,
) -> Outcome:
    """Do `steps` steps; `keep(state)` at step 0, every, 2·every, … and, if `last`, at the end.

    kept: so many states are kept already, by an earlier run, at the last of which the simulator stands.
    With `every` None only the last state is kept, also when `stopping()` ends the run before its time.
    `report(steps done, steps per second)` is called after each spurt. Processes that share one grid must take
    the same spurts: `agree(n)` gets the number of steps that this process would do next (0: stop), and returns
    what all do. Errors of the simulator and of `keep` are passed on.
    """
    stride = every or max(1, steps)
    done = stride * (kept - 1) if kept else 0
    first, pace = simulator.steps_done - done, _Pace()
    if every is not None and not kept:
        keep(simulator.state)
    while done < steps:
        mark = min(steps, (done // stride + 1) * stride)
        n = agree(0 if stopping() else min(mark - done, pace.spurt))
        if n == 0:
            break
        began = time.perf_counter()
        simulator.step(n)
        pace.add(n, time.perf_counter() - began)
        done = simulator.steps_done - first
        report(done, pace.rate)
        if every is not None and done == mark and (last or done % stride == 0):
            keep(simulator.state)
    if every is None:
        keep(simulator.state)
    return Outcome(done, pace.rate, done >= steps)


class _Pace:
    """How many steps make a spurt, and how fast they go."""

    def __init__(self) -> None:
        self.spurt = 1
        self._done: list[float] = [0, 0.0]  # steps and seconds, after the first spurt
        self._first = 0.0

    def add(self, n: int, seconds: float) -> None:
        if not self._first:
            self._first = n / max(seconds, 1e-9)
        else:
            self._done[0] += n
            self._done[1] += seconds
        self.spurt = max(1, min(GROWTH * n, int(n * SPURT_S / max(seconds, 1e-9))))

    @property
    def rate(self) -> float:
        """Steps per second; the first spurt, which compiles, counts only while there is no other."""
        steps, seconds = self._done
        return steps / max(seconds, 1e-9) if steps else self._first
