"""`x.npz`: a recording in one file, read as a whole, and written frame by frame.

It is uncompressed, since fields of floats hardly shrink. Each frame goes straight to its place in the zip file: a
temporary `.npy` would need the disk space twice, and on a full disk there would be none left to zip it.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from equations.errors import InputError
from equations.npz import list_npz, read_npz
from srnca.media.growing_file import GrowingWriter
from srnca.media.recording import Recording, check_step, make_recording, ordered
from srnca.media.writing import Recipe

OPTIONS = ()
_PART = 1 << 20  # bytes read at a time


def load_frames(path: Path) -> Recording:
    """Read `frames` and, where they are given, `axes` (such as tyxc, default tcyx), `dt` (default 1), `dx` and
    `channels` (default u, v or h0, h1 …).

    Raises InputError for a file that is missing, no npz, above the size budget, or holds anything but finite numbers
    of 4 axes.
    """
    arrays = read_npz(path, ("frames", "axes", "dt", "dx", "channels"), "a recording, frames (t, channel, h, w),")
    if "frames" not in arrays:
        raise InputError(
            f"{path}: expected an array named frames (t, channel, h, w) in it, found {list_npz(path)}; "
            "call it frames when you save it"
        )
    names = arrays.get("channels")
    return from_arrays(arrays, path, None if names is None else np.atleast_1d(names).ravel())


def from_arrays(
    arrays: Mapping[str, NDArray[Any]], path: Path, names: Sequence[Any] | NDArray[Any] | None
) -> Recording:
    """The recording of a file's arrays `frames`, `axes`, `dt` and `dx`, of which only the first is needed."""
    frames = arrays["frames"]
    if "axes" in arrays:
        frames = ordered(frames, arrays["axes"], path)
    return make_recording(
        frames,
        path,
        dt=check_step(arrays["dt"], "dt", path) if "dt" in arrays else 1.0,
        dx=check_step(arrays["dx"], "dx", path) if "dx" in arrays else None,
        names=names,
    )


class NpzWriter(GrowingWriter):
    """Writes a zip file whose last member, `frames.npy`, grows by each state.

    The header of that array comes first and has to say how many frames follow: as many as the recipe plans. If they
    become fewer, the header and the zip file's checksum are corrected at the end.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        super().__init__(path)
        self._recipe = recipe
        self._zip = zipfile.ZipFile(self._file, "w")  # type: ignore[call-overload]  # it has all methods that are used
        self._info = zipfile.ZipInfo("frames.npy", (1980, 1, 1, 0, 0, 0))
        self._member: IO[bytes] | None = None
        self._start = 0  # where the member's bytes begin
        self._frame: tuple[tuple[int, ...], np.dtype[Any]] = ((), np.dtype(np.float32))

    def add(self, state: NDArray[Any]) -> None:
        if self._member is None:
            self._frame = state.shape, state.dtype
            self._member = self._begin()
        self._member.write(np.ascontiguousarray(state).data)
        self._ends.append(self._file.tell())

    def _begin(self) -> IO[bytes]:
        """Write the small arrays, and the header of the large one."""
        for name, value in self._recipe.facts().items():
            with self._zip.open(f"{name}.npy", "w") as small:
                np.lib.format.write_array(small, np.asarray(value), allow_pickle=False)
        member = self._zip.open(self._info, "w", force_zip64=True)
        self._start = self._file.tell()
        member.write(self._header(self._recipe.frames))
        return member

    def _finish(self) -> None:
        end = self._file.tell()
        if self._member is not None:
            self._member.close()  # zipfile takes the file's present position for the member's end
        if self.frames == self._recipe.frames:
            self._zip.close()
            return
        header = self._header(self.frames)  # as long as the planned one: NumPy leaves room for the number
        self._info.CRC = self._checksum(header, end)
        self._info.file_size = self._info.compress_size = end - self._start
        self._zip.close()
        self._file.seek(self._info.header_offset)
        self._file.write(self._info.FileHeader(zip64=True) + header)

    def discard(self) -> None:
        with suppress(OSError, ValueError):  # zipfile has to be closed, even when the file is to be removed
            if self._member is not None:
                self._member.close()
            self._zip.close()
        super().discard()

    def _header(self, frames: int) -> bytes:
        shape, dtype = self._frame
        facts = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (frames, *shape)}
        buffer = io.BytesIO()
        np.lib.format.write_array_header_1_0(buffer, facts)
        return buffer.getvalue()

    def _checksum(self, header: bytes, end: int) -> int:
        """The CRC-32 of the member with `header` in place of the header that is in the file."""
        total, left = zlib.crc32(header), end - self._start - len(header)
        self._file.seek(self._start + len(header))
        while left:
            part = self._file.read(min(left, _PART))
            total, left = zlib.crc32(part, total), left - len(part)
        return total


def make_writer(path: Path, recipe: Recipe) -> NpzWriter:
    """A writer of frames (t, channel, h, w) with `dt` (between two frames), `dx` and `channels`."""
    return NpzWriter(path, recipe)
