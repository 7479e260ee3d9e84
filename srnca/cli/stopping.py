"""Ctrl-C and SIGTERM as a request: the work ends at the next place where it can be saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopping_politely() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether a stop was requested. A second signal raises KeyboardInterrupt at once."""
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class TimeUp(KeyboardInterrupt):
    """The time limit is reached: training ends as with Ctrl-C, saved and ready to be resumed."""
