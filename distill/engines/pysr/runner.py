"""Start the worker process, watch it, and make sure that it never outlives us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import distill
from distill.engines.pysr import protocol

WORKER = (sys.executable, "-m", "distill.engines.pysr.worker")


@dataclass(frozen=True)
class Limits:
    """Patience, in seconds: for Julia to start and compile, for a stopped worker to tidy up, between looks.

    `log_bytes`: a worker that prints more than this is stopped.
    """

    start_s: float = 600.0
    grace_s: float = 10.0
    poll_s: float = 0.2
    log_bytes: int = 64 * 2**20


class Interrupted(Exception):
    """The user pressed Ctrl-C; the worker has been told and has ended."""


def run_worker(
    command: Sequence[str],
    folder: Path,
    *,
    time_limit_s: float,
    limits: Limits,
    watch: Callable[[float], None],
) -> str | None:
    """Run `command FOLDER` until it has done its job: None, or in words why it has not.

    The worker has a process group of its own, is stopped with SIGINT (on which PySR returns what it has), then
    SIGTERM, then SIGKILL, and is gone when this returns or raises. `watch(seconds)` is called at every look.
    Raises Interrupted after Ctrl-C; a second Ctrl-C raises KeyboardInterrupt at once. On Windows there is no
    gentle stop.
    """
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*command, str(folder)],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        reason = _wait(process, folder, time_limit_s, limits, watch)
        if reason is not None and process.poll() is None:
            _stop(process, limits)
        return reason
    except KeyboardInterrupt:
        _stop(process, limits)
        raise Interrupted from None
    finally:
        _signal(process, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)  # the whole group
        process.wait()


def _wait(
    process: subprocess.Popen[bytes],
    folder: Path,
    time_limit_s: float,
    limits: Limits,
    watch: Callable[[float], None],
) -> str | None:
    start = time.monotonic()
    while process.poll() is None:
        elapsed = time.monotonic() - start
        done = protocol.is_done(folder)
        if done or protocol.read_error(folder) is not None:  # its last word; Julia can hang on its way out
            _ends_within(process, limits.grace_s)
            return None if done else "failed"
        if elapsed > time_limit_s:
            return f"was stopped after {elapsed:.0f} s"
        if (folder / "log").stat().st_size > limits.log_bytes:
            return f"was stopped because it printed more than {limits.log_bytes} bytes"
        watch(elapsed)
        _ends_within(process, limits.poll_s)
    if protocol.is_done(folder):
        return None
    code = process.returncode
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _stop(process: subprocess.Popen[bytes], limits: Limits) -> None:
    """Ask ever less politely."""
    for number in (signal.SIGINT, signal.SIGTERM):
        _signal(process, number)
        if _ends_within(process, limits.grace_s):
            return


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in the group
            os.killpg(process.pid, number)
    elif process.poll() is None:
        process.kill()


def _environment() -> dict[str, str]:
    """Ours, with this very `distill` importable where it is not installed."""
    environment = dict(os.environ)
    root = Path(distill.__file__).resolve().parent.parent
    if root.name not in ("site-packages", "dist-packages"):
        path = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([str(root), *([path] if path else [])])
    return environment
