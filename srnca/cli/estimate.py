"""How long a training will take, told by its first iterations."""

from __future__ import annotations

import time
from collections.abc import Callable

COUNTED = 10  # iterations that are timed; the one before them loads what is loaded on use, and is not
WORTH_SAYING_S = 20.0
_WORDS = {1: "one free core", 2: "two free cores"}


class Estimate:
    """Says once, after the first iterations, how long the whole training takes."""

    def __init__(self, cores: int | None, clock: Callable[[], float] | None = None) -> None:
        """cores: how many share the work. Their processor time is counted: other programs hardly change it.

        None where the work is done elsewhere, on a GPU: then seconds are counted by the clock.
        clock: in place of these two.
        """
        self.cores = cores
        self._clock = clock or (time.monotonic if cores is None else time.process_time)
        self._started: float | None = None
        self._calls = self._before = 0

    def see(self, iteration: int, iterations: int) -> str | None:
        """A line for the user when it is known, else None. Called once after each iteration.

        iteration: how many are done, those before a resumed training among them. iterations: how many there will be.
        """
        if self._started is None:
            self._started, self._before = self._clock(), iteration - 1
            return None
        self._calls += 1
        if self._calls != COUNTED:
            return None
        count = iterations - self._before
        seconds = (self._clock() - self._started) / COUNTED * count / (self.cores or 1)
        if seconds < WORTH_SAYING_S:
            return None
        cores = "" if self.cores is None else " on " + _WORDS.get(self.cores, f"{self.cores} free cores")
        return f"training takes about {rounded_time(seconds)}{cores}: {count} iterations"


def rounded_time(seconds: float) -> str:
    """`40 seconds`, `2.5 minutes`, `25 minutes`, `3.5 hours`: no more digits than an estimate has."""
    if seconds < 90:
        return f"{max(1, round(seconds / 10)) * 10} seconds"
    if seconds < 5400:
        return f"{_halves(seconds / 60)} minutes"
    return f"{_halves(seconds / 3600)} hours"


def _halves(value: float) -> str:
    return f"{round(2 * value) / 2:g}" if value < 10 else f"{value:.0f}"
