"""Reads all chunks of a Zarr array into one NumPy array. A chunk that decodes to more than its shape is refused."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, MissingPartError
from equations.reading import check_regular_file, check_size
from srnca.media.zarr.layout import Layout, Pipeline

NOWHERE = 2**64 - 1  # the offset and the length that a shard's index has for a chunk that it does not hold
Index = tuple[int, ...]


def read_chunks(layout: Layout) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """The array, and for each chunk of the grid whether it is stored. Other chunks hold the fill value, or else 0.

    Raises InputError for a chunk that is damaged, MissingPartError where the package that decodes it is missing.
    """
    values = np.full(layout.shape, layout.fill or 0, layout.chunk.dtype.newbyteorder("="))
    present = np.zeros(layout.grid, bool)
    for index, data, path in _stored(layout):
        try:
            chunk = _decoded(data, layout.chunk)
        except MissingPartError:
            raise
        except Exception as error:  # each decompressor has errors of its own
            raise InputError(f"{path}: expected a whole chunk, got a damaged one ({error}); record it again") from error
        start = [i * c for i, c in zip(index, layout.chunk.shape, strict=True)]
        inside = tuple(slice(s, min(s + c, n)) for s, c, n in zip(start, layout.chunk.shape, layout.shape, strict=True))
        values[inside] = chunk[tuple(slice(0, part.stop - part.start) for part in inside)]
        present[index] = True
    return values, present


def _stored(layout: Layout) -> Iterator[tuple[Index, bytes, Path]]:
    """Every stored chunk: its index in the grid, its bytes, and the file that they are in."""
    files = [range(-(-n // s)) for n, s in zip(layout.shape, layout.shard, strict=True)]
    for place in product(*files):
        path = layout.folder / _key(layout, place)
        if not path.exists():
            continue
        check_regular_file(path, "a chunk of a Zarr array")
        check_size(path.stat().st_size, "a chunk", path)
        data = path.read_bytes()
        if not layout.sharded:
            yield place, data, path
            continue
        for inner, part in _parts(layout, data, path):
            index = tuple(
                p * (s // c) + i for p, s, c, i in zip(place, layout.shard, layout.chunk.shape, inner, strict=True)
            )
            if all(i < n for i, n in zip(index, layout.grid, strict=True)):
                yield index, part, path


def _parts(layout: Layout, data: bytes, path: Path) -> Iterator[tuple[Index, bytes]]:
    """The chunks that a shard holds, as its index of (offset, length) says. Raises InputError for a damaged shard."""
    per_axis = [s // c for s, c in zip(layout.shard, layout.chunk.shape, strict=True)]
    count = int(np.prod(per_axis))
    length = 16 * count + (4 if layout.index_sum else 0)
    index = data[:length] if layout.index_first else data[len(data) - length :]
    if len(data) < length:
        raise InputError(f"{path}: expected a whole shard of {count} chunks, got {len(data)} bytes; record it again")
    if layout.index_sum:
        try:
            index = _checked(index)
        except ValueError as error:
            raise InputError(f"{path}: expected a whole shard, got an index with {error}; record it again") from error
    for inner, (offset, size) in zip(product(*map(range, per_axis)), struct.iter_unpack("<QQ", index), strict=True):
        if offset == size == NOWHERE:
            continue
        if offset + size > len(data):
            raise InputError(f"{path}: expected chunks inside the shard, got one that ends behind it; record it again")
        yield inner, data[offset : offset + size]


def _key(layout: Layout, place: Index) -> str:
    return layout.separator.join([layout.prefix, *map(str, place)] if layout.prefix else map(str, place))


def _decoded(data: bytes, pipeline: Pipeline) -> npt.NDArray[Any]:
    for number, name in reversed(list(enumerate(pipeline.codecs))):
        most = pipeline.nbytes
        if number:  # what the codecs before this one made: data that cannot be compressed grow a little
            most += pipeline.nbytes // 16 + 1024
        data = _DECODERS[name](data, most)
        if len(data) > most:
            raise ValueError(f"more than its {most} bytes")
    if len(data) != pipeline.nbytes:
        raise ValueError(f"{len(data)} bytes, not {pipeline.nbytes}")
    stored = np.frombuffer(data, pipeline.dtype).reshape([pipeline.shape[axis] for axis in pipeline.order])
    return stored.transpose(np.argsort(pipeline.order))


def _checked(data: bytes) -> bytes:
    """`data` without the CRC32C at its end. Raises ValueError for a wrong one."""
    import google_crc32c  # zarr depends on it

    body, total = data[:-4], data[-4:]
    if len(total) < 4 or google_crc32c.value(body) != struct.unpack("<I", total)[0]:
        raise ValueError("a wrong checksum")
    return body


def _zstd(data: bytes, most: int) -> bytes:
    return _by_numcodecs(data, most, _zstd_size(data), "zstd", "Zstd")


def _zstd_size(data: bytes) -> int:
    """The decoded size in a Zstandard frame's header (RFC 8878, 3.1.1.1). Raises ValueError where there is none."""
    if data[:4] != b"\x28\xb5\x2f\xfd":
        raise ValueError("no Zstandard frame")
    flags = data[4]
    single = flags >> 5 & 1  # a single segment: no byte for the window, and always a size
    start = 5 + (1 - single) + (0, 1, 2, 4)[flags & 3]
    width = (single, 2, 4, 8)[flags >> 6]
    if not width:
        raise ValueError("a Zstandard frame that does not say its size")
    return int.from_bytes(data[start : start + width], "little") + (256 if width == 2 else 0)


def _blosc(data: bytes, most: int) -> bytes:
    size, _, stored = struct.unpack("<III", data[4:16])
    if stored != len(data):
        raise ValueError(f"{len(data)} bytes, not {stored}")
    return _by_numcodecs(data, most, size, "blosc", "Blosc")


def _lz4(data: bytes, most: int) -> bytes:
    return _by_numcodecs(data, most, struct.unpack("<I", data[:4])[0], "lz4", "LZ4")


def _by_numcodecs(data: bytes, most: int, size: int, module: str, codec: str) -> bytes:
    """Decodes by a codec of numcodecs, after a check of the decoded `size` that the data's header claims."""
    if size > most:
        raise ValueError(f"more than its {most} bytes")
    try:
        numcodecs = __import__(f"numcodecs.{module}", fromlist=[codec])
    except ImportError as error:
        raise MissingPartError(
            f"recordings in zarr with {codec} need the package zarr; install it with: pip install zarr (or srnca[zarr])"
        ) from error
    return bytes(getattr(numcodecs, codec)().decode(data))


def _zlib(data: bytes, most: int) -> bytes:
    return zlib.decompressobj(15 + 32).decompress(data, most + 1)  # a zlib or a gzip header


def _bz2(data: bytes, most: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, most + 1)


def _lzma(data: bytes, most: int) -> bytes:
    return lzma.LZMADecompressor(memlimit=2**28).decompress(data, most + 1)


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "zstd": _zstd,
    "blosc": _blosc,
    "lz4": _lz4,
    "gzip": _zlib,
    "zlib": _zlib,
    "bz2": _bz2,
    "lzma": _lzma,
    "crc32c": lambda data, _: _checked(data),
}
