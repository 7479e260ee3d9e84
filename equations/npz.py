"""Read arrays from npz files; every header is checked before any data are decoded.

`numpy.load` allocates whatever a header claims, and returns members that are no arrays as bytes. Here both raise an
InputError that says what was found.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from equations.errors import InputError, shorten
from equations.reading import check_regular_file, check_size

KINDS = "fiubcSU"  # of NumPy dtypes: numbers and text, never objects, records or dates
CHUNK = 1 << 20  # bytes that are decoded at a time
MAX_TEXT = 64 * 2**20  # bytes of an array of text: names, or JSON
LAST_CHARACTER = 0x10FFFF  # of Unicode
MAX_LISTED = 12  # arrays in a message


@dataclass(frozen=True)
class Header:
    """The header of an array; `start` is its own length in bytes, after which the data begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{'×'.join(map(str, self.shape)) or 'one'} {self.dtype}"


def read_npz(path: Path, wanted: Sequence[str], what: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays in the file whose names are among `wanted`; others are not decoded.

    what: how to call the file in messages ("a recording").

    Raises InputError for a missing file, a file that is no npz, an array of objects, an array whose length differs from
    its header, or more data than the size budget.
    """
    check_regular_file(path, f"{what} in an npz file")
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            found = {name: members[f"{name}.npy"] for name in wanted if f"{name}.npy" in members}
            headers = {name: _header(archive, info) for name, info in found.items()}
            for name, header in headers.items():
                _check(path, name, header, found[name].file_size)
            check_size(sum(h.nbytes for h in headers.values()), _describe(headers), path)
            return {name: _read(archive, found[name], header) for name, header in headers.items()}
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path}: this machine has not enough memory to read it; keep less in the file") from error
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds here
        raise InputError(
            f"{path}: expected an npz file of plain arrays, got something else ({shorten(str(error), 120)}); "
            "write it with numpy.savez"
        ) from error


def list_npz(path: Path) -> str:
    """The names and shapes of the arrays in an npz file, for a message: `pictures (4×5 float32), x (one int64)`."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            parts = [_describe_member(archive, info) for info in infos[:MAX_LISTED]]
    except Exception:  # the file is already being refused; here it is only described
        return "nothing that can be read"
    return ", ".join(parts) + (f" and {len(infos) - MAX_LISTED} more" if len(infos) > MAX_LISTED else "") or "nothing"


def _describe_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    name = info.filename.removesuffix(".npy")
    try:
        return f"{shorten(name, 40)[1:-1]} ({_header(archive, info)})"
    except Exception:
        return f"{shorten(name, 40)[1:-1]} (no array)"


def _describe(headers: dict[str, Header]) -> str:
    return "arrays " + ", ".join(f"{name} of {header}" for name, header in headers.items())


def _header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Header:
    with archive.open(info) as member:
        version = npy.read_magic(member)
        if version == (1, 0):
            shape, fortran, dtype = npy.read_array_header_1_0(member)
        elif version == (2, 0):
            shape, fortran, dtype = npy.read_array_header_2_0(member)
        else:
            raise ValueError(f"an array of npy version {version[0]}.{version[1]}")
        return Header(tuple(shape), dtype, fortran, member.tell())


def _check(path: Path, name: str, header: Header, stored: int) -> None:
    if header.dtype.kind not in KINDS or not header.dtype.itemsize:
        raise InputError(
            f"{path}: expected an npz file of plain arrays, got {name} of type {shorten(str(header.dtype))}; "
            "write numbers, or text for names"
        )
    if header.dtype.kind in "SU" and header.nbytes > MAX_TEXT:
        raise InputError(f"{path}: expected at most {MAX_TEXT >> 20} MiB of text, got {name} of {header.nbytes} bytes")
    if any(side < 0 for side in header.shape) or header.start + header.nbytes != stored:
        raise InputError(
            f"{path}: expected an npz file of plain arrays, got {name}, whose header ({shorten(str(header))}) does "
            f"not fit its {stored} bytes; write it again"
        )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, header: Header) -> npt.NDArray[Any]:
    data = np.empty(header.nbytes, np.uint8)
    with archive.open(info) as member:
        member.read(header.start)
        _fill(data, member)
        if member.read(1):  # also lets zipfile compare the checksum, which it does at the end
            raise ValueError("more data than the header says")
    codes = np.dtype(np.uint32).newbyteorder(header.dtype.byteorder)
    if header.dtype.kind == "U" and data.view(codes).max(initial=0) > LAST_CHARACTER:
        raise ValueError("text with a number that is no character")
    return data.view(header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _fill(target: npt.NDArray[np.uint8], member: IO[bytes]) -> None:
    at = 0
    while at < len(target):
        part = member.read(min(CHUNK, len(target) - at))
        if not part:
            raise EOFError("it breaks off")
        target[at : at + len(part)] = np.frombuffer(part, np.uint8)
        at += len(part)
