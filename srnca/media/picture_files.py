"""Opens a picture file of any format and decodes its pages; images.py and stacks.py make use of them.

The size that a header claims is compared with the budget before pixels are decoded, and any exception that a decoder
raises on a damaged file becomes an InputError.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image, ImageOps

from equations.errors import InputError, MissingPartError, shorten
from equations.reading import check_regular_file, check_size, read_limit
from srnca.media.tiff import ORIENTATION, Deep, Tiff, is_tiff
from srnca.media.tiff_units import Units

PIXEL = 16  # bytes of memory for a pixel while it is decoded: three float32, and red, green, blue and alpha
LONGEST = 65536  # pixels of a side, as many as a grid may have cells
CUT = "colours of 16 bits are read with 8 bits each; save it as TIFF to keep them all"
_DEEP_GREY = ("I", "F")  # how the names of Pillow's modes of grey with more than 8 bits begin
_PNG_DEPTH, _PNG_COLOUR = 24, 25  # positions in a PNG file: the bits of a sample, and the kind of colour

Picture = Image.Image | Deep


class Pictures:
    """An open picture file with frames × channels pages.

    size: (width, height) of each page.
    channels_first: whether all frames of one channel come before those of the next; else the channel changes fastest.
    cut: whether colours of 16 bits have lost their lower 8.
    notes: what a person should know about the file.
    units: time between frames, width of a cell and names of channels, as far as a TIFF file says them.

    Raises InputError for a file that is no picture, damaged, or above the size budget.
    """

    def __init__(self, path: Path) -> None:
        self.path = check_regular_file(path, "an image file")
        self._tiff: Tiff | None = None
        self._pillow: Image.Image | None = None
        self._first = 0  # 1 for an animated PNG whose first picture is no part of the animation
        self.frames, self.channels, self.channels_first, self.cut, notes = 1, 1, False, False, [""]
        self.units = Units()
        with self._reading():
            try:
                if is_tiff(path):
                    self._tiff = tiff = Tiff(path)
                    self.size, self.frames, notes = tiff.size, tiff.frames, [tiff.note]
                    self.channels, self.channels_first, self.units = tiff.channels, tiff.channels_first, tiff.units
                if self._tiff is None or not self._tiff.deep:
                    self._open_pillow()
                    self.cut = _is_deep_colour(path)
                    notes.append(CUT if self.cut else "")
                self._check_size()
            except BaseException:
                self.__exit__(None, None, None)
                raise
        self.notes = tuple(filter(None, notes))

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for file in (self._tiff, self._pillow):
            if file is not None:
                file.close()

    @property
    def count(self) -> int:
        return self.frames * self.channels

    @property
    def depth(self) -> int:
        """Bytes of a pixel of a page as it is decoded: 4 or more for each colour."""
        if self._tiff is not None and self._tiff.deep:
            return self._tiff.depth
        assert self._pillow is not None
        grey = self._pillow.mode in ("1", "L") or self._pillow.mode.startswith(_DEEP_GREY)
        return 4 if grey else 12

    def page(self, number: int) -> tuple[Picture, bool]:
        """One page, upright, and whether its EXIF orientation required that it be turned."""
        with self._reading():
            picture, turned = self._page(number)
            if picture.size != self.size:
                raise InputError(
                    f"{self.path}: expected pages of {self.size[0]}x{self.size[1]} pixels each, got one of "
                    f"{picture.size[0]}x{picture.size[1]}; save them apart"
                )
            return picture, turned

    def _page(self, number: int) -> tuple[Picture, bool]:
        if self._tiff is not None and self._tiff.deep:
            return self._tiff.page(number), self._tiff.turned(number)
        assert self._pillow is not None
        self._pillow.seek(number + self._first)
        self._pillow.load()
        turned = self._pillow.getexif().get(ORIENTATION, 1) in range(2, 9)
        picture = ImageOps.exif_transpose(self._pillow) if turned else self._pillow.copy()
        return (self._deep(picture) if picture.mode.startswith(_DEEP_GREY) else picture), turned

    def _open_pillow(self) -> None:
        self._pillow = Image.open(self.path)
        self.size = self._pillow.size
        self._check_size()  # before getexif, for which Pillow decodes a PNG
        if self._pillow.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8):  # lying on its side
            self.size = self.size[::-1]
        count = int(getattr(self._pillow, "n_frames", 1))
        if count > 1 and getattr(self._pillow, "default_image", False):
            self._first, count = 1, count - 1
        if self._tiff is None or count != self.count:
            self.frames, self.channels, self.channels_first = count, 1, False

    def _check_size(self) -> None:
        width, height = self.size
        if max(self.size) > LONGEST:
            raise InputError(
                f"{self.path}: expected sides of at most {LONGEST} pixels, got {width}x{height}; cut it up"
            )
        check_size(PIXEL * width * height, f"a picture of {width}x{height} pixels", self.path)

    def _deep(self, picture: Image.Image) -> Deep:
        assert self._pillow is not None
        short = picture.mode.startswith("I;16") or (picture.mode == "I" and self._pillow.format in ("PNG", "PPM"))
        values, top = np.asarray(picture), 65535 if short else None
        if self._tiff is not None and self._tiff.white_is_zero and top is not None:
            values = values.dtype.type(top) - values
        return Deep(values, top)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turns any exception of a decoder into an InputError that says what is wrong with the file."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what matters is an error or a note
                yield
        except (InputError, MissingPartError):
            raise
        except Image.UnidentifiedImageError as error:
            raise InputError(
                f"{self.path}: expected an image (PNG, JPEG, TIFF, WebP, GIF, ...), got a file that is none of them; "
                "save it as PNG with an image program, or move it elsewhere"
            ) from error
        except Image.DecompressionBombError as error:
            raise InputError(
                f"{self.path}: expected at most {read_limit() // PIXEL // 10**6} million pixels, got more; crop it or "
                "scale it down"
            ) from error
        except PermissionError as error:
            raise InputError(
                f"{self.path}: expected a readable file, got {error.strerror}; mend its permissions"
            ) from error
        except MemoryError as error:
            raise InputError(f"{self.path}: there is not enough memory to read it; scale it down") from error
        except Exception as error:  # decoders raise almost anything on a damaged file
            raise InputError(
                f"{self.path}: expected a whole image, got one that breaks off or is damaged "
                f"({shorten(str(error))}); fetch or save it again"
            ) from error


def _is_deep_colour(path: Path) -> bool:
    """Whether `path` is a PNG with colours of 16 bits, of which Pillow keeps the upper 8."""
    with path.open("rb") as file:
        head = file.read(_PNG_COLOUR + 1)
    return head[:4] == b"\x89PNG" and len(head) > _PNG_COLOUR and head[_PNG_DEPTH] == 16 and bool(head[_PNG_COLOUR] & 2)
