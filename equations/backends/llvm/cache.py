"""Compiled kernels on disk: machine code that only this user can have written, in a folder that holds nothing else.

The files are machine code that will be executed, so a file is trusted only if nobody else can have written it. The
folder is `srnca/kernels` in the user's cache folder, or `srnca-kernels` inside `$SRNCA_CACHE`. It belongs to the user
and is closed to all others (mode 0700). Every file carries a signature (HMAC-SHA256) made with a secret of 32 bytes.
The secret lies in the user's cache folder, never in `$SRNCA_CACHE`, so that files from an archive or another disk are
not executed. Only regular files of the user with a name of the form `_NAME` are read or removed.

Where one of these conditions fails, or the system has no such ownership (Windows), there is no cache on disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

KEPT = 256  # kernels that stay on disk; those used longest ago are removed
MAX_BYTES = 64 * 2**20  # of one kernel; a file beyond that is not ours
_SECRET = "secret"
_SECRET_BYTES = 32
_SIGNATURE_BYTES = hashlib.sha256().digest_size
_NAME = re.compile(r"[0-9a-f]{40}\Z")
_UNFINISHED = re.compile(r"[0-9a-f]{40}\.[0-9a-f]{16}\.part\Z")
_UNFINISHED_SECONDS = 3600.0  # an older unfinished file was left by a process that was killed
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def cache_folder() -> Path | None:
    """The folder of compiled kernels, created on use; None where there cannot be one that belongs to the user."""
    with _store() as store:
        return None if store is None else _folder()


def load(name: str) -> bytes | None:
    """The code stored under `name` (40 hexadecimal digits); None without a complete file that this user wrote."""
    with _store() as store:
        if store is None:
            return None
        folder, secret = store
        data = _read(folder, name, MAX_BYTES) or b""
    signature, code = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
    return code if hmac.compare_digest(signature, _sign(secret, name, code)) else None


def save(name: str, code: bytes, *, kept: int = KEPT) -> None:
    """Store `code` under `name`, and remove all but the `kept` kernels that were used last.

    Where storing fails, nothing happens.
    """
    with _store() as store:
        if store is None:
            return
        folder, secret = store
        try:
            _write(folder, name, _sign(secret, name, code) + code)
            _evict(folder, kept)
        except OSError as error:
            logger.info("kernel not cached: %s", error)


@contextmanager
def _store() -> Iterator[tuple[int, bytes] | None]:
    """A handle of the folder of kernels, and the secret that signs them; None where there is no cache."""
    path = _folder()
    secret = None if path is None else _load_secret()
    if path is None or secret is None:
        yield None
        return
    with _opened(path) as folder:
        yield None if folder is None else (folder, secret)


def _sign(secret: bytes, name: str, code: bytes) -> bytes:
    return hmac.digest(secret, name.encode() + b"\0" + code, "sha256")


def _folder() -> Path | None:
    """The folder of kernels by the environment; None where the cache is switched off or there is no place for it."""
    given = os.environ.get("SRNCA_CACHE")
    if given is None:
        return _home()
    return Path(given) / "srnca-kernels" if given else None  # an empty value switches the cache off


def _home() -> Path | None:
    """`srnca/kernels` in the user's cache folder; None for a user without a home folder."""
    try:
        if sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no HOME, and no entry for the user in the password file
        return None
    return base / "srnca" / "kernels" if base.is_absolute() else None


def _load_secret() -> bytes | None:
    """The user's secret, created on first use; None where it cannot be stored or others can read it."""
    home = _home()
    if home is None:
        return None
    with _opened(home) as handle:
        if handle is None:
            return None
        secret = _read(handle, _SECRET, _SECRET_BYTES, hidden=True)
        if secret is None or len(secret) != _SECRET_BYTES:
            try:
                _write(handle, _SECRET, secrets.token_bytes(_SECRET_BYTES))
            except OSError as error:
                logger.info("no kernel cache: %s", error)
                return None
            secret = _read(handle, _SECRET, _SECRET_BYTES, hidden=True)  # of the process that wrote last
    return secret if secret is not None and len(secret) == _SECRET_BYTES else None


@contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """A handle of the folder, created if needed; None where it is not the user's own or is open to others."""
    if not hasattr(os, "geteuid") or os.open not in os.supports_dir_fd:
        yield None
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, _READ | os.O_DIRECTORY)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        logger.info("no kernel cache: %s", error)
        yield None
        return
    try:
        found = os.fstat(handle)
        own = found.st_uid == os.geteuid() and not found.st_mode & 0o077
        if not own:
            logger.warning(
                "%s is not yours alone: kernels are compiled anew in every process (chmod 700, or remove it)", folder
            )
        yield handle if own else None
    finally:
        os.close(handle)


def _read(folder: int, name: str, most: int, *, hidden: bool = False) -> bytes | None:
    """Read a regular file of the user of at most `most` bytes; with `hidden`, only one that nobody else may read."""
    try:
        handle = os.open(name, _READ, dir_fd=folder)
    except OSError:
        return None
    try:
        found = os.fstat(handle)
        if not _is_own(found) or found.st_size > most or (hidden and found.st_mode & 0o077):
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(most + 1)
        with contextlib.suppress(OSError):
            os.utime(handle)  # used just now
    except OSError:
        return None
    finally:
        os.close(handle)
    return data if len(data) <= most else None


def _is_own(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()


def _write(folder: int, name: str, data: bytes) -> None:
    """Write a file whole or not at all; raises OSError."""
    stem = name if _NAME.match(name) else "0" * 40
    unfinished = f"{stem}.{secrets.token_hex(8)}.part"
    handle = os.open(unfinished, _WRITE, 0o600, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished, dir_fd=folder)
        raise


def _evict(folder: int, kept: int) -> None:
    """Remove all but the `kept` kernels used last, and the unfinished files of processes that were killed."""
    kernels: list[tuple[float, str]] = []
    unfinished: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:  # removed by another process
                continue
            if not _is_own(found):
                continue
            if _NAME.match(entry.name):
                kernels.append((found.st_mtime, entry.name))
            elif _UNFINISHED.match(entry.name) and time.time() - found.st_mtime > _UNFINISHED_SECONDS:
                unfinished.append(entry.name)
    for name in [name for _, name in sorted(kernels, reverse=True)[kept:]] + unfinished:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder)
