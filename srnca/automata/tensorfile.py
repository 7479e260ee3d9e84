"""Reading files of `torch.save`: plain data and tensors, whose declared sizes are checked before memory is taken.

`torch.load(weights_only=True)` runs no code, but it allocates whatever a file asks for: a tensor of a billion numbers
whose strides are zero takes four bytes of the file. Here a tensor has at most as many numbers as are stored for it.
"""

from __future__ import annotations

import io
import math
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from equations.errors import InputError
from equations.reading import check_regular_file, check_size
from srnca.automata.pickled import Named, ordered, read_pickle

MOST_PARTS = 200_000  # values in a file; one that is used twice counts twice
DEEPEST = 30  # dictionaries and lists within each other
MOST_DIMENSIONS, MOST_BITS = 16, 64
_OLD = 0x1950A86A20F9469CFC6C  # magic number of files written by torch before 1.6
_STORAGES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64, "ComplexDoubleStorage": torch.complex128,
}  # fmt: skip


def read_tensors(path: Path, what: str) -> Any:
    """The plain data of a file that `torch.save` wrote, in its own format or that before torch 1.6.

    what: the word for the file in messages, such as "a checkpoint".
    Raises InputError for a file that is of another format, is damaged, holds other objects than tensors, numbers, text,
    lists and dictionaries, or would take more memory than a file may.
    """
    check_regular_file(path, what)
    try:
        check_size(path.stat().st_size, "this file", path)
        if zipfile.is_zipfile(path):
            data = _read_archive(path)
        else:
            data = _read_old(path)
        _check(data, path)
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from error
    except Exception as error:  # damage leads to many kinds: zip, pickle, index, key, type, decoding, memory
        raise InputError(
            f"{path}: expected {what} of plain tensors and numbers, got a file that is cut short or holds "
            "other objects (those are never loaded, as they could run code); make it again or fetch it anew"
        ) from error
    return data


class _Storage:
    """The bytes of one storage: numbers of one type, of which tensors are views."""

    def __init__(self, dtype: torch.dtype, count: int, data: bytearray) -> None:
        if count < 0 or len(data) != count * dtype.itemsize:
            raise ValueError(f"{len(data)} bytes for {count} numbers of {dtype}")
        self.dtype, self.count, self.data = dtype, count, data

    def rebuild(self, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
        """The tensor at that offset. Raises InputError where it would have more numbers than are stored."""
        if not (isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride) <= MOST_DIMENSIONS):
            raise ValueError("a tensor without shape and strides")
        if any(type(n) is not int or n < 0 for n in (offset, *size, *stride)):
            raise ValueError("a shape, an offset or strides that are no whole numbers")
        count = math.prod(size)
        if count == 0:
            return torch.empty(size if max(size) < 2**31 else (0,) * len(size), dtype=self.dtype)
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        if count > self.count or last >= self.count:
            raise InputError(
                f"expected a number in the file for each of a tensor's, got {self.count} numbers for the shape "
                f"{_shape(size)}; save a copy of it (tensor.clone()), not a view"
            )
        return torch.frombuffer(self.data, dtype=self.dtype).as_strided(size, stride, offset)


