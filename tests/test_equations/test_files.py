"""Atomic writing: the old file or the new one, and nothing left of writers that were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from equations import files
from equations.errors import InputError
from equations.files import atomic, write_bytes

ROOT = Path(__file__).parents[2]

# Writes half of a file; then it is killed, or waits to be.
WRITER = """
import os, signal, sys, time
from equations.files import atomic

with atomic(sys.argv[1]) as temporary:
    temporary.write_bytes(b"half")
    print("half", flush=True)
    if sys.argv[2] == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
"""


def writer(path: Path, ends: str) -> subprocess.Popen[str]:
    """A process that has written half of `path` when this returns."""
    words = [sys.executable, "-c", WRITER, str(path), ends]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    return process


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_next_writing_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    assert writer(path, "dies").wait() == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert left.startswith(".tmp-")
    write_bytes(tmp_path / "other.bin", b"1")
    assert names(tmp_path) == [left, "other.bin"]  # it is none of that file's
    write_bytes(path, b"whole")
    assert names(tmp_path) == ["other.bin", "x.bin"]
    assert path.read_bytes() == b"whole"


def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    process = writer(path, "waits")
    try:
        before = names(tmp_path)
        write_bytes(path, b"whole")
        assert names(tmp_path) == [*before, "x.bin"]
    finally:
        process.kill()
        process.communicate()


def test_what_another_thread_is_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    with atomic(path) as temporary:
        temporary.write_bytes(b"first")
        thread = threading.Thread(target=write_bytes, args=(path, b"second"))
        thread.start()
        thread.join()
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["x.bin"]


def test_files_that_only_look_like_leftovers_stay(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    with atomic(path) as temporary:
        own = temporary.name[: temporary.name.rindex("-") + 1]
    (tmp_path / "target").write_bytes(b"1")
    (tmp_path / f"{own}link").symlink_to(tmp_path / "target")
    (tmp_path / f"{own}folder").mkdir()
    os.mkfifo(tmp_path / f"{own}fifo")
    (tmp_path / ".tmp-mine.bin").write_bytes(b"1")
    before = names(tmp_path)
    write_bytes(path, b"2")
    assert names(tmp_path) == sorted({*before, "x.bin"})


def test_one_that_was_taken_for_a_leftover_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proper, seen = files.fcntl.flock, list[int]()

    def late(handle: int, how: int) -> None:
        if not seen:
            next(tmp_path.glob(".tmp-*")).unlink()
        seen.append(handle)
        proper(handle, how)

    monkeypatch.setattr(files.fcntl, "flock", late)
    write_bytes(tmp_path / "x.bin", b"whole")
    assert len(seen) == 2
    assert names(tmp_path) == ["x.bin"]
    assert (tmp_path / "x.bin").read_bytes() == b"whole"


def test_without_locks_files_are_written_and_leftovers_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: int) -> None:
        raise OSError("no locks here")

    assert writer(tmp_path / "x.bin", "dies").wait() == -signal.SIGKILL
    for patched in (refuses, None):
        if patched is None:
            monkeypatch.setattr(files, "fcntl", None)
        else:
            monkeypatch.setattr(files.fcntl, "flock", patched)
        write_bytes(tmp_path / "x.bin", b"whole")
        assert (tmp_path / "x.bin").read_bytes() == b"whole"
        assert len(names(tmp_path)) == 2


def _break(path: Path) -> None:
    with atomic(path) as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError


def test_errors_leave_nothing(tmp_path: Path) -> None:
    write_bytes(tmp_path / "x.bin", b"old")
    with pytest.raises(ZeroDivisionError):
        _break(tmp_path / "x.bin")
    assert names(tmp_path) == ["x.bin"]
    assert (tmp_path / "x.bin").read_bytes() == b"old"
    with pytest.raises(InputError, match=r"cannot write .*; give a path in an existing, writable folder"):
        write_bytes(tmp_path / "none" / "x.bin", b"")
    with pytest.raises(InputError, match="it is a folder; give a file name"):
        write_bytes(tmp_path, b"")
