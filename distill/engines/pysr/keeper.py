"""Ends the worker and removes its folder when the engine is gone: `keeper.py FOLDER COMMAND...`.

It starts `COMMAND... FOLDER`, passes on what arrives on its own standard input, and ends with the worker's exit code
(128 + n after signal n). When its standard input closes, because the engine closed it or died, it kills the worker's
whole process group and removes FOLDER. A thread inside the worker could not do this: Julia may hold Python's
lock for as long as a search lasts. It uses only the standard library, so that it starts in milliseconds.
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
    """Watch one worker until it ends; returns its exit code."""
    # Nobody else holds this pipe, so the worker sees the end of its input when the keeper is gone.
    worker = subprocess.Popen([*command, folder], cwd=folder, stdin=subprocess.PIPE, start_new_session=True)
    closed = threading.Event()
    threading.Thread(target=_forward, args=(worker, closed), daemon=True).start()
    code = worker.wait()
    _kill(worker)  # and the processes that it has started
    if closed.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _forward(worker: subprocess.Popen[bytes], closed: threading.Event) -> None:
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
