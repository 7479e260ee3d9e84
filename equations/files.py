"""Atomic writing: a file is either the old one or the whole new one, never a half."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from equations.errors import InputError

fcntl: Any
try:
    fcntl = import_module("fcntl")
except ImportError:  # Windows, where leftovers are not removed
    fcntl = None


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and renamed onto it, on error removed.

    The temporary name ends as `path` does, so that writers which look at the suffix (PNG, NPZ) work. Temporary files
    that killed processes left behind for `path` are removed.
    Raises InputError when the folder does not exist or cannot be written.
    """
    target = Path(path)
    try:
        handle, temporary = _open_temporary(target)
    except OSError as error:
        raise InputError(
            f"cannot write {str(target)!r}: {error.strerror}; give a path in an existing, writable folder"
        ) from error
    try:
        if fcntl is None:
            os.close(handle)  # Windows cannot rename an open file
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes private files; results are ordinary ones
        os.replace(temporary, target)
    except IsADirectoryError as error:
        raise InputError(f"cannot write {str(target)!r}: it is a folder; give a file name") from error
    finally:
        temporary.unlink(missing_ok=True)
        if fcntl is not None:
            os.close(handle)


def _open_temporary(target: Path) -> tuple[int, Path]:
    """Create a temporary file for `target`, locked while it is open: one without a lock is a leftover."""
    own = f".tmp-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}-"
    if fcntl is not None:
        for leftover in target.parent.glob(f"{own}*"):
            _remove_unlocked(leftover)
    while True:
        handle, name = tempfile.mkstemp(prefix=own, suffix=target.suffix, dir=target.parent)
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks: no other writer can lock it, and so remove it
                fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):
            return handle, Path(name)
        os.close(handle)  # another writer took it for a leftover before it was locked


def _remove_unlocked(path: Path) -> None:
    """Remove a temporary file whose writer is gone."""
    with suppress(OSError):  # gone already, locked, or not ours to remove
        if not stat.S_ISREG(path.lstat().st_mode):
            return
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(handle)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8 with `\\n` line ends.

    Bytes of file names that are no UTF-8 (Python's lone surrogates) are written as escapes such as \\udcff.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
