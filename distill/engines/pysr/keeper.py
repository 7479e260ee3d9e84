"""Stands between us and the worker, so that nothing is left behind however we end: `keeper.py FOLDER COMMAND...`.

It starts `COMMAND... FOLDER`, hands on what arrives on its own standard input, and ends with the worker's exit code
(128 + n after signal n). When its standard input closes, because we have closed it or because we are dead, it kills the
worker's whole process group and removes FOLDER. A thread inside the worker could not do this: Julia may hold Python's
lock for as long as a search lasts. Only the standard library, so that it starts in milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading


def main(folder: str, command: list[str]) -> int:
    """Look after one worker until it ends; its exit code."""
    # A pipe to the worker that no one else holds: it sees the end of its input when we are gone.
    worker = subprocess.Popen([*command, folder], cwd=folder, stdin=subprocess.PIPE, start_new_session=True)
    closed = threading.Event()
    threading.Thread(target=_hand_on, args=(worker, closed), daemon=True).start()
    code = worker.wait()
    _kill(worker)  # what it has started itself
    if closed.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _hand_on(worker: subprocess.Popen[bytes], closed: threading.Event) -> None:
    assert worker.stdin is not None
    while data := os.read(0, 4096):
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.write(data)
            worker.stdin.flush()
    closed.set()
    _kill(worker)


def _kill(worker: subprocess.Popen[bytes]) -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in the group
            os.killpg(worker.pid, signal.SIGKILL)
    else:
        worker.kill()


if __name__ == "__main__":
    # _exit: the reading thread may still wait for input, and Python would wait for it
    os._exit(main(sys.argv[1], sys.argv[2:]))
