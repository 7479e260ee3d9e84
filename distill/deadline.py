"""The clock that a user may set with `--budget`. Without one, work is counted and no result depends on time."""

from __future__ import annotations

import math
import time


class Deadline:
    """An end in time, and what was left out because of it, in sentences for the report.

    seconds: above 0, from now on; None for no end.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.left_out: list[str] = []
        self._end = math.inf if seconds is None else time.monotonic() + seconds

    def remaining_s(self) -> float:
        """Seconds until the end, negative after it, infinite where there is none."""
        return self._end - time.monotonic()

    @property
    def passed(self) -> bool:
        return self.remaining_s() <= 0

    def leave_out(self, what: str) -> None:
        """Note, once, that `what` was left out."""
        if what not in self.left_out:
            self.left_out.append(what)
