"""The picture that updates while training: for a texture, target beside automaton, the loss curve below."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

SIDE = 256  # pixels of each picture, at least
CURVE = 96  # pixels: height of the loss curve
GAP = 8  # pixels between two pictures
EVERY_S = 3.0  # seconds between two writes
Draw: TypeAlias = "Callable[[list[float]], Image]"  # draws a picture, with the curve of these losses below it


class Preview:
    """Writes `path` (PNG, atomically) every few seconds from what training reports.

    history: losses of the iterations before.
    """

    def __init__(self, path: Path, history: Sequence[float], *, every_s: float = EVERY_S) -> None:
        self.path, self.every_s, self.history = path, every_s, list(history)
        self._draw: Draw | None = None
        self._written = 0.0

    def see(self, loss: float, draw: Draw | None) -> None:
        """Take in the loss of an iteration, and what draws its picture; None where there is nothing new to draw."""
        self.history.append(loss)
        self._draw = draw or self._draw
        if time.monotonic() - self._written >= self.every_s:
            self.write()

    def write(self) -> None:
        """Write the picture now, if there is something to show."""
        from equations.files import write_bytes

        if self._draw is None:
            return
        buffer = io.BytesIO()
        self._draw(self.history).save(buffer, "PNG")
        write_bytes(self.path, buffer.getvalue())
        self._written = time.monotonic()


def draw_preview(target: np.ndarray, now: np.ndarray, history: list[float]) -> Image:
    """Two pictures (h, w, 3), nominally in [0, 1], side by side over the curve of log loss."""
    from PIL import Image

    pictures = [enlarged(target), enlarged(now)]
    side = pictures[0].width
    sheet = Image.new("RGB", (2 * side + GAP, side + GAP + CURVE), "white")
    sheet.paste(pictures[0], (0, 0))
    sheet.paste(pictures[1], (side + GAP, 0))
    draw_curve(sheet, history, top=side + GAP)
    return sheet


def picture_alone(draw: Draw) -> Image:
    """What `draw` draws, without the curve below it."""
    sheet = draw([])
    return sheet.crop((0, 0, sheet.width, sheet.height - CURVE - GAP))


def enlarged(pixels: np.ndarray) -> Image:
    """A picture (h, w, 3) enlarged by a whole number to SIDE pixels or more, so that cells stay square and sharp."""
    import numpy as np
    from PIL import Image

    finite = np.nan_to_num(pixels, nan=0.0, posinf=1.0, neginf=0.0)
    image = Image.fromarray((np.clip(finite, 0, 1) * 255 + 0.5).astype(np.uint8))
    times = math.ceil(SIDE / image.width)
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def draw_curve(sheet: Image, history: list[float], *, top: int) -> None:
    """Draw the loss on a logarithmic axis; each column of pixels shows the mean over its share of the iterations."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(sheet)
    values = [math.log10(max(value, 1e-12)) for value in history if math.isfinite(value)]
    if len(values) < 2:
        return
    columns = min(sheet.width, len(values))
    means = []
    for i in range(columns):
        part = values[i * len(values) // columns : (i + 1) * len(values) // columns]
        means.append(sum(part) / len(part))
    low, high = min(means), max(means)
    height = CURVE - 1
    points = [
        (
            i * (sheet.width - 1) / max(1, columns - 1),
            top + height - (m - low) / max(high - low, 1e-9) * height,
        )
        for i, m in enumerate(means)
    ]
    draw.line(points, fill=(40, 90, 160), width=2)
    draw.text((sheet.width - 110, top), f"loss {10 ** means[-1]:.3g}", fill=(40, 40, 40))
