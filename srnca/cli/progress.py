"""Shows progress on stderr: a bar on a terminal, a line every few seconds in a log, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

from srnca.cli.output import warn
from srnca.visible import visible

LINE_EVERY_S = 10.0


class Progress:
    """`with Progress() as progress: progress.update("train", 12, 1200, "loss 0.2")`.

    There is one bar for each label. The time left is estimated from the label's updates so far.
    """

    def __init__(self, *, quiet: bool = False, every_s: float = LINE_EVERY_S) -> None:
        self.quiet = quiet
        self.every_s = every_s
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        self._clock = _Clock()
        self._label = ""
        self._line_at = 0.0

    def __enter__(self) -> Self:
        if not self.quiet and sys.stderr.isatty():
            self._bars = _make_bars()
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def update(self, label: str, done: float, total: float, detail: str = "") -> None:
        """Show that `done` of `total` of the work called `label` is finished."""
        if self.quiet:
            return
        left = self._clock.left(label, done, total)
        label, detail = visible(label), visible(detail)
        if self._bars is not None:
            if label not in self._tasks:
                self._tasks[label] = self._bars.add_task(label, total=total, detail="", left="")
            self._bars.update(self._tasks[label], completed=done, total=total, detail=detail, left=left)
            return
        now = time.monotonic()
        if label != self._label or done >= total or now - self._line_at >= self.every_s:
            self._label, self._line_at = label, now
            self._line(label, done, total, detail, left)

    def note(self, text: str) -> None:
        """Print what a person must know, even with --quiet."""
        if self._bars is not None:
            self._bars.console.print(visible(text), markup=False, highlight=False, emoji=False)
        else:
            warn(text)

    @staticmethod
    def _line(label: str, done: float, total: float, detail: str, left: str) -> None:
        count = f"{done:g}/{total:g}" if total > 1 else f"{100 * done:.0f} %"
        parts = [label, count, detail, left]
        warn("  ".join(part for part in parts if part))


class _Clock:
    """Estimates the time left for each label from the speed of the later half of what is done.

    The beginning is left out because it is slow: an engine loads, code is compiled.
    """

    def __init__(self) -> None:
        self._first: dict[str, float] = {}  # how much was done at the first update
        self._marks: dict[str, deque[tuple[float, float]]] = {}  # (when, how much was done)

    def left(self, label: str, done: float, total: float) -> str:
        first = min(done, self._first.get(label, done))
        self._first[label] = first
        marks = self._marks.setdefault(label, deque())
        while marks and marks[-1][1] > done:  # training has gone back to an earlier state
            marks.pop()
        marks.append((time.monotonic(), done))
        while len(marks) > 2 and marks[1][1] <= (first + done) / 2:
            marks.popleft()
        (began, before), (now, _) = marks[0], marks[-1]
        if done <= before or done >= total:
            return ""
        return f"{short_time((now - began) * (total - done) / (done - before))} left"


def short_time(seconds: float) -> str:
    """`0.2 s`, `8 s`, `3 min 20 s`, `2 h 5 min`."""
    if 0 < seconds < 1:
        return f"{seconds:.1f} s" if seconds >= 0.1 else "under 0.1 s"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _make_bars() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
        console=Console(stderr=True),
        redirect_stdout=False,
    )
