"""A worker process that serves one search after another, is watched, and never outlives us."""

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
GONE_S = 5.0  # for the keeper to kill the worker and tidy up; it takes milliseconds


@dataclass(frozen=True)
class Limits:
    """stall_s: a worker that shows no sign of life for so many seconds (no new phase, no new front, nothing printed)
    has hung. late_s: how long after a deadline, which PySR looks at now and then, a search is ended. poll_s: between
    two looks. log_bytes: a worker that prints more than this is stopped.
    """

    stall_s: float = 1800.0
    late_s: float = 20.0
    poll_s: float = 0.05
    log_bytes: int = 64 * 2**20


@dataclass(frozen=True)
class Look:
    """phase: what the worker does. rounds: how often PySR was seen to write this search's front. elapsed: seconds
    since the search was asked for.
    """

    phase: str
    rounds: int
    elapsed: float


class Worker:
    """One worker process (with a keeper, see `keeper.py`) and its folder; `close` ends both at once.

    `command` is called with the folder. The worker has a process group of its own, so that a terminal's Ctrl-C
    reaches only us.
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
        watch: Callable[[Path, Look], None],
        deadline: Deadline | None = None,
    ) -> tuple[Path, str | None]:
        """Do the job that `write(folder)` writes: its folder, and None or in words why it was not done to its end.

        `watch(folder, look)` is called at every look. What was found until then can be read from the job's folder
        until `close`, which is the only thing to do after an exception, or a reason that is not the job's own.
        """
        self.jobs += 1
        folder = self.folder / f"job{self.jobs}"
        folder.mkdir()
        write(folder)
        self._tell(folder.name)
        return folder, self._wait(folder, watch, deadline)

    def close(self) -> None:
        """End the worker, whatever it does, and remove its folder."""
        try:
            self._end()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died; the next look says how
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()

    def _wait(self, folder: Path, watch: Callable[[Path, Look], None], deadline: Deadline | None) -> str | None:
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
            look = Look(protocol.SEARCHING if rounds else phase, rounds, now - start)
            if reason := self._reason(look, now - sign_at, printed, deadline):
                return reason
            watch(folder, look)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.limits.poll_s)
        return None if protocol.is_done(folder) else _ending(self.process.returncode)

    def _reason(self, look: Look, quiet_s: float, printed: int, deadline: Deadline | None) -> str | None:
        """Why the search must not go on."""
        if quiet_s > self.limits.stall_s:
            return f"was stopped because it did nothing for {quiet_s:.0f} s ({look.phase})"
        if printed > self.limits.log_bytes:
            return f"was stopped because it printed more than {self.limits.log_bytes} bytes"
        late_s = self.limits.late_s if look.rounds else 0.0  # before the first front there is nothing to wait for
        if deadline is not None and deadline.remaining_s() < -late_s:
            return f"was stopped by the time limit ({look.phase})"
        return None

    def _end(self) -> None:
        """The keeper kills the worker and its children when its input closes, also when Ctrl-C ends this waiting."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _ending(code: int) -> str:
    """How a worker ended of which the keeper (or, where the keeper itself was killed, the system) reports `code`."""
    if code > 128 or code < 0:
        return f"was killed by signal {code - 128 if code > 0 else -code}"
    return f"ended with exit code {code}"


def _environment() -> dict[str, str]:
    """Ours, with this very `distill` importable where it is not installed."""
    environment = dict(os.environ)
    root = Path(distill.__file__).resolve().parent.parent
    if root.name not in ("site-packages", "dist-packages"):
        path = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([str(root), *([path] if path else [])])
    return environment
