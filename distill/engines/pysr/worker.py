"""The process that runs PySR: `python -m distill.engines.pysr.worker JOBDIR`.

It imports PySR, and with it Julia, and never torch: the two in one process have crashed in either order.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from distill.engines.pysr import protocol
from equations.errors import SrncaError


def main(folder: Path) -> int:
    """Do the job in `folder`; the last thing written is done.json or error.json. Returns the exit code."""
    try:
        job = protocol.read_job(folder)
    except SrncaError as error:
        protocol.write_error(folder, str(error))
        return 2
    try:
        from pysr import PySRRegressor  # before NumPy: PySR wants Julia's libraries loaded first
    except Exception as error:
        traceback.print_exc()
        protocol.write_error(folder, f"PySR did not start: {_describe(error)}", missing=True)
        return 4
    problems = _search_all(folder, job, PySRRegressor)
    if problems:
        protocol.write_error(folder, "; ".join(problems))
        return 1
    protocol.write_done(folder)
    return 0


def _search_all(folder: Path, job: protocol.Job, regressor: Any) -> list[str]:
    """One search after the other in the same warm Julia; what went wrong, in words."""
    problems = []
    try:
        X, Y = protocol.read_data(folder)
    except SrncaError as error:
        return [str(error)]
    for number, output in enumerate(job.outputs, start=1):
        try:
            run = protocol.run_id(number)
            model = regressor(**output.arguments, output_directory=str(folder), run_id=run)
            names = [job.names[i] for i in output.columns]
            model.fit(X[:, list(output.columns)], Y[:, number - 1], variable_names=names)
        except Exception as error:  # the other outputs may still succeed
            traceback.print_exc()
            problems.append(f"output {number}: {_describe(error)}")
        else:
            if getattr(model, "interrupted_", False):  # PySR swallows Ctrl-C and keeps what it found
                break
    return problems


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m distill.engines.pysr.worker JOBDIR")
    sys.exit(main(Path(sys.argv[1])))
