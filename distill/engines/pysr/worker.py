"""The process that runs PySR: `python -m distill.engines.pysr.worker FOLDER`, one job after another.

It imports PySR, and with it Julia, and never torch: the two in one process have crashed in either order. Julia starts
once and compiles once; every further search begins at once.
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
    """Do the jobs whose folders are named on `jobs`, a line each, until it ends. Returns the exit code."""
    _end_with_parent()
    protocol.write_status(folder, protocol.STARTING)
    try:
        from pysr import PySRRegressor  # before NumPy: PySR wants Julia's libraries loaded first
    except Exception as error:
        traceback.print_exc()
        protocol.write_error(folder, f"PySR did not start: {_describe(error)}", missing=True)
        return 4
    phase = protocol.COMPILING  # the first search compiles; it is seen to search when its first front is there
    protocol.write_status(folder, protocol.WAITING)
    while line := jobs.readline():
        protocol.write_status(folder, phase)
        problem = _search(folder / line.strip(), PySRRegressor)
        phase = protocol.COMPILING if problem else protocol.SEARCHING
        protocol.write_status(folder, protocol.WAITING)
    return 0


def _search(folder: Path, regressor: Any) -> str | None:
    """One search; the last thing written is done.json or error.json. What went wrong, in words."""
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
    """The arguments as PySR wants them: JSON has lists where PySR's constraints have pairs."""
    pairs = {name: tuple(v) if isinstance(v, list) else v for name, v in arguments.get("constraints", {}).items()}
    return {**arguments, "constraints": pairs} if pairs else arguments


def _end_with_parent() -> None:
    """On Linux the kernel kills us when our parent ends, even while Julia holds Python's lock."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _jobs() -> TextIO:
    """Our standard input, moved to where Julia does not see it: it makes a pipe that it finds there non-blocking."""
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
