"""`x.gif`: an animation that every browser shows, written frame by frame. (Read by stacks.py, as all pictures are.)

Each frame becomes bytes that can be written at once, so that films of any length need little memory. Pillow can only
save all frames together; its function `getdata` compresses one frame, and the rest of the format is written here.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from equations.colormaps import table
from equations.errors import InputError
from equations.rule.display import DUO, display_of
from srnca.media.growing_file import GrowingWriter
from srnca.media.painting import Painter, film_scale
from srnca.media.writing import Recipe

OPTIONS = ("fps", "scale", "colormap")
FPS = 20
SIDE = 256  # pixels to which small grids are enlarged
LARGEST = 65535  # pixels of a side
END = b";"  # the last byte of a GIF
_BETTER = 0.75  # a new palette is taken only below this share of the old one's error: a change of palette flickers
_DRIFT = 1.5  # a new palette is tried when the error exceeds this multiple of the error at the palette's choice


class GifEncoder:
    """Turns pictures (h, w, 3) uint8 of one shape into an endless animation: `head`, then each `frame`, then END.

    fps: 1 to 50, rounded to the format's hundredths of a second.
    scale: pixels a cell.
    palette: (256, 3) uint8. Without one, a palette is fitted to the first picture, and replaced when one that is fitted
    to a later picture has a clearly smaller error.

    Colours are not dithered, and only the part that changed is drawn, so that still parts do not flicker.
    """

    def __init__(self, fps: float = 20, scale: int = 1, palette: NDArray[np.uint8] | None = None) -> None:
        self._duration, self._scale = duration(fps), scale
        self._palette = None if palette is None else _as_palette(palette)
        self._given = palette is not None
        self._before: NDArray[np.uint8] | None = None
        self._count = 0
        self._error = 0.0  # mean distance from the picture, in levels of 256, when the palette was chosen

    def head(self, shape: tuple[int, ...]) -> bytes:
        """The start of the file, for pictures of `shape` (h, w, 3)."""
        h, w = (side * self._scale for side in shape[:2])
        return struct.pack("<6sHH3x", b"GIF89a", w, h) + b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"

    def frame(self, picture: NDArray[np.uint8]) -> bytes:
        """One more frame."""
        indices = self._quantized(Image.fromarray(picture))
        top, bottom, left, right = self._changed(picture)
        self._before, self._count = picture, self._count + 1
        part = indices.crop((left, top, right, bottom))
        part = part.resize((part.width * self._scale, part.height * self._scale), Image.Resampling.NEAREST)
        offset = (left * self._scale, top * self._scale)
        return b"".join(GifImagePlugin.getdata(part, offset, duration=self._duration, include_color_table=True))

    def _changed(self, picture: NDArray[np.uint8]) -> tuple[int, int, int, int]:
        """top, bottom, left, right of the part that differs from the picture before; one pixel where nothing does."""
        if self._before is None:
            return 0, picture.shape[0], 0, picture.shape[1]
        differs = (picture != self._before).any(axis=2)
        rows, columns = differs.any(axis=1).nonzero()[0], differs.any(axis=0).nonzero()[0]
        if not len(rows):
            return 0, 1, 0, 1
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1

    def _quantized(self, image: Image.Image) -> Image.Image:
        if self._palette is None:
            self._palette = _fitted(image)
            self._error = _distance(image, _on(image, self._palette))
        shown = _on(image, self._palette)
        if self._given:
            return shown
        error, is_due = _distance(image, shown), self._count & (self._count - 1) == 0  # frames 1, 2, 4, 8, …
        if is_due or error > _DRIFT * self._error + 1:
            other = _fitted(image)
            other_shown = _on(image, other)
            other_error = _distance(image, other_shown)
            if other_error < _BETTER * error:
                self._palette, self._error = other, other_error
                return other_shown
        return shown


class GifWriter(GrowingWriter):
    """Appends each state to the file as one frame."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self._recipe, self._painter, self._fps = recipe, Painter(recipe), recipe.fps or FPS
        duration(self._fps)  # refuses a wrong one before there is a file
        self._encoder: GifEncoder | None = None
        super().__init__(path)

    def add(self, state: NDArray[Any]) -> None:
        picture = self._painter.paint(state)
        if self._encoder is None:
            self._encoder = GifEncoder(self._fps, film_scale(self._recipe, state, SIDE, LARGEST), self._palette())
            self._file.write(self._encoder.head(picture.shape))
        self._file.write(self._encoder.frame(picture))
        self._ends.append(self._file.tell())

    def _palette(self) -> NDArray[np.uint8] | None:
        """The colour map's colours; None for pictures in RGB, whose colours are not known in advance."""
        display = display_of(self._recipe.rule)
        if self._recipe.colormap == DUO or display.in_colour:
            return None
        return table(self._recipe.colormap or display.colormap)

    def _finish(self) -> None:
        self._file.write(END)


def make_writer(path: Path, recipe: Recipe) -> GifWriter:
    """A writer of an animation."""
    return GifWriter(path, recipe)


def duration(fps: float) -> int:
    """Milliseconds of a frame. Raises InputError for a rate that the format cannot express."""
    if not 1 <= fps <= 50:
        raise InputError(f"frames per second: expected 1 to 50 (what the GIF format can time), got {fps:g}")
    return round(100 / fps) * 10


def _fitted(image: Image.Image) -> Image.Image:
    return image.quantize(256, method=Image.Quantize.MEDIANCUT)


def _as_palette(colours: NDArray[np.uint8]) -> Image.Image:
    image = Image.new("P", (1, 1))
    image.putpalette(colours.tobytes())
    return image


def _on(image: Image.Image, palette: Image.Image) -> Image.Image:
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


def _distance(image: Image.Image, shown: Image.Image) -> float:
    difference = np.asarray(image, np.int16) - np.asarray(shown.convert("RGB"), np.int16)
    return float(np.abs(difference).mean())
