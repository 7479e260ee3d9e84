"""The process that runs PySR: `python -m distill.engines.pysr.worker FOLDER`, one job after another.

It imports PySR, and with it Julia, but never torch: Julia and torch in one process crashed, whichever was loaded
first. Julia starts once and compiles once; every further search begins at once.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

from distill.engines.pysr import protocol
from equations.errors import SrncaError


def main(folder: Path, jobs: TextIO) -> int:
    """Run jobs until `jobs` ends; each of its lines is the name of a job's folder. Returns the exit code."""
    _end_with_parent()
    protocol.write_status(folder, protocol.STARTING)
    try:
        from pysr import PySRRegressor  # before NumPy: PySR wants Julia's libraries loaded first
    except Exception as error:
        traceback.print_exc()
        protocol.write_error(folder, f"PySR did not start: {_describe(error)}", missing=True)
        return 4
    phase = protocol.COMPILING  # the first search compiles first; from its first front on it counts as searching
    protocol.write_status(folder, protocol.WAITING)
    while line := jobs.readline():
        protocol.write_status(folder, phase)
        problem = _search(folder / line.strip(), PySRRegressor)
        phase = protocol.COMPILING if problem else protocol.SEARCHING
        protocol.write_status(folder, protocol.WAITING)
    return 0


def _search(folder: Path, regressor: Any) -> str | None:
    """Run one search, and write done.json or error.json last. Returns what went wrong, or None."""
    try:
        job = protocol.read_job(folder)
        X, y = protocol.read_data(folder)
        model = regressor(**_in_python(job.arguments), output_directory=str(folder), run_id=protocol.RUN)
        model.fit(X, y, variable_names=list(job.names))
    except SrncaError as error:
        problem = str(error)
    except Exception as error:  # another job may still succeed
        traceback.print_exc()
        problem = _describe(error)
    else:
        protocol.write_done(folder)
        return None
    protocol.write_error(folder, problem)
    return problem


def _in_python(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as PySR expects them: its constraints are pairs, which JSON stores as lists."""
    pairs = {name: tuple(v) if isinstance(v, list) else v for name, v in arguments.get("constraints", {}).items()}
    return {**arguments, "constraints": pairs} if pairs else arguments


def _end_with_parent() -> None:
    """On Linux, have the kernel kill this process when its parent ends, even while Julia holds Python's lock."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _jobs() -> TextIO:
    """This process's standard input under another descriptor: Julia would make a pipe on descriptor 0 non-blocking."""
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(own, encoding="utf-8")


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m distill.engines.pysr.worker FOLDER")
    sys.exit(main(Path(sys.argv[1]), _jobs()))
