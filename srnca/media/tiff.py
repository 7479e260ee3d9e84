"""TIFF files with more than 8 bits a sample, for picture_files.py: Pillow reads them wrongly or not at all.

Also tells which of a TIFF file's pages are frames and which are channels. Files of 8 bits, and those with a compression
that tifffile has no decoder for, are left to Pillow.
"""

from __future__ import annotations

import logging
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equations.errors import InputError
from equations.reading import check_size
from srnca.media.tiff_units import read_units

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ORIENTATION = 274  # the number of the tag, in TIFF and EXIF
MOST_PAGES = 100_000
_PLAIN, _ZLIB, _PACKBITS = (1,), (8, 32946), (32773,)  # TIFF's numbers of compressions
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2  # … and of colour models


@dataclass(frozen=True, eq=False)
class Deep:
    """A picture of more than 8 bits a sample.

    values: (h, w) or (h, w, 3).
    top: the value of white, for unsigned integers of up to 16 bits; else None.
    """

    values: NDArray[Any]
    top: float | None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), as Pillow's pictures have it."""
        return self.values.shape[1], self.values.shape[0]

    def crop(self, box: tuple[int, int, int, int]) -> Deep:
        """The part from (left, upper) up to (right, lower)."""
        left, upper, right, lower = box
        return Deep(self.values[upper:lower, left:right], self.top)


def is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in MAGIC


class Tiff:
    """An open TIFF file. Thumbnails and masks among its pages are left out.

    frames, channels: how many there are; the file has frames × channels pages.
    channels_first: whether all frames of one channel come before those of the next; else the channel changes fastest.
    note: that the file's metadata said so; else empty.
    units: time between frames, width of a cell and names of channels, as far as metadata say them.
    size: (width, height) of an upright page.
    depth: bytes of a pixel of a page as it is decoded, 4 or more for each colour.
    deep: whether `page` reads the file; else Pillow has to.
    white_is_zero: whether 0 is white, which Pillow ignores.

    Raises InputError for files that neither can read, and above the size budget. The errors of a damaged file are
    tifffile's own.
    """

    def __init__(self, path: Path) -> None:
        import tifffile

        self._path = path
        with _silent():
            self._file = tifffile.TiffFile(path, _multifile=False)
        try:
            with _silent():
                self._pages = self._whole_pages()
                self._check_pages()
                self.units = read_units(self._file)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()

    def page(self, number: int) -> Deep:
        """One page, upright."""
        with _silent():
            return _decoded(self._path, self._pages[number])

    def turned(self, number: int) -> bool:
        return _orientation(self._pages[number]) != 1

    def _whole_pages(self) -> list[Any]:
        if len(self._file.pages) > MOST_PAGES:
            raise InputError(f"{self._path}: expected at most {MOST_PAGES} pages, got {len(self._file.pages)}")
        pages = [page.aspage() for page in self._file.pages]
        return [page for page in pages if not (page.is_reduced or page.is_mask)] or pages[:1]

    def _check_pages(self) -> None:
        pages, first = self._pages, self._pages[0]
        self.frames, self.channels, self.channels_first, self.note = self._arrangement()
        self.size = (int(first.imagewidth), int(first.imagelength))
        if _orientation(first) > 4:
            self.size = self.size[::-1]
        self.deep, self.white_is_zero, self.depth = False, False, 4
        if not any(map(_is_deep, pages)):
            return
        if any(page.shape != first.shape or page.dtype != first.dtype for page in pages):
            raise InputError(f"{self._path}: expected pages of one size and type, got different ones; save them apart")
        self.deep = all(map(_is_read, pages))
        self.white_is_zero = first.photometric == _WHITE_IS_ZERO
        if self.deep:
            size = math.prod(first.shape) * first.dtype.itemsize
            check_size(size, f"pages of {self.size[0]}x{self.size[1]} pixels", self._path)
            self.depth = (3 if first.photometric == _RGB else 1) * max(4, first.dtype.itemsize)
        elif first.samplesperpixel != 1:
            raise InputError(
                f"{self._path}: expected colour of more than 8 bits without compression or with deflate, got "
                f"{getattr(first.compression, 'name', first.compression)}; save it so, or each colour for itself"
            )

    def _arrangement(self) -> tuple[int, int, bool, str]:
        """Frames, channels, channels_first and note, from the metadata of ImageJ, OME or tifffile.

        Without such metadata, pages are frames.
        """
        pages = len(self._pages)
        if pages == 1:
            return 1, 1, False, ""
        try:
            series = self._file.series[0]
            named = [
                (axis, n) for axis, n in zip(series.axes, series.shape, strict=True) if axis not in "YXS" and n > 1
            ]
        except Exception:  # metadata of other programs, perhaps damaged: without them pages are frames
            named = []
        axes, sides = "".join(axis for axis, _ in named), [n for _, n in named]
        if math.prod(sides) != pages or len(axes) < 2:
            return (1, pages, False, "") if axes == "C" and sides == [pages] else (pages, 1, False, "")
        first = axes[0] == "C"
        if len(axes) > 2 or not (first or axes[1] == "C" or axes in ("QQ", "II")):
            found = ", ".join(f"{axis} {n}" for axis, n in named)
            raise InputError(
                f"{self._path}: expected a stack over time, with channels or without, got one over {found}; save one "
                "plane of it over time"
            )
        frames, channels = sides[::-1] if first else sides
        return frames, channels, first, f"{pages} pages are read as {frames} frames of {channels} channels"


