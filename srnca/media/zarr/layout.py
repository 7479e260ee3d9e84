"""The metadata of a Zarr array, format 2 or 3, checked before any of its chunks is opened.

Metadata are not trusted. Only arrays of plain numbers are read, and only with the codecs listed here; no codec is
looked up by name in a registry, which may hold codecs that run code (pickle).
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from equations.errors import InputError, shorten
from equations.reading import check_regular_file, check_size

METADATA = 16 * 2**20  # bytes of a JSON file, at most
MOST_CHUNKS = 500_000
AXES = 8
COMPRESSORS = ("zstd", "blosc", "gzip", "zlib", "lz4", "bz2", "lzma")  # bytes to bytes, each with a known size
_V2_TYPE = re.compile(r"[<>|=](b1|[iu][1248]|f[248])\Z")
_V3_TYPES = {"bool": "|b1"} | {
    f"{word}{8 * n}": f"<{kind}{n}"
    for word, kind, sizes in (("int", "i", (1, 2, 4, 8)), ("uint", "u", (1, 2, 4, 8)), ("float", "f", (2, 4, 8)))
    for n in sizes
}


@dataclass(frozen=True)
class Pipeline:
    """How one chunk is stored.

    shape: of the chunk.
    dtype: of its numbers.
    order: the permutation of the axes before storing.
    codecs: names of COMPRESSORS, or crc32c, in the order in which they encode.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    codecs: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Layout:
    """An array in a folder.

    shape: of the array.
    chunk: how each chunk is stored.
    shard: the shape of the part that one file holds, which is one chunk unless `sharded`.
    prefix, separator: of the files' names.
    fill: the value of chunks that are not stored; None where it is no finite number.
    sharded: whether a file holds several chunks and an index of them.
    index_first: whether the index is at the file's start; else at its end.
    index_sum: whether the index ends with a checksum.
    """

    folder: Path
    shape: tuple[int, ...]
    chunk: Pipeline
    shard: tuple[int, ...]
    prefix: str
    separator: str
    fill: float | None
    sharded: bool = False
    index_first: bool = False
    index_sum: bool = False

    @property
    def grid(self) -> tuple[int, ...]:
        """How many chunks there are along each axis."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunk.shape, strict=True))


def read_json(path: Path) -> dict[str, Any]:
    """A metadata file. Raises InputError for anything but a JSON object."""
    check_regular_file(path, "Zarr metadata")
    try:
        if path.stat().st_size > METADATA:
            raise ValueError(f"more than {METADATA >> 20} MiB")
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected Zarr metadata in JSON, got something else ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected Zarr metadata, an object in JSON, got {shorten(found)}")
    return found


def read_layout(folder: Path) -> Layout:
    """The array in `folder`. Raises InputError for types, codecs or grids that are not known, and above the budget."""
    v3 = (folder / "zarr.json").is_file()
    path = folder / ("zarr.json" if v3 else ".zarray")
    metadata = read_json(path)
    try:
        layout = _version3(folder, metadata) if v3 else _version2(folder, metadata)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: expected the metadata of a Zarr array, got damaged ones ({error})") from error
    if len(layout.shape) != len(layout.shard):
        raise InputError(f"{path}: expected chunks of {len(layout.shape)} axes, as the array has, got {layout.shard}")
    check_size(math.prod(layout.shape) * layout.chunk.dtype.itemsize, f"an array of shape {layout.shape}", path)
    check_size(math.prod(layout.shard) * layout.chunk.dtype.itemsize, f"chunks of shape {layout.shard}", path)
    if math.prod(layout.grid) > MOST_CHUNKS:
        raise InputError(
            f"{path}: expected at most {MOST_CHUNKS} chunks, got {math.prod(layout.grid)}; save larger ones"
        )
    return layout


def _version2(folder: Path, metadata: dict[str, Any]) -> Layout:
    if metadata.get("zarr_format") != 2:
        raise InputError(f"expected zarr_format 2, got {shorten(metadata.get('zarr_format'))}")
    shape, chunk = _sides(metadata["shape"], "shape", least=0), _sides(metadata["chunks"], "chunks")
    if not isinstance(metadata["dtype"], str) or not _V2_TYPE.match(metadata["dtype"]):
        raise _unknown("numbers of a plain type, such as <f4", metadata["dtype"])
    if metadata.get("filters"):
        raise _unknown("no filters", [f.get("id") for f in metadata["filters"]])
    compressor = metadata.get("compressor")
    name = None if compressor is None else compressor["id"]
    if name is not None and name not in COMPRESSORS:
        raise _unknown(f"a compressor of {', '.join(COMPRESSORS)}", name)
    order = tuple(range(len(chunk)))
    if metadata.get("order") == "F":
        order = order[::-1]
    pipeline = Pipeline(chunk, np.dtype(metadata["dtype"]), order, () if name is None else (name,))
    separator = _separator(metadata.get("dimension_separator", "."))
    return Layout(folder, shape, pipeline, chunk, "", separator, _fill(metadata.get("fill_value")))


def _version3(folder: Path, metadata: dict[str, Any]) -> Layout:
    if metadata.get("zarr_format") != 3 or metadata.get("node_type") != "array":
        raise InputError(f"expected an array of zarr_format 3, got {shorten(metadata.get('node_type'))}")
    grid, keys = metadata["chunk_grid"], metadata["chunk_key_encoding"]
    if grid["name"] != "regular" or keys["name"] not in ("default", "v2"):
        raise _unknown("a regular grid with default keys", [grid["name"], keys["name"]])
    if metadata["data_type"] not in _V3_TYPES:
        raise _unknown("numbers of a plain type, such as float32", metadata["data_type"])
    shape = _sides(metadata["shape"], "shape", least=0)
    outer = _sides(grid["configuration"]["chunk_shape"], "chunk_shape")
    default = keys["name"] == "default"
    separator = _separator(keys.get("configuration", {}).get("separator", "/" if default else "."))
    dtype, codecs = np.dtype(_V3_TYPES[metadata["data_type"]]), list(metadata["codecs"])
    sharded = bool(codecs) and codecs[0]["name"] == "sharding_indexed"
    config = codecs[0]["configuration"] if sharded else {"chunk_shape": list(outer), "codecs": codecs}
    if sharded and len(codecs) > 1:
        raise _unknown("sharding with no codec around it", [c["name"] for c in codecs])
    index = [c["name"] for c in config["index_codecs"]] if sharded else []
    if sharded and (
        index not in (["bytes"], ["bytes", "crc32c"])
        or config["index_codecs"][0]["configuration"]["endian"] != "little"
    ):
        raise _unknown("an index of little-endian bytes, with crc32c or without", index)
    inner = _sides(config["chunk_shape"], "chunk_shape")
    if len(inner) != len(outer) or any(o % i for o, i in zip(outer, inner, strict=True)):
        raise InputError(f"expected chunks that fill a shard of {outer}, got {inner}")
    return Layout(
        folder,
        shape,
        _pipeline(inner, dtype, list(config["codecs"])),
        outer,
        "c" if default else "",
        separator,
        _fill(metadata.get("fill_value")),
        sharded,
        config.get("index_location", "end") == "start",
        "crc32c" in index,
    )


def _pipeline(shape: tuple[int, ...], dtype: np.dtype[Any], codecs: list[dict[str, Any]]) -> Pipeline:
    order = tuple(range(len(shape)))
    while codecs and codecs[0]["name"] == "transpose":
        permutation = tuple(codecs.pop(0)["configuration"]["order"])
        if sorted(permutation) != sorted(order):
            raise InputError(f"expected a transposition of {len(shape)} axes, got {shorten(permutation)}")
        order = tuple(order[axis] for axis in permutation)
    if not codecs or codecs[0]["name"] != "bytes":
        raise _unknown("numbers as bytes", [c["name"] for c in codecs])
    endian = codecs.pop(0).get("configuration", {}).get("endian", "little")
    if endian not in ("little", "big"):
        raise _unknown("little or big endian bytes", endian)
    names = tuple(c["name"].removeprefix("numcodecs.") for c in codecs)
    for name in names:
        if name not in (*COMPRESSORS, "crc32c"):
            raise _unknown(f"codecs of {', '.join(COMPRESSORS)}, crc32c", name)
    return Pipeline(shape, dtype.newbyteorder("<" if endian == "little" else ">"), order, names)


def _fill(value: object) -> float | None:
    """The fill value; None where it is no finite number."""
    return float(value) if isinstance(value, (bool, int, float)) and math.isfinite(value) else None


def _sides(value: object, what: str, least: int = 1) -> tuple[int, ...]:
    """The sides of an array or a chunk. Raises InputError for anything but whole numbers from `least` up."""
    ok = isinstance(value, list) and 1 <= len(value) <= AXES
    if not ok or not all(type(n) is int and least <= n < 2**40 for n in value):  # type: ignore[attr-defined]
        raise InputError(f"expected {what}, up to {AXES} whole numbers from {least} up, got {shorten(value)}")
    return tuple(value)  # type: ignore[arg-type]


def _separator(value: object) -> str:
    if value not in (".", "/"):
        raise InputError(f'expected "." or "/" between the numbers of a chunk, got {shorten(value)}')
    return str(value)


def _unknown(wanted: str, got: object) -> InputError:
    shown = ", ".join(map(str, got))[:80] if isinstance(got, list) else shorten(got)
    return InputError(
        f"expected {wanted}, got {shown or 'none'}; save the recording anew, with zarr's own defaults or as npz"
    )