def _rebuild(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    if not isinstance(storage, _Storage):
        raise ValueError("a tensor without a storage")
    return storage.rebuild(offset, size, stride)


def _unwrapped(tensor: Any, *_: Any) -> Tensor:
    """A parameter is read as a plain tensor."""
    if not isinstance(tensor, Tensor):
        raise ValueError("a parameter that is no tensor")
    return tensor


_NAMES = {
    "torch._utils _rebuild_tensor_v2": Named(call=_rebuild),
    "torch._utils _rebuild_parameter": Named(call=_unwrapped),
    "collections OrderedDict": Named(call=ordered),
    **{f"torch {name}": Named(value=dtype) for name, dtype in _STORAGES.items()},
}


def _storages(load: Callable[[str, torch.dtype, int], _Storage]) -> Callable[[Any], _Storage]:
    """A function that gives the storage of a persistent id ("storage", kind, key, device, count); loads each once."""
    known: dict[str, _Storage] = {}

    def find(name: Any) -> _Storage:
        word, kind, key, _, count = name[:5]
        if word != "storage" or not isinstance(kind, Named) or type(key) is not str or type(count) is not int:
            raise ValueError("a persistent id of another kind")
        if any(part is not None for part in name[5:]):
            raise ValueError("a view of a storage")
        if key not in known:
            known[key] = load(key, kind.value, count)
        if known[key].dtype is not kind.value or known[key].count != count:
            raise ValueError("one storage of two kinds")
        return known[key]

    return find


def _read_archive(path: Path) -> Any:
    """The format since torch 1.6: a zip of data.pkl and one uncompressed member for each storage."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        plain = all(m.compress_type == zipfile.ZIP_STORED and m.file_size == m.compress_size for m in members)
        if not plain or sum(m.file_size for m in members) > path.stat().st_size:
            raise ValueError("compressed or overlapping members")
        (main,) = (m.filename for m in members if m.filename.endswith("/data.pkl") and m.filename.count("/") == 1)
        folder, names = main.removesuffix("data.pkl"), set(archive.namelist())
        order = archive.read(f"{folder}byteorder").decode() if f"{folder}byteorder" in names else "little"

        def load(key: str, dtype: torch.dtype, count: int) -> _Storage:
            return _Storage(dtype, count, _native(bytearray(archive.read(f"{folder}data/{key}")), dtype, order))

        return read_pickle(io.BytesIO(archive.read(main)), _NAMES, _storages(load))


def _read_old(path: Path) -> Any:
    """The format before torch 1.6: three pickles of facts, the data, the keys of the storages, each count and storage.

    The pickle of the data is read twice: first to learn the storages' types, then to build tensors from their numbers.
    """
    with path.open("rb") as file:
        content = io.BytesIO(file.read())

    def none(_: Any) -> Any:
        raise ValueError("a persistent id before the data")

    magic, _, facts = (read_pickle(content, {}, none) for _ in range(3))
    if magic != _OLD:
        raise ValueError("another format")
    order = "little" if facts.get("little_endian", True) else "big"
    start = content.tell()
    kinds: dict[str, tuple[torch.dtype, int]] = {}

    def note(key: str, dtype: torch.dtype, count: int) -> _Storage:
        kinds[key] = dtype, count
        return _Storage(dtype, 0, bytearray())

    read_pickle(content, {**_NAMES, "torch._utils _rebuild_tensor_v2": Named(call=_nothing)}, _noting(note))
    found: dict[str, _Storage] = {}
    for key in read_pickle(content, {}, none):
        dtype, count = kinds[key]
        if int.from_bytes(content.read(8), "little") != count:
            raise ValueError("a storage of another length")
        found[key] = _Storage(dtype, count, _native(bytearray(content.read(count * dtype.itemsize)), dtype, order))
    content.seek(start)
    return read_pickle(content, _NAMES, _storages(lambda key, dtype, count: found[key]))


def _noting(note: Callable[[str, torch.dtype, int], _Storage]) -> Callable[[Any], _Storage]:
    return lambda name: note(name[2], name[1].value, name[4])


def _nothing(*_: Any) -> Tensor:
    return torch.empty(0)


def _native(data: bytearray, dtype: torch.dtype, order: str) -> bytearray:
    """The bytes in this machine's byte order."""
    if order not in ("little", "big"):
        raise ValueError(f"byte order {order[:20]}")
    width = dtype.itemsize // (2 if dtype.is_complex else 1)
    if order != sys.byteorder and width > 1:
        for at in range(width // 2):
            data[at::width], data[width - 1 - at :: width] = data[width - 1 - at :: width], data[at::width]
    return data


def _check(data: Any, path: Path) -> None:
    """Raises InputError where there are too many values, nested too deep, or of too many bytes in all.

    A value that is used in several places counts each time, as readers may copy it each time.
    """
    parts, size = 0, 0
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        parts += 1
        if parts > MOST_PARTS or depth > DEEPEST:
            raise InputError(f"expected at most {MOST_PARTS} values, at most {DEEPEST} deep, got more")
        if isinstance(value, Tensor):
            size += value.numel() * value.element_size()
            check_size(size, "these tensors", path)
        elif isinstance(value, dict):
            waiting += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, (list, tuple)):
            waiting += [(part, depth + 1) for part in value]
        elif type(value) is int:
            if value.bit_length() > MOST_BITS:
                raise InputError(f"expected whole numbers of at most {MOST_BITS} bits, got {value.bit_length()}")
        elif value is not None and type(value) not in (bool, float, str):
            raise ValueError(f"a {type(value).__name__}")


def _shape(size: tuple[int, ...]) -> str:
    return " x ".join(str(n) if n < 10**12 else "more than a trillion" for n in size)
