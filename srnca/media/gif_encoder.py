"""GIF frame by frame: what comes out can be written at once, so that films of any length need little memory."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from equations.errors import InputError

END = b";"
LARGEST = 65535  # pixels of a side
_WORTH = 0.75  # a new palette must be so much nearer to the picture: a change of palette flickers
_DRIFT = 1.5  # a palette is tried anew when the picture is so much further from it than when it was chosen


class GifEncoder:
    """Pictures (h, w, 3) uint8 of one shape → the bytes of an endless animation: `head`, then `frame`s, then END.

    fps: 1 to 50, rounded to the format's hundredths of a second; `scale` pixels a cell. Without a given
    `palette` (256, 3), one is chosen from the first picture and replaced when another fits a later picture
    clearly better. No dither, and only what changed is drawn, so that still parts do not flicker.
    """

    def __init__(self, fps: float = 20, scale: int = 1, palette: NDArray[np.uint8] | None = None) -> None:
        self._duration, self._scale = duration(fps), scale
        self._palette = None if palette is None else _as_palette(palette)
        self._given = palette is not None
        self._before: NDArray[np.uint8] | None = None
        self._count = 0
        self._error = 0.0  # of the palette, when it was chosen: mean distance in levels of 256

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
        now, often = _distance(image, shown), self._count & (self._count - 1) == 0  # frames 1, 2, 4, 8, …
        if often or now > _DRIFT * self._error + 1:
            other = _fitted(image)
            anew = _on(image, other)
            error = _distance(image, anew)
            if error < _WORTH * now:
                self._palette, self._error = other, error
                return anew
        return shown


def duration(fps: float) -> int:
    """Milliseconds of a frame. Raises InputError for what the format cannot time."""
    if not 1 <= fps <= 50:
        raise InputError(f"frames per second: expected 1 to 50 (what the GIF format can time), got {fps:g}")
    return round(100 / fps) * 10


def common_palette(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """256 colours (256, 3) fitted to at most 16 pictures spread over the list."""
    chosen = np.unique(np.linspace(0, len(pictures) - 1, 16).astype(int))
    fitted = _fitted(Image.fromarray(np.concatenate([pictures[i] for i in chosen])))
    colours = np.zeros((256, 3), np.uint8)
    found = np.array(fitted.getpalette(), np.uint8).reshape(-1, 3)
    colours[: len(found)] = found
    return colours


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
