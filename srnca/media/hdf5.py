"""`x.h5`, `x.hdf5`: a recording in an HDF5 file. Needs h5py.

Only numbers that lie in the file itself are read: links to other files, virtual and external data sets, and filters
that HDF5 would load as plugins are refused. Sizes are taken from headers before anything is decoded.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from equations.errors import InputError, MissingPartError, shorten
from equations.reading import check_regular_file, check_size, read_limit
from srnca.media.npz import from_arrays
from srnca.media.recording import Recording

_FACTS = ("axes", "dt", "dx", "channels")
_DEFLATE = 1
_FILTERS = {_DEFLATE: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
_COMPRESSORS = (_DEFLATE, 4, 32000)
_LARGEST_RATIO = 1032  # of deflate: what a byte can grow to
_CHECKSUM = 32  # bytes that may follow the numbers of a chunk
_MOST_OBJECTS, _MOST_DEPTH = 1000, 8  # that are looked at
_MOST_FACT = 1 << 20  # bytes of an attribute, or of a small data set beside the frames
_LISTED = 8  # data sets that a message names
DAMAGED = (
    OSError, ValueError, TypeError, KeyError, RuntimeError, OverflowError, MemoryError, AttributeError, zlib.error,
)  # fmt: skip


def load_hdf5(path: Path) -> Recording:
    """Read the data set called `frames`, or the only one with three or four axes.

    `axes`, `dt`, `dx` and `channels` are attributes of the data set or of the file, or small data sets beside it.

    Raises InputError for a file that is missing, damaged, above the size budget, refers to other files, or holds
    anything but finite numbers; MissingPartError when h5py is not installed.
    """
    check_regular_file(path, "an HDF5 file")
    h5py = load_h5py(path)
    try:
        with h5py.File(path, "r") as file:
            frames = _chosen(h5py, file, path)
            check_data(frames, path)
            facts = _facts(h5py, file, frames, path)
            arrays: dict[str, Any] = {"frames": frames[()], **facts}
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(
            f"{path}: expected an HDF5 file, got one that is damaged or something else ({shorten(str(error))}); "
            "save it again"
        ) from error
    names = arrays.pop("channels", None)
    return from_arrays(arrays, path, None if names is None else np.atleast_1d(names).ravel())


def load_h5py(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise MissingPartError(
            f"{path}: reading HDF5 needs h5py; install it with: pip install h5py (or srnca[hdf5]), or save the frames "
            "with numpy.savez"
        ) from error
    return h5py


def _chosen(h5py: Any, file: Any, path: Path) -> Any:
    """The data set that holds the frames."""
    found = dict(_data_sets(h5py, file))
    named = [name for name in found if name.rpartition("/")[2] == "frames"]
    large = [name for name, one in found.items() if one.dtype.kind in "fiub" and one.ndim in (3, 4)]
    for names in (named, large):
        if len(names) == 1:
            return found[names[0]]
    listed = ", ".join(f"{shorten(name)} {found[name].shape}" for name in list(found)[:_LISTED])
    if found:
        listed += f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    raise InputError(
        f"{path}: expected a data set called frames, or only one with 3 or 4 axes, found {listed or 'none'}; "
        "call it frames when you save it"
    )


def _data_sets(h5py: Any, file: Any) -> Iterator[tuple[str, Any]]:
    """Data sets by their names, those behind links to other places or files left out."""
    waiting, looked, known = [("", file, 0)], 0, set()
    while waiting:
        above, group, depth = waiting.pop(0)
        for name in group:
            looked += 1
            if looked > _MOST_OBJECTS:
                return
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            one = group[name]
            where = h5py.h5o.get_info(one.id).addr
            if where in known:  # by another name
                continue
            known.add(where)
            if isinstance(one, h5py.Dataset):
                yield f"{above}{name}", one
            elif isinstance(one, h5py.Group) and depth < _MOST_DEPTH:
                waiting.append((f"{above}{name}/", one, depth + 1))


def check_data(frames: Any, path: Path) -> None:
    """Raises InputError for a data set that is not numbers in this file, too large, or was never written."""
    what = f"{shorten(frames.name)} of shape {frames.shape}"
    if frames.dtype.kind not in "fiub" or frames.shape is None:
        raise InputError(f"{path}: expected {what} to hold real numbers, got {shorten(str(frames.dtype))}")
    if frames.is_virtual or frames.external:
        raise InputError(
            f"{path}: expected {what} to lie in this file, got a reference to another; copy the data into it"
        )
    properties = frames.id.get_create_plist()
    codes = [properties.get_filter(k)[0] for k in range(properties.get_nfilters())]
    foreign = [code for code in codes if code not in _FILTERS]
    if foreign:
        raise InputError(
            f"{path}: expected {what} to be stored plainly or with {', '.join(_FILTERS.values())}, got filter "
            f"{foreign[0]}, which is a plugin; save it with gzip, or without compression"
        )
    if sum(code in _COMPRESSORS for code in codes) > 1:
        raise InputError(f"{path}: expected {what} to be compressed once, got more than one compression; save it again")
    check_size(frames.dtype.itemsize * math.prod(frames.shape), what, path)
    if frames.chunks is None:
        if frames.id.get_storage_size() < frames.dtype.itemsize * math.prod(frames.shape):
            raise InputError(f"{path}: expected all of {what}, got less; it was not written to its end")
        return
    raw = frames.dtype.itemsize * math.prod(frames.chunks)
    check_size(raw, f"a chunk of {what}", path)
    count = math.prod(-(-size // chunk) for size, chunk in zip(frames.shape, frames.chunks, strict=True))
    if frames.id.get_num_chunks() < count:
        raise InputError(f"{path}: expected all of {what}, got fewer chunks; it was not written to its end")
    if _DEFLATE in codes:
        _check_chunks(frames, 1 << codes.index(_DEFLATE), raw, what, path)


def _check_chunks(frames: Any, skips: int, raw: int, what: str, path: Path) -> None:
    """Raises InputError for a chunk that would unpack to more than `raw` bytes; HDF5 itself would unpack it all.

    skips: the bit in a chunk's filter mask that says that this chunk is not compressed.
    """
    for k in range(frames.id.get_num_chunks()):
        chunk = frames.id.get_chunk_info(k)
        if chunk.filter_mask & skips:
            if chunk.size > raw + _CHECKSUM:
                raise InputError(f"{path}: expected chunks of {raw} bytes in {what}, got a larger one; save it again")
            continue
        if chunk.size * _LARGEST_RATIO <= read_limit():
            continue
        check_size(chunk.size, f"a chunk of {what}", path)
        _, stored = frames.id.read_direct_chunk(chunk.chunk_offset)
        unpacked = zlib.decompressobj().decompress(stored, raw + 2 * _CHECKSUM)
        if len(unpacked) > raw + _CHECKSUM:
            raise InputError(f"{path}: expected chunks of {raw} bytes in {what}, got a larger one; save it again")


def _facts(h5py: Any, file: Any, frames: Any, path: Path) -> dict[str, Any]:
    """axes, dt, dx and channels, each from the first place that has it."""
    found: dict[str, Any] = {}
    for name in _FACTS:
        for holder in (frames, frames.parent, file):
            if name in holder.attrs:
                found[name] = _attribute(h5py, holder, name, path)
                break
        else:
            if isinstance(frames.parent.get(name, getlink=True), h5py.HardLink):
                beside = frames.parent[name]
                if isinstance(beside, h5py.Dataset):
                    found[name] = _small(beside, name, path)
    return found


def _attribute(h5py: Any, holder: Any, name: str, path: Path) -> Any:
    if h5py.h5a.open(holder.id, name.encode()).get_storage_size() > _MOST_FACT:
        raise InputError(f"{path}: expected {name} to be a number or a few names, got an attribute of more than 1 MiB")
    return _plain(holder.attrs[name], name, path)


def _small(data: Any, name: str, path: Path) -> Any:
    size = data.dtype.itemsize * math.prod(data.shape or ())
    if data.is_virtual or data.external or size > _MOST_FACT:
        raise InputError(f"{path}: expected {name} to be a number or a few names in this file, got another data set")
    return _plain(data[()], name, path)


def _plain(value: Any, name: str, path: Path) -> Any:
    """A number, a text or an array of such; texts decoded."""
    array = np.asarray(value)
    if array.dtype.kind in "OS":
        flat = array.ravel().tolist()
        if not all(isinstance(part, (str, bytes)) for part in flat):
            raise InputError(f"{path}: expected {name} to be numbers or texts, got {shorten(str(array.dtype))}")
        texts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else part for part in flat]
        array = np.array(texts, dtype=str).reshape(array.shape)
    return array
