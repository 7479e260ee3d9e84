"""Arrays out of npz files: what is stored comes back, and headers are believed only as far as the budget goes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.errors import InputError
from equations.npz import list_npz, read_npz


def header(shape: tuple[int, ...], dtype: str = "<f4", version: tuple[int, int] = (1, 0)) -> bytes:
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"descr": dtype, "fortran_order": False, "shape": shape})
    return made.getvalue()[:6] + bytes(version) + made.getvalue()[8:]


def pack(path: Path, method: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back(tmp_path: Path, save: Any) -> None:
    random = np.random.default_rng(0)
    arrays = {
        "c": random.normal(size=(3, 4, 5)),
        "f": np.asfortranarray(random.integers(0, 9, (6, 7))),
        "big": random.normal(size=9).astype(">f4"),
        "flag": np.array(True),
        "none": np.zeros((0, 3)),
        "names": np.array(["a", "bc"]),
    }
    save(tmp_path / "x.npz", **arrays)
    found = read_npz(tmp_path / "x.npz", [*arrays, "missing"], "a file")
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert "c (3×4×5 float64), f (6×7 int64)" in list_npz(tmp_path / "x.npz")


def test_a_claim_of_gigabytes_is_refused_by_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "x.npz", a=header((2**40,)))
    with pytest.raises(InputError, match="does not fit its"):
        read_npz(path, ["a"], "a file")
    path = tmp_path / "y.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as member:
        member.write(header((3, 2**20)))
        for _ in range(12):
            member.write(bytes(2**20))
    assert path.stat().st_size < 30_000
    assert read_npz(path, ["a"], "a file")["a"].shape == (3, 2**20)
    monkeypatch.setenv("SRNCA_READ_LIMIT", "0.01")
    with pytest.raises(InputError, match="at most 10737418 bytes to read, got arrays a of 3×1048576 float32"):
        read_npz(path, ["a"], "a file")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no array", "expected an npz file of plain arrays"),
        (b"", "expected an npz file of plain arrays"),
        (header((1,), "|O") + bytes(8), "a of type"),
        (header((1,), "<M8[s]") + bytes(8), "a of type"),
        (header((2**50,), "<U0"), "a of type"),
        (header((-1, 4)) + bytes(16), "does not fit"),
        (header((1,)) + bytes(9), "does not fit"),
        (header((1,), version=(9, 9)) + bytes(4), "npy version 9.9"),
        (header((1,)).replace(b"(1,)", b"(" + b"9" * 3 + b"," + b")")[:40], "expected an npz file"),
        (header((2**26,), "|S1") + bytes(1), "does not fit|MiB of text"),
    ],
)
def test_members_that_are_no_plain_arrays(tmp_path: Path, data: bytes, words: str) -> None:
    path = pack(tmp_path / "x.npz", a=data)
    with pytest.raises(InputError, match=words):
        read_npz(path, ["a"], "a file")
    assert "a (" in list_npz(path)


def test_a_wrong_checksum_is_noticed(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.npz", a=header((4,)) + b"abcdefghijklmnop")
    path.write_bytes(path.read_bytes().replace(b"abcdefgh", b"abcdefgX"))
    with pytest.raises(InputError, match="Bad CRC-32"):
        read_npz(path, ["a"], "a file")


def test_no_file_and_no_archive(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; expected a state in an npz file"):
        read_npz(tmp_path / "x.npz", ["a"], "a state")
    with pytest.raises(InputError, match="got a folder"):
        read_npz(tmp_path, ["a"], "a state")
    (tmp_path / "x.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"expected an npz file of plain arrays.*write it with numpy"):
        read_npz(tmp_path / "x.npz", ["a"], "a state")
