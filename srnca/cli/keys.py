"""Reads answers: single keys from a terminal, or lines from a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

Keys = Iterator[str]


@contextmanager
def reading_keys() -> Iterator[Keys]:
    """Yield an iterator over the answers: on a terminal each key as it is pressed, else each line that is not empty."""
    if not sys.stdin.isatty():
        yield (line.strip() for line in sys.stdin if line.strip())
        return
    try:
        import termios
        import tty
    except ImportError:  # Windows: Enter after each answer
        yield (line.strip() for line in sys.stdin if line.strip())
        return
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle)  # Ctrl-C still interrupts
        yield iter(lambda: sys.stdin.read(1), "\x04")  # Ctrl-D
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
