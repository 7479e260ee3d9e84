"""The cache of compiled kernels: it runs nothing that others wrote, and removes nothing that is not its own."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from equations.backends.llvm import cache, jit
from equations.backends.llvm.driver import RUN
from equations.backends.llvm.steppers import make_stepper
from tests.test_equations.helpers import make_rule

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="the cache is for systems with user ids")
NAME = "0123456789abcdef0123456789abcdef01234567"
OTHER = NAME[::-1]
CODE = b"machine code"
RULE = make_rule({"u": "0.1*u_lap - 0.01*u"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where kernels lie inside a fresh `$SRNCA_CACHE`; the secret lies in a fresh home."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("SRNCA_CACHE", str(tmp_path / "given"))
    jit.compile_entries.cache_clear()
    yield tmp_path / "given" / "srnca-kernels"
    jit.compile_entries.cache_clear()


def secret_of(tmp_path: Path) -> Path:
    return tmp_path / "home" / "srnca" / "kernels" / "secret"


def test_what_is_saved_is_loaded_and_private(folder: Path, tmp_path: Path) -> None:
    assert cache.load(NAME) is None
    cache.save(NAME, CODE)
    assert cache.load(NAME) == CODE
    assert cache.cache_folder() == folder
    secret = secret_of(tmp_path)
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / NAME, secret.parent, secret)] == [
        0o700, 0o600, 0o700, 0o600,
    ]  # fmt: skip
    assert len(secret.read_bytes()) == 32
    assert secret.read_bytes() not in (folder / NAME).read_bytes()


def run_rule() -> float:
    """The first number of a state of zeros after a step, by the kernel that a fresh process would use."""
    jit.compile_entries.cache_clear()
    return float(make_stepper(RULE, threads=1)(np.zeros((1, 1, 64), np.float32), 0, 1, 0)[0, 0, 0])


@pytest.mark.parametrize("way", ["as before", "another secret", "another name", "own"])
def test_a_planted_kernel_is_not_run(folder: Path, tmp_path: Path, way: str) -> None:
    assert run_rule() == 0
    (kernel,) = folder.iterdir()
    own, name = secret_of(tmp_path).read_bytes(), kernel.name
    arguments = RUN.template.split("@run(")[1].split(") nounwind")[0]
    code = jit._compile(f"define i64 @run({arguments}) {{\n  store float 7.700000e+01, ptr %target\n  ret i64 %n\n}}")
    signature = {
        "as before": hashlib.sha256(code).digest(),
        "another secret": cache._sign(b"x" * 32, name, code),
        "another name": cache._sign(own, OTHER, code),
        "own": cache._sign(own, name, code),
    }
    kernel.write_bytes(signature[way] + code)
    # the last way shows that the planted code would do what it is planted for
    assert run_rule() == (77 if way == "own" else 0)


def test_a_folder_of_documents_stays_as_it_is(folder: Path) -> None:
    given = folder.parent
    given.mkdir()
    for index in range(300):
        (given / f"letter {index}.txt").write_text("dear")
    (given / NAME).write_text("a document with a strange name")
    for index in range(4):
        cache.save(f"{index:040x}", CODE, kept=2)
    assert len(list(given.iterdir())) == 302
    assert (given / NAME).read_text() == "a document with a strange name"
    assert sorted(path.name for path in folder.iterdir()) == [f"{index:040x}" for index in (2, 3)]


def test_only_own_kernels_go(folder: Path) -> None:
    cache.save(NAME, CODE)
    (folder / "notes.txt").write_text("mine")
    (folder / ("A" * 40)).write_text("upper case is not our name")
    (folder / ("b" * 40)).mkdir()
    (folder / ("c" * 40)).symlink_to(folder / "notes.txt")
    os.mkfifo(folder / ("d" * 40))
    cache.save(OTHER, CODE, kept=0)
    left = {path.name for path in folder.iterdir()}
    assert left == {"notes.txt", *(letter * 40 for letter in "Abcd")}


def test_files_of_somebody_else_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.save(NAME, CODE)
    with cache._opened(folder) as handle:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        cache._evict(handle, 0)
        assert cache._read(handle, NAME, 1000) is None
    assert (folder / NAME).exists()


def test_unfinished_files_of_the_killed_go_after_an_hour(folder: Path) -> None:
    cache.save(NAME, CODE)
    old, fresh = (folder / f"{NAME}.{letter * 16}.part" for letter in "ab")
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 4000,) * 2)
    cache.save(OTHER, CODE)
    assert not old.exists()
    assert fresh.exists()


@pytest.mark.parametrize("kind", ["fifo", "symlink", "folder", "device"])
def test_only_regular_files_are_read(folder: Path, kind: str) -> None:
    """A FIFO must not stop the program, nor a link lead out of the folder."""
    cache.save(NAME, CODE)
    kernel = folder / NAME
    if kind == "symlink":
        kernel.rename(folder.parent / "elsewhere")
        kernel.symlink_to(folder.parent / "elsewhere")
    else:
        kernel.unlink()
        if kind == "fifo":
            os.mkfifo(kernel)
        elif kind == "folder":
            kernel.mkdir()
        else:
            kernel.symlink_to("/dev/zero")
    began = time.monotonic()
    assert cache.load(NAME) is None
    cache.save(NAME, CODE)
    assert cache.load(NAME) == (None if kind == "folder" else CODE)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o701, 0o722])
def test_a_folder_open_to_others_is_not_used(folder: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    cache.save(NAME, CODE)
    folder.chmod(mode)
    assert cache.load(NAME) is None
    assert cache.cache_folder() is None
    assert "chmod 700" in caplog.text
    cache.save(OTHER, CODE)
    assert not (folder / OTHER).exists()
    assert (folder / NAME).exists()


def test_a_given_folder_open_to_others_is_used_through_a_private_one(folder: Path) -> None:
    folder.parent.mkdir()
    folder.parent.chmod(0o777)
    cache.save(NAME, CODE)
    assert cache.load(NAME) == CODE
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_linked_folder_is_not_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "target")
    cache.save(NAME, CODE)
    assert list((tmp_path / "target").iterdir()) == []


def test_folders_and_files_of_somebody_else_are_not_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.save(NAME, CODE)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert cache.load(NAME) is None
    assert cache.cache_folder() is None


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 33])
def test_a_damaged_secret_is_replaced(folder: Path, tmp_path: Path, damage: bytes) -> None:
    cache.save(NAME, CODE)
    secret_of(tmp_path).write_bytes(damage)
    assert cache.load(NAME) is None
    cache.save(NAME, CODE)
    assert cache.load(NAME) == CODE
    assert len(secret_of(tmp_path).read_bytes()) == 32


def test_a_secret_that_others_could_read_is_one_no_more(folder: Path, tmp_path: Path) -> None:
    cache.save(NAME, CODE)
    secret = secret_of(tmp_path)
    known = secret.read_bytes()
    secret.chmod(0o644)
    assert cache.load(NAME) is None
    assert secret.read_bytes() != known
    assert secret.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_is_no_file(folder: Path, tmp_path: Path) -> None:
    secret = secret_of(tmp_path)
    secret.parent.mkdir(mode=0o700, parents=True)
    secret.mkdir()
    cache.save(NAME, CODE)
    assert cache.cache_folder() is None
    secret.rmdir()
    os.mkfifo(secret)
    cache.save(NAME, CODE)
    assert cache.load(NAME) == CODE


@pytest.mark.parametrize("damage", [b"", b"?", b"x" * 31, b"x" * 4000])
def test_a_torn_kernel_is_ignored(folder: Path, damage: bytes) -> None:
    cache.save(NAME, CODE)
    whole = (folder / NAME).read_bytes()
    for torn in (damage, whole[:-1], whole[1:], whole + b"?"):
        (folder / NAME).write_bytes(torn)
        assert cache.load(NAME) is None
    cache.save(NAME, CODE)
    assert cache.load(NAME) == CODE


def test_a_huge_file_is_not_read(folder: Path) -> None:
    cache.save(NAME, CODE)
    with open(folder / NAME, "r+b") as file:
        file.truncate(1 << 40)
    assert cache.load(NAME) is None


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.save(NAME, CODE)
    monkeypatch.setattr(os, "rename", lambda *a, **k: (_ for _ in ()).throw(OSError(errno.ENOSPC, "no space")))
    cache.save(OTHER, CODE)
    monkeypatch.undo()
    assert [path.name for path in folder.iterdir()] == [NAME]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_while_writing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.save(NAME, CODE)

    def full(
        name: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None, real: Callable[..., int] = os.open
    ) -> int:
        if flags & os.O_CREAT:
            os.close(real(name, flags, mode, dir_fd=dir_fd))
            return real("/dev/full", os.O_WRONLY)
        return real(name, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", full)
    monkeypatch.setattr(os, "supports_dir_fd", os.supports_dir_fd | {full})
    cache.save(OTHER, CODE)
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert cache.load(NAME) == CODE


def test_a_read_only_cache_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.save(NAME, CODE)

    def refuse(
        name: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None, real: Callable[..., int] = os.open
    ) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "read-only file system")
        return real(name, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "supports_dir_fd", os.supports_dir_fd | {refuse})
    monkeypatch.setattr(os, "utime", lambda *a, **k: (_ for _ in ()).throw(OSError(errno.EROFS, "read-only")))
    assert cache.load(NAME) == CODE
    cache.save(OTHER, CODE)
    assert cache.load(OTHER) is None


@pytest.mark.parametrize("given", [None, "somewhere"])
def test_a_user_without_a_home_has_no_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("Could not determine home directory")))
    if given is None:
        monkeypatch.delenv("SRNCA_CACHE")
    assert cache.cache_folder() is None
    assert cache.load(NAME) is None
    cache.save(NAME, CODE)
    monkeypatch.setattr(Path, "home", lambda: Path())  # an empty HOME: not the present folder
    monkeypatch.chdir(tmp_path)
    assert cache.cache_folder() is None
    assert not (tmp_path / ".cache").exists()


def test_a_kill_in_the_middle_of_writing(folder: Path) -> None:
    """Killed before the rename: no kernel is there, the unfinished file is not read, and the next process saves."""
    script = f"""
import os, signal
from equations.backends.llvm import cache
os.rename = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
cache.save({NAME!r}, b"x" * 100)
"""
    cache.save(OTHER, CODE)  # the secret is there already
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    names = sorted(path.name for path in folder.iterdir())
    assert names[0].startswith(NAME)
    assert names[0].endswith(".part")
    assert cache.load(NAME) is None
    cache.save(NAME, CODE)
    assert cache.load(NAME) == CODE
