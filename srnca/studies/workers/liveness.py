"""Who works on a trial, and whether that worker still lives.

A worker writes a beat into its trial every BEAT_S. Another one takes the trial for abandoned when the process is gone
from this machine, or when it has itself seen no new beat for GRACE_S: no two clocks are compared.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

BEAT_S = 10.0
GRACE_S = 60.0
ALIVE = "alive"  # the trial's attribute: {"worker", "beat", "at"}


def machine() -> str:
    """This machine, and within it the space in which process numbers mean something (containers have their own)."""
    try:
        return f"{socket.gethostname()}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return socket.gethostname()


def worker_name() -> str:
    return f"{machine()}:{os.getpid()}"


def is_gone(worker: str) -> bool:
    """Whether `worker` is a process of this machine that does not run any more. Of other machines: no."""
    where, _, number = worker.rpartition(":")
    if where != machine() or not number.isdigit() or os.name == "nt":
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in ("Z", "X")  # killed, and its parent has not asked yet


class Watcher:
    """Sees which running trials have lost their worker."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._seen: dict[int, tuple[Any, float]] = {}

    def is_abandoned(self, trial: Any) -> bool:
        """For a running trial of another worker; to be asked again and again."""
        said = trial.user_attrs.get(ALIVE) or {}
        if is_gone(str(said.get("worker", ""))):
            return True
        now, beat = self.clock(), (said.get("worker"), said.get("beat"))
        before, since = self._seen.get(trial.number, (None, now))
        if before != beat:
            since = now
        self._seen[trial.number] = beat, since
        return now - since > GRACE_S


class Taken(Exception):
    """Another worker took this trial for abandoned and has put it back: its result would not count."""


class Heart:
    """Beats in a thread of its own: `with Heart(beat): …`. `taken`: a beat found the trial in other hands.

    Other failures of a beat (a server that restarts) are tried again at the next one.
    """

    def __init__(self, beat: Callable[[int], None], every_s: float | None = None) -> None:
        self._beat, self._every = beat, BEAT_S if every_s is None else every_s
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.taken = False

    def __enter__(self) -> Heart:
        self._beat(0)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        number = 1
        while not self._end.wait(self._every):
            try:
                self._beat(number)
            except Taken:
                self.taken = True
                return
            except Exception as error:
                log.warning("no beat: %s", error)
            number += 1
