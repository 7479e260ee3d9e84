"""An optional time limit. Without one, work is counted instead, and no result depends on how busy the machine is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from equations.errors import InputError


class Deadline:
    """A point in time; `left_out` collects a sentence for each piece of work that was cut short because of it.

    seconds: above 0, from now on; None for no end.
    """

    def __init__(self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
            raise InputError(f"deadline: expected seconds above 0, got {seconds}")
        self._clock = clock
        self._end = math.inf if seconds is None else clock() + seconds
        self.left_out: list[str] = []

    def remaining_s(self) -> float:
        """Seconds until the end; negative once it has passed, infinite where there is none."""
        return self._end - self._clock()

    @property
    def passed(self) -> bool:
        """Whether the end has passed."""
        return self.remaining_s() <= 0

    def leave_out(self, what: str) -> None:
        """Note, once, that `what` was left out."""
        if what not in self.left_out:
            self.left_out.append(what)
