"""Pictures out: PNG, GIF and contact sheets from arrays, written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from equations.errors import InputError
from equations.files import write_bytes
from srnca.media.gif_encoder import END, GifEncoder, common_palette


def save_png(path: str | Path, array: ArrayLike, scale: int = 1) -> None:
    """Write a picture, (h, w, 3) or (h, w), float in [0, 1] or uint8; a cell becomes scale x scale pixels."""
    buffer = io.BytesIO()
    Image.fromarray(_bytes(array, scale)).save(buffer, format="PNG", optimize=True)
    write_bytes(Path(path), buffer.getvalue())


def save_gif(path: str | Path, frames: Iterable[ArrayLike], fps: float = 20, scale: int = 1) -> None:
    """Write an endless animation of pictures as save_png takes them, all of one shape.

    fps: 1 to 50, rounded to the format's hundredths of a second. One palette serves all frames, without
    dither, so that still parts do not flicker. Raises InputError for no frames, unlike shapes or values that
    are not finite.
    """
    _check_scale(scale)
    pictures = [_rgb(frame) for frame in frames]
    if not pictures:
        raise InputError("animation: expected at least one frame, got none")
    for i, picture in enumerate(pictures):
        if picture.shape != pictures[0].shape:
            raise InputError(
                f"animation: expected frames of one shape, got {pictures[0].shape} and, at frame {i}, {picture.shape}"
            )
    encoder = GifEncoder(fps, scale, common_palette(pictures))
    parts = [encoder.head(pictures[0].shape), *(encoder.frame(picture) for picture in pictures), END]
    write_bytes(Path(path), b"".join(parts))


def contact_sheet(
    images: Sequence[ArrayLike],
    labels: Sequence[str] = (),
    *,
    columns: int | None = None,
    scale: int = 1,
    gap: int = 6,
) -> NDArray[np.uint8]:
    """Pictures side by side on white, each with its label below: (H, W, 3) uint8, for save_png.

    Pictures are as save_png takes them and may differ in size. columns: by default about as many as rows.
    """
    if not len(images):
        raise InputError("contact sheet: expected at least one picture, got none")
    if labels and len(labels) != len(images):
        raise InputError(f"contact sheet: expected a label for each picture, got {len(labels)} for {len(images)}")
    tiles = [Image.fromarray(_bytes(image, scale)).convert("RGB") for image in images]
    columns = min(columns or int(np.ceil(np.sqrt(len(tiles)))), len(tiles))
    rows = -(-len(tiles) // columns)
    font = ImageFont.load_default()
    wide = max(max(t.width for t in tiles), *(int(font.getlength(s)) + 1 for s in labels), 1) + gap
    high = max(t.height for t in tiles) + gap + (14 if labels else 0)
    sheet = Image.new("RGB", (columns * wide + gap, rows * high + gap), "white")
    draw = ImageDraw.Draw(sheet)
    for i, tile in enumerate(tiles):
        left, top = gap + i % columns * wide, gap + i // columns * high
        sheet.paste(tile, (left, top))
        if labels:
            draw.text((left, top + tile.height + 2), labels[i], fill="black", font=font)
    return np.asarray(sheet)


def _bytes(array: ArrayLike, scale: int) -> NDArray[np.uint8]:
    """(h, w, 3) or (h, w) uint8, each cell repeated scale x scale times."""
    pixels = np.asarray(array)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3) or 0 in pixels.shape:
        raise InputError(f"picture: expected shape (h, w, 3) or (h, w), got {pixels.shape}")
    _check_scale(scale)
    if pixels.dtype != np.uint8:
        if not np.issubdtype(pixels.dtype, np.floating):
            raise InputError(f"picture: expected uint8 or float in [0, 1], got {pixels.dtype}; divide by its maximum")
        if not np.isfinite(pixels).all():
            raise InputError("picture: expected finite values, got some that are not a number or infinite")
        pixels = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def _rgb(array: ArrayLike) -> NDArray[np.uint8]:
    """(h, w, 3) uint8."""
    pixels = _bytes(array, 1)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _check_scale(scale: int) -> None:
    if scale < 1:
        raise InputError(f"scale: expected a whole number from 1, got {scale}")