@contextmanager
def _silent() -> Iterator[None]:
    """Keeps tifffile from logging what is odd in a file: the library is silent, and what matters is an error."""
    logger = logging.getLogger("tifffile")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _is_deep(page: Any) -> bool:
    bits = page.bitspersample
    return page.dtype is not None and isinstance(bits, int) and (bits > 8 or page.sampleformat not in (1, 4))


def _is_read(page: Any) -> bool:
    """Whether tifffile reads this page: without further packages it has decoders for few compressions."""
    known = page.compression in (*_PLAIN, *_ZLIB, *_PACKBITS) and page.dtype.kind in "iuf"
    return known and page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB) and len(page.shape) in (2, 3)


def _orientation(page: Any) -> int:
    tag = page.tags.get(ORIENTATION)
    return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1


def _decoded(path: Path, page: Any) -> Deep:
    if page.compression in _ZLIB:
        _check_strips(path, page)
    values = page.asarray()
    if values.ndim == 3:
        if page.axes[0] == "S":  # colours are stored as separate planes
            values = np.moveaxis(values, 0, -1)
        values = values[..., :3] if page.photometric == _RGB else values[..., 0]  # without alpha
    if values.ndim not in (2, 3) or values.shape[2:] not in ((), (3,)):
        raise ValueError(f"samples of shape {values.shape}")
    top = float(2**page.bitspersample - 1) if values.dtype.kind == "u" else None
    if page.photometric == _WHITE_IS_ZERO and top is not None:
        values = values.dtype.type(top) - values
    values = np.ascontiguousarray(_upright(values, _orientation(page)))
    return Deep(values, top if values.dtype.itemsize <= 2 else None)


def _upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The stored values as they are meant to be seen; orientation: 1 to 8, as EXIF numbers them."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values[:, ::-1] if orientation in (2, 3, 6, 7) else values


def _check_strips(path: Path, page: Any) -> None:
    """Raises InputError when a strip or tile decodes to more than it may hold: tifffile would decode all of it."""
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    most = (rows if page.is_tiled else min(rows, page.imagelength)) * columns * samples * page.dtype.itemsize
    check_size(most, f"a strip of {columns}x{rows} pixels", path)
    handle = page.parent.filehandle
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        handle.seek(offset)
        if len(zlib.decompressobj().decompress(handle.read(count), most + 1)) > most:
            raise InputError(f"{path}: expected strips of {most} bytes, got a larger one; save the picture again")
