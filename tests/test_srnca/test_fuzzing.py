"""The fuzzing harness itself: that it is seeded, and that it notices each thing which a reader may not do."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from equations.errors import InputError
from tests.test_srnca import fuzzing
from tests.test_srnca.fuzzing import check_reader, mutations, zip_mutations


def test_the_same_seed_gives_the_same_damage() -> None:
    first, again, other = (list(mutations(b"abc 12 " * 50, 40, seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert sum(data != b"abc 12 " * 50 for data in first) > 30


def test_damaged_archives_are_archives() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.npy", b"first")
        archive.writestr("b.npy", b"second")
    for data in zip_mutations(packed.getvalue(), 40, 0):
        assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None


def test_what_a_reader_may_do_is_counted(tmp_path: Path) -> None:
    def read(path: Path) -> bytes:
        if len(path.read_bytes()) != 20:
            raise InputError("expected 20 bytes")
        return path.read_bytes()

    outcomes = check_reader(read, b"x" * 20, "x.bin", tmp_path, count=50, seed=0)
    assert set(outcomes) == {"read", "InputError"}
    assert sum(outcomes.values()) == 50


def test_a_foreign_error_is_named_with_seed_and_number(tmp_path: Path) -> None:
    def read(path: Path) -> None:
        if path.read_bytes() != b"x" * 20:
            raise KeyError("deep inside")

    with pytest.raises(AssertionError, match=r"x\.bin: seed 5, number \d+, mutations: KeyError: 'deep inside'"):
        check_reader(read, b"x" * 20, "x.bin", tmp_path, count=50, seed=5)


def test_a_reader_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> None:
        while path.read_bytes() != b"x" * 20:
            pass

    monkeypatch.setattr(fuzzing, "MOST_SECONDS", 0.05)
    with pytest.raises(AssertionError, match=r"more than 0\.05 s"):
        check_reader(read, b"x" * 20, "x.bin", tmp_path, count=50, seed=0)


def test_a_reader_that_takes_all_memory_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> None:
        if path.read_bytes() != b"x" * 20:
            b"\x01" * 600_000_000

    monkeypatch.setattr(fuzzing, "MOST_BYTES", 200_000_000)
    with pytest.raises(AssertionError, match=r"MemoryError|grew by"):
        check_reader(read, b"x" * 20, "x.bin", tmp_path, count=50, seed=0)
