"""A contact sheet: pictures in rows and columns on paper of one colour, with or without labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from equations.errors import InputError
from srnca.media.painting import to_bytes

LABEL = 14  # pixels: height of the line of text below a picture


def contact_sheet(
    images: Sequence[ArrayLike],
    labels: Sequence[str] = (),
    *,
    columns: int | None = None,
    scale: int = 1,
    gap: int = 6,
    paper: tuple[int, int, int] = (255, 255, 255),
) -> NDArray[np.uint8]:
    """The pictures side by side, each with its label below: (H, W, 3) uint8, for `save_png`.

    images: as `save_png` takes them; they may differ in size.
    columns: by default about as many as rows.
    scale: a cell becomes scale x scale pixels.
    gap: pixels between two pictures, and around all of them.
    paper: red, green and blue of the background.
    """
    if not len(images):
        raise InputError("contact sheet: expected at least one picture, got none")
    if labels and len(labels) != len(images):
        raise InputError(f"contact sheet: expected a label for each picture, got {len(labels)} for {len(images)}")
    tiles = [Image.fromarray(to_bytes(image, scale)).convert("RGB") for image in images]
    columns = min(columns or int(np.ceil(np.sqrt(len(tiles)))), len(tiles))
    rows = -(-len(tiles) // columns)
    font = ImageFont.load_default()
    width = max(max(t.width for t in tiles), *(int(font.getlength(s)) + 1 for s in labels), 1) + gap
    height = max(t.height for t in tiles) + gap + (LABEL if labels else 0)
    sheet = Image.new("RGB", (columns * width + gap, rows * height + gap), paper)
    draw = ImageDraw.Draw(sheet)
    for i, tile in enumerate(tiles):
        left, top = gap + i % columns * width, gap + i // columns * height
        sheet.paste(tile, (left, top))
        if labels:
            draw.text((left, top + tile.height + 2), labels[i], fill="black", font=font)
    return np.asarray(sheet)
