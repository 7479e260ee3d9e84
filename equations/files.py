"""Atomic writing: a file is either the old one or the whole new one, never a half."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from equations.errors import InputError


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and renamed onto it, on error removed.

    The temporary name ends as `path` does, so that writers which look at the suffix (PNG, NPZ) work.
    Raises InputError when the folder does not exist or cannot be written.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=".tmp-", suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise InputError(
            f"cannot write {str(target)!r}: {error.strerror}; give a path in an existing, writable folder"
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes private files; results are ordinary ones
        os.replace(temporary, target)
    except IsADirectoryError as error:
        raise InputError(f"cannot write {str(target)!r}: it is a folder; give a file name") from error
    finally:
        temporary.unlink(missing_ok=True)


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
