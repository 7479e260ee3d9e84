"""The files through which the engine and its worker process communicate; all are in the worker's folder.

    status.json                      what the worker is doing: a phase
    error.json                       PySR or Julia could not be started
    log                              what the worker, PySR and Julia print
    job1/job.json                    names of the columns, and how to search: written by the engine
    job1/data.npz                    X (rows, columns) and y (rows,), float64
    job1/output/hall_of_fame.csv     PySR's front, rewritten as it improves; beside it `.csv.bak`, the same
    job1/done.json | error.json      the outcome of the job

The engine writes a job's folder, then the folder's name on the worker's standard input; the worker does one job after
another until its input ends. Only plain JSON, CSV and NPZ without pickles are read back.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError, SrncaError
from equations.files import atomic, write_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from sympy import Expr

    Array = npt.NDArray[np.float64]

FORMAT = "srnca.pysr-job/2"
HEADER = "Complexity,Loss,Equation"
RUN = "output"  # PySR's run_id: the name of its folder in the job's folder
STARTING, WAITING, COMPILING, SEARCHING = "starting Julia", "waiting", "compiling", "searching"
PHASES = (STARTING, WAITING, COMPILING, SEARCHING)
MAX_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Job:
    """One search.

    names: PySR's names of the columns of X.
    arguments: the keyword arguments of PySRRegressor.
    """

    names: tuple[str, ...]
    arguments: dict[str, Any]


def write_job(folder: Path, job: Job, X: Array, y: Array) -> None:
    """Write job.json and data.npz."""
    import numpy as np

    with atomic(folder / "data.npz") as path:
        np.savez(path, X=X, y=y)
    text = json.dumps({"format": FORMAT, "names": list(job.names), "arguments": job.arguments})
    write_text(folder / "job.json", text)


def read_job(folder: Path) -> Job:
    """The job in `folder`. Raises InputError when job.json is missing or not of this format."""
    data = _json(folder / "job.json")
    if data is None or data.get("format") != FORMAT:
        raise InputError(f"{folder / 'job.json'}: expected a file of format {FORMAT}, got something else")
    try:
        return Job(tuple(data["names"]), dict(data["arguments"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / 'job.json'}: a part is missing or of the wrong type ({error!r})") from error


def read_data(folder: Path) -> tuple[Array, Array]:
    """X (rows, columns) and y (rows,). Raises InputError when data.npz cannot be read."""
    import numpy as np

    try:
        with np.load(folder / "data.npz", allow_pickle=False) as data:
            return data["X"], data["y"]
    except Exception as error:  # a damaged archive raises errors of many kinds
        raise InputError(f"{folder / 'data.npz'}: expected arrays X and y, got {error}") from error


def write_status(folder: Path, phase: str) -> None:
    """Record what the worker does now, one of PHASES."""
    write_text(folder / "status.json", json.dumps({"format": FORMAT, "phase": phase}))


def read_status(folder: Path) -> str:
    """The worker's phase; STARTING before it has recorded one."""
    status = _json(folder / "status.json")
    phase = STARTING if status is None or status.get("format") != FORMAT else status.get("phase")
    return phase if phase in PHASES else STARTING


def write_done(folder: Path) -> None:
    """Record that the search has ended normally."""
    write_text(folder / "done.json", json.dumps({"format": FORMAT}))


def is_done(folder: Path) -> bool:
    """Whether the search in this job's folder has ended normally."""
    done = _json(folder / "done.json")
    return done is not None and done.get("format") == FORMAT


def write_error(folder: Path, message: str, *, missing: bool = False) -> None:
    """Record what went wrong.

    missing: PySR or Julia could not be started.
    """
    error = {"format": FORMAT, "message": message[:4000], "missing": missing}
    write_text(folder / "error.json", json.dumps(error))


def read_error(folder: Path) -> tuple[str, bool] | None:
    """The error message and whether PySR or Julia is missing; None when there is no readable error.json."""
    error = _json(folder / "error.json")
    if error is None or error.get("format") != FORMAT:
        return None
    return str(error.get("message", "no message")), error.get("missing") is True


def log_tail(folder: Path, lines: int = 5) -> str:
    """The last lines that the worker printed."""
    text = _read(folder / "log", tail=True) or ""
    kept = [line.strip()[:300] for line in text.splitlines() if line.strip()]
    return "\n".join(kept[-lines:])


def hall_of_fame(folder: Path) -> Path:
    """Where PySR writes the front of the job in `folder`."""
    return folder / RUN / "hall_of_fame.csv"


def read_equations(folder: Path, names: Sequence[str]) -> list[Expr]:
    """The equations that were found so far, simplest first; empty when there are none.

    PySR writes its file, then the same again as `.bak`, so that one of them is complete at any time. Both are read;
    lines that are cut off or do not parse are left out.
    """
    hall = hall_of_fame(folder)
    found: dict[Expr, None] = {}
    for path in (hall, hall.with_suffix(".csv.bak")):
        for expr in _equations(_read(path) or "", names):
            found.setdefault(expr)
    return list(found)


def count_equations(folder: Path) -> int:
    """How many equations the front has now; cheap enough to be called often."""
    text = _read(hall_of_fame(folder)) or ""
    return max(0, text.count("\n") - 1)


def written_at(folder: Path) -> int:
    """When PySR last wrote the front, in nanoseconds; 0 before it has. It does after each population's round."""
    try:
        return hall_of_fame(folder).stat().st_mtime_ns
    except OSError:
        return 0


def _equations(text: str, names: Sequence[str]) -> list[Expr]:
    from equations.expressions.infix import parse_infix

    lines = text.split("\n")[:-1]  # the text after the last line end is an unfinished line
    if not lines or lines[0].strip() != HEADER:
        return []
    found = []
    for line in lines[1:]:
        try:
            (row,) = csv.reader([line], strict=True)
            _, loss, equation = row
            if math.isfinite(_float(loss)):
                found.append(parse_infix(equation, names))
        except (csv.Error, ValueError, SrncaError):
            continue
    return found


def _float(text: str) -> float:
    return float(text.lower().replace("f", "e") if text[:1].isdigit() else text)  # Julia may write 1.0f-5


def _json(path: Path) -> dict[str, Any] | None:
    """The JSON object in `path`; None when there is no such thing."""
    try:
        value = json.loads(_read(path) or "")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read(path: Path, *, tail: bool = False) -> str | None:
    """At most 8 MB of text from the file's beginning (or 64 kB from its end); None when it cannot be read."""
    try:
        with open(path, "rb") as file:
            if tail:
                file.seek(max(0, path.stat().st_size - 2**16))
            return file.read(MAX_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None
