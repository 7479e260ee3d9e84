"""A worker process that runs one search after another and never outlives this process."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import distill
from distill.deadline import Deadline
from distill.engines.pysr import keeper, protocol

WORKER = (sys.executable, "-m", "distill.engines.pysr.worker")
GONE_S = 5.0  # time for the keeper to kill the worker and remove its folder, which takes milliseconds


@dataclass(frozen=True)
class Limits:
    """When a worker is stopped.

    stall_s: it has hung when it shows no new phase, no new front and no output for this many seconds.
    late_s: seconds after a deadline at which a search is ended; PySR itself checks the deadline only from time to time.
    poll_s: seconds between two observations.
    log_bytes: it is stopped when it prints more than this.
    """

    stall_s: float = 1800.0
    late_s: float = 20.0
    poll_s: float = 0.05
    log_bytes: int = 64 * 2**20


@dataclass(frozen=True)
class Observation:
    """The state of a search.

    phase: what the worker does.
    rounds: how often PySR was seen to write this search's front.
    elapsed: seconds since the search was requested.
    """

    phase: str
    rounds: int
    elapsed: float


class Worker:
    """One worker process (with a keeper, see `keeper.py`) and its folder; `close` ends both at once.

    `command` is called with the folder. The worker has its own process group, so that Ctrl-C in a terminal reaches only
    this process.
    """

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self.limits, self.jobs = limits, 0
        self.folder = Path(tempfile.mkdtemp(prefix="srnca-pysr-"))
        keep = [sys.executable, "-I", "-S", keeper.__file__, str(self.folder), *command]
        try:
            with open(self.folder / "log", "wb") as log:
                self.process = subprocess.Popen(
                    keep,
                    env=_environment(),
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @property
    def alive(self) -> bool:
        """Whether it can take another job."""
        return self.process.poll() is None

    def search(
        self,
        write: Callable[[Path], None],
        watch: Callable[[Path, Observation], None],
        deadline: Deadline | None = None,
    ) -> tuple[Path, str | None]:
        """Run the job that `write(folder)` writes.

        Returns the job's folder, and why the job was not finished, in words (None where it was). `watch(folder, seen)`
        is called at every observation. The results can be read from the folder until `close`. After an exception, or a
        reason that lies in the worker rather than in the job, `close` is the only call allowed.
        """
        self.jobs += 1
        folder = self.folder / f"job{self.jobs}"
        folder.mkdir()
        write(folder)
        self._send(folder.name)
        return folder, self._wait(folder, watch, deadline)

    def close(self) -> None:
        """End the worker, whatever it does, and remove its folder."""
        try:
            self._end()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _send(self, line: str) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended; the next observation finds out how
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()

    def _wait(self, folder: Path, watch: Callable[[Path, Observation], None], deadline: Deadline | None) -> str | None:
        start = sign_at = time.monotonic()
        sign: tuple[object, ...] = ()
        rounds, written = 0, 0
        while self.alive:
            if protocol.is_done(folder):
                return None
            if any(protocol.read_error(where) is not None for where in (folder, self.folder)):
                return "failed"
            now, at = time.monotonic(), protocol.written_at(folder)
            rounds, written = rounds + (at != written), at
            phase = protocol.read_status(self.folder)
            printed = (self.folder / "log").stat().st_size
            if (phase, at, printed) != sign:
                sign, sign_at = (phase, at, printed), now
            seen = Observation(protocol.SEARCHING if rounds else phase, rounds, now - start)
            if reason := self._reason(seen, now - sign_at, printed, deadline):
                return reason
            watch(folder, seen)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.limits.poll_s)
        return None if protocol.is_done(folder) else _ending(self.process.returncode)

    def _reason(self, seen: Observation, quiet_s: float, printed: int, deadline: Deadline | None) -> str | None:
        """Why the search must be stopped, or None."""
        if quiet_s > self.limits.stall_s:
            return f"was stopped because it did nothing for {quiet_s:.0f} s ({seen.phase})"
        if printed > self.limits.log_bytes:
            return f"was stopped because it printed more than {self.limits.log_bytes} bytes"
        late_s = self.limits.late_s if seen.rounds else 0.0  # no use in waiting before the first front
        if deadline is not None and deadline.remaining_s() < -late_s:
            return f"was stopped by the time limit ({seen.phase})"
        return None

    def _end(self) -> None:
        """Close the keeper's input: it then kills the worker and its children, even if Ctrl-C ends the waiting here."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _ending(code: int) -> str:
    """How a worker ended, from the exit code of its keeper (negative where the keeper itself was killed)."""
    if code > 128 or code < 0:
        return f"was killed by signal {code - 128 if code > 0 else -code}"
    return f"ended with exit code {code}"


def _environment() -> dict[str, str]:
    """This process's environment, with the same `distill` importable where it is not installed."""
    environment = dict(os.environ)
    root = Path(distill.__file__).resolve().parent.parent
    if root.name not in ("site-packages", "dist-packages"):
        path = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([str(root), *([path] if path else [])])
    return environment
