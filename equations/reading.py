"""Checks before a file is read: that it is a regular file, and how much memory its content would take.

A small file can ask for any amount of memory (compressed zeros, a header that claims a large shape). Readers therefore
take the size from headers, and compare it with one budget before they decode anything.
"""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path

from equations.errors import InputError, shorten

GIB = 2**30
LIMIT = 2 * GIB  # bytes that the decoded content of one file, or of one recording, may take
VARIABLE = "SRNCA_READ_LIMIT"  # environment: another limit, in GiB


def read_limit() -> int:
    """The budget in bytes: 2 GiB, or SRNCA_READ_LIMIT in GiB. Raises InputError when that is not a valid number."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return LIMIT
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not 0 < limit <= 2**20:
        raise InputError(f"expected {VARIABLE} to be a number of GiB above 0, such as 4, got {shorten(text)}")
    return int(limit * GIB)


def check_size(nbytes: int, what: str, source: object) -> None:
    """Raises InputError when `nbytes`, the decoded size of `what` as headers tell it, is above the budget.

    what: how to call it in the message ("frames of shape (1000, 3, 4096, 4096)"); source: the file it is from.
    """
    limit = read_limit()
    if nbytes > limit:
        raise InputError(
            f"{source}: expected at most {_gib(limit)} to read, got {what}, which would take {_gib(nbytes)}; "
            f"keep less of it, or set {VARIABLE} to the GiB that this machine can spare"
        )


def check_regular_file(path: str | os.PathLike[str], what: str = "a file") -> Path:
    """`path` as a Path when a regular file is there (links are followed).

    Raises InputError for a missing file, a folder, a named pipe, a socket, a device, or a path that cannot be looked
    at; a reader that opened a pipe would wait for ever. what: how to call it in the message ("a checkpoint").
    """
    found = Path(path)
    try:
        mode = os.stat(found).st_mode
    except FileNotFoundError:
        raise InputError(f"{found}: no such file; expected {what}") from None
    except (OSError, ValueError) as error:  # no permission, a name too long, a loop of links, a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{found}: expected {what}, but it cannot be opened ({reason})") from error
    if not stat.S_ISREG(mode):
        raise InputError(f"{found}: expected {what}, got {_kind(mode)}; give the path of a regular file")
    return found


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((text for test, text in kinds if test(mode)), "something else")


def _gib(nbytes: int) -> str:
    if nbytes >= 2**60:
        return "more than a billion GiB"
    return f"{nbytes / GIB:.3g} GiB" if nbytes >= 0.01 * GIB else f"{nbytes} bytes"
