"""The files through which the engine and its worker process talk; all lie in one job folder.

    job.json                    names of the columns, and what to search: written by the engine
    data.npz                    X (rows, columns) and Y (rows, outputs), float64
    output1/hall_of_fame.csv    PySR's front for output 1, rewritten as it improves; beside it `.csv.bak`, the same
    done.json | error.json      the worker's last word
    log                         what the worker, PySR and Julia print

Only plain JSON, CSV and NPZ without pickles are read back.
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

FORMAT = "srnca.pysr-job/1"
HEADER = "Complexity,Loss,Equation"
MAX_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Output:
    """One search: column `number − 1` of Y from the columns `columns` of X."""

    columns: tuple[int, ...]
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Job:
    """`names` are what PySR calls the columns of X."""

    names: tuple[str, ...]
    outputs: tuple[Output, ...]


def write_job(folder: Path, job: Job, X: Array, Y: Array) -> None:
    """Write job.json and data.npz."""
    import numpy as np

    with atomic(folder / "data.npz") as path:
        np.savez(path, X=X, Y=Y)
    outputs = [{"columns": list(o.columns), "arguments": o.arguments} for o in job.outputs]
    write_text(folder / "job.json", json.dumps({"format": FORMAT, "names": list(job.names), "outputs": outputs}))


def read_job(folder: Path) -> Job:
    """The job in `folder`. Raises InputError when job.json is missing or not of this format."""
    data = _json(folder / "job.json")
    if data is None or data.get("format") != FORMAT:
        raise InputError(f"{folder / 'job.json'}: expected a file of format {FORMAT}, got something else")
    try:
        outputs = tuple(Output(tuple(o["columns"]), dict(o["arguments"])) for o in data["outputs"])
        return Job(tuple(data["names"]), outputs)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / 'job.json'}: a part is missing or of the wrong type ({error!r})") from error


def read_data(folder: Path) -> tuple[Array, Array]:
    """X (rows, columns) and Y (rows, outputs). Raises InputError when data.npz cannot be read."""
    import numpy as np

    try:
        with np.load(folder / "data.npz", allow_pickle=False) as data:
            return data["X"], data["Y"]
    except Exception as error:  # a damaged archive raises errors of many kinds
        raise InputError(f"{folder / 'data.npz'}: expected arrays X and Y, got {error}") from error


def run_id(number: int) -> str:
    """PySR's run_id for output `number` (from 1): the name of its folder in the job folder."""
    return f"output{number}"


def write_done(folder: Path) -> None:
    """Say that all searches have ended as they should."""
    write_text(folder / "done.json", json.dumps({"format": FORMAT}))


def is_done(folder: Path) -> bool:
    """Whether the worker has finished its job."""
    done = _json(folder / "done.json")
    return done is not None and done.get("format") == FORMAT


def write_error(folder: Path, message: str, *, missing: bool = False) -> None:
    """Say what went wrong; `missing`: PySR or Julia could not be started."""
    error = {"format": FORMAT, "message": message[:4000], "missing": missing}
    write_text(folder / "error.json", json.dumps(error))


def read_error(folder: Path) -> tuple[str, bool] | None:
    """The worker's complaint and whether a part is missing; None when it has not complained legibly."""
    error = _json(folder / "error.json")
    if error is None or error.get("format") != FORMAT:
        return None
    return str(error.get("message", "no message")), error.get("missing") is True


def log_tail(folder: Path, lines: int = 5) -> str:
    """The last lines that the worker printed."""
    text = _read(folder / "log", tail=True) or ""
    kept = [line.strip()[:300] for line in text.splitlines() if line.strip()]
    return "\n".join(kept[-lines:])


def read_equations(folder: Path, number: int, names: Sequence[str]) -> list[Expr]:
    """The equations of output `number` that were found so far, simplest first; empty when there are none.

    PySR writes its file, then the same again as `.bak`, so that one of them is whole at any time. Both are read;
    lines that are cut off or do not parse are left out.
    """
    hall = folder / run_id(number) / "hall_of_fame.csv"
    found: dict[Expr, None] = {}
    for path in (hall, hall.with_suffix(".csv.bak")):
        for expr in _equations(_read(path) or "", names):
            found.setdefault(expr)
    return list(found)


def count_equations(folder: Path, number: int) -> int:
    """How many lines the front of output `number` has now; cheap enough to be asked often."""
    text = _read(folder / run_id(number) / "hall_of_fame.csv") or ""
    return max(0, text.count("\n") - 1)


def _equations(text: str, names: Sequence[str]) -> list[Expr]:
    from equations.infix import parse_infix

    lines = text.split("\n")[:-1]  # what follows the last line end is not a whole line
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
