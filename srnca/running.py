"""The loop of `srnca simulate`: takes steps in batches, and keeps the states of steps 0, every, 2·every and so on.

It drives anything that steps: one process's Simulator, or a grid that is spread over several processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Steps(Protocol):
    """What is driven: `equations.Simulator`, and whatever has these three."""

    steps_done: int

    @property
    def state(self) -> Any: ...

    def step(self, n: int) -> Any: ...


@dataclass(frozen=True)
class Batches:
    """How many steps are taken at once, between two looks at the clock and at Ctrl-C.

    seconds: what a batch should take.
    growth: a batch has at most this many times the steps of the batch before it.
    """

    seconds: float = 0.2
    growth: int = 8


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    steps: how many were done.
    rate: steps per second, without the first batch, which compiles.
    complete: whether all steps were done.
    """

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
    batches: Batches = Batches(),
) -> Outcome:
    """Do `steps` steps; call `keep(state)` at step 0, every, 2·every, … and, if `last`, at the end.

    every: None keeps the last state only, also when `stopping()` ends the run early.
    kept: how many states an earlier run has kept; the simulator stands at the last of them.
    report: called with the steps done and the steps per second after each batch.
    agree: for processes that share one grid and must take the same batches. It gets the number of steps that this
    process would do next (0: stop) and returns the number that all do.

    Errors of the simulator and of `keep` are passed on.
    """
    stride = every or max(1, steps)
    done = stride * (kept - 1) if kept else 0
    first, speed = simulator.steps_done - done, _Speed(batches)
    if every is not None and not kept:
        keep(simulator.state)
    while done < steps:
        mark = min(steps, (done // stride + 1) * stride)
        n = agree(0 if stopping() else min(mark - done, speed.batch))
        if n == 0:
            break
        began = time.perf_counter()
        simulator.step(n)
        speed.add(n, time.perf_counter() - began)
        done = simulator.steps_done - first
        report(done, speed.rate)
        if every is not None and done == mark and (last or done % stride == 0):
            keep(simulator.state)
    if every is None:
        keep(simulator.state)
    return Outcome(done, speed.rate, done >= steps)


class _Speed:
    """Measures the steps per second, and says how many steps the next batch has."""

    def __init__(self, batches: Batches) -> None:
        self.batch = 1
        self._batches = batches
        self._done: list[float] = [0, 0.0]  # steps and seconds, without the first batch
        self._first = 0.0  # steps per second of the first batch

    def add(self, n: int, seconds: float) -> None:
        """A batch of `n` steps took `seconds`."""
        if not self._first:
            self._first = n / max(seconds, 1e-9)
        else:
            self._done[0] += n
            self._done[1] += seconds
        self.batch = max(1, min(self._batches.growth * n, int(n * self._batches.seconds / max(seconds, 1e-9))))

    @property
    def rate(self) -> float:
        """Steps per second; the first batch, which compiles, counts only while there is no other."""
        steps, seconds = self._done
        return steps / max(seconds, 1e-9) if steps else self._first
