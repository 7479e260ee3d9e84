"""The contact sheet for a rater: one picture large beside its target, the pictures of its page small below."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from equations.errors import InputError, SrncaError
from equations.files import write_bytes
from srnca.media.contact_sheet import contact_sheet
from srnca.studies.ratings.ratings import Shown

LARGE, SMALL, GAP, LINE = 384, 120, 8, 22  # pixels
COLUMNS = 6
PAPER, INK, FRAME = (32, 34, 38), (225, 228, 232), (255, 176, 32)


def load_targets(entries: Mapping[str, Any], size: int) -> dict[str, np.ndarray]:
    """Name -> (size, size, 3) in [0, 1] of a study's targets, without those whose file is not on this machine.

    entries: the study's attribute schema.TARGETS.
    """
    from srnca.media.images import load_target

    found = {}
    for name, entry in entries.items():
        crop = entry.get("crop")
        try:
            found[name] = load_target(entry["spec"], size, tuple(crop) if crop else None).pixels
        except SrncaError:
            continue
    return found


def read_picture(path: Path) -> Image.Image:
    """The picture as RGB. Raises InputError for a file that is missing or no picture."""
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a picture of the study, got none ({error}); copy the study's folder"
        ) from error


def write_sheet(
    path: Path, page: Sequence[Shown], index: int, target: np.ndarray | None, *, done: Sequence[int] = ()
) -> None:
    """Write the sheet as a PNG, atomically.

    index: of the picture to rate, within the page.
    done: indices of the pictures that have been rated; they are dimmed.

    The rating is blind: the sheet shows no trial number, no loss and no earlier rating.
    """
    rows = -(-len(page) // COLUMNS)
    width = max(2 * LARGE + 3 * GAP, COLUMNS * (SMALL + GAP) + GAP)
    sheet = Image.new("RGB", (width, LINE + LARGE + 2 * GAP + LINE + rows * (SMALL + GAP)), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, 5), f"picture {index + 1} of {len(page)}:  0 bad ... 5 good", fill=INK)
    sheet.paste(scaled(read_picture(page[index].path), LARGE), (GAP, LINE))
    if target is not None:
        draw.text((LARGE + 2 * GAP, 5), f"target: {page[index].target}".encode("ascii", "replace").decode(), fill=INK)
        sheet.paste(scaled(to_image(target), LARGE), (LARGE + 2 * GAP, LINE))
    top = LINE + LARGE + GAP + LINE
    tiles = [scaled(read_picture(shown.path), SMALL) for shown in page]
    empty = Image.new("RGB", (SMALL, SMALL), PAPER)
    small = [np.asarray(Image.blend(tile, empty, 0.7) if i in done else tile) for i, tile in enumerate(tiles)]
    overview = contact_sheet(small, columns=COLUMNS, gap=GAP, paper=PAPER)
    sheet.paste(Image.fromarray(overview), (0, top - GAP))
    x, y = GAP + index % COLUMNS * (SMALL + GAP), top + index // COLUMNS * (SMALL + GAP)
    draw.rectangle((x - 4, y - 4, x + SMALL + 3, y + SMALL + 3), outline=FRAME, width=4)
    buffer = io.BytesIO()
    sheet.save(buffer, "png")
    write_bytes(path, buffer.getvalue())


def to_image(pixels: np.ndarray) -> Image.Image:
    """(h, w, 3) in [0, 1] as a picture."""
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))


def scaled(picture: Image.Image, side: int) -> Image.Image:
    """The picture at (side, side): enlarged with sharp pixels, reduced smoothly."""
    grows = picture.width < side
    return picture.resize((side, side), Image.Resampling.NEAREST if grows else Image.Resampling.LANCZOS)
