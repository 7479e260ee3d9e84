"""Who works on a trial, and whether that worker is still alive.

A worker writes a heartbeat, a rising number, into its trial at a fixed interval. Another worker takes the trial for
abandoned when the process is gone from this machine, or when it has itself seen no new heartbeat for a grace period.
It measures that period on its own clock only, so that the clocks of two machines need not agree.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srnca.studies.storage.schema import ALIVE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timing:
    """The intervals of a worker, in seconds; the same for all workers of a study.

    beat_s: between two heartbeats.
    grace_s: a running trial without a new heartbeat for this long counts as abandoned.
    poll_s: between two checks of the study while only other workers have trials to run.
    """

    beat_s: float = 10.0
    grace_s: float = 60.0
    poll_s: float = 0.5


def machine() -> str:
    """The host name and its namespace of process numbers (each container has its own)."""
    try:
        return f"{socket.gethostname()}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return socket.gethostname()


def worker_name() -> str:
    """This process, as trials record it."""
    return f"{machine()}:{os.getpid()}"


def is_gone(worker: str) -> bool:
    """Whether `worker` is a process of this machine that no longer runs. False for workers of other machines."""
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
    return state in ("Z", "X")  # it has ended, and its parent has not read its exit code yet


class Watcher:
    """Tells which running trials have lost their worker.

    clock: returns seconds, from any origin.
    grace_s: seconds without a new heartbeat after which a trial counts as abandoned.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, grace_s: float = Timing.grace_s) -> None:
        self.clock, self.grace_s = clock, grace_s
        self._seen: dict[int, tuple[Any, float]] = {}  # trial -> its latest heartbeat, and when it was first seen

    def is_abandoned(self, trial: Any) -> bool:
        """For a running trial of another worker; call it repeatedly."""
        alive = trial.user_attrs.get(ALIVE) or {}
        if is_gone(str(alive.get("worker", ""))):
            return True
        now, beat = self.clock(), (alive.get("worker"), alive.get("beat"))
        before, since = self._seen.get(trial.number, (None, now))
        if before != beat:
            since = now
        self._seen[trial.number] = beat, since
        return now - since > self.grace_s


class TakenOver(Exception):
    """Another worker took this trial for abandoned and has put it back: a result of this worker would not count."""


class Heartbeat:
    """Calls `beat` with 0, 1, 2, … in a thread of its own: `with Heartbeat(beat): …`.

    beat: writes the heartbeat; raises TakenOver when another worker has the trial. `taken` is then true, and no further
        heartbeat follows. After any other failure (a server that restarts) the next heartbeat is tried as usual.
    every_s: seconds between two heartbeats.
    """

    def __init__(self, beat: Callable[[int], None], every_s: float = Timing.beat_s) -> None:
        self._beat, self._every = beat, every_s
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.taken = False

    def __enter__(self) -> Heartbeat:
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
            except TakenOver:
                self.taken = True
                return
            except Exception as error:
                log.warning("no heartbeat: %s", error)
            number += 1
