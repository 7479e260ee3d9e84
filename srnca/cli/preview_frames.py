"""The picture that updates while an automaton learns a recording: recording, network, difference, loss curve."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srnca.cli.preview import CURVE, EVERY_S, GAP, draw_curve, enlarged

if TYPE_CHECKING:
    from PIL.Image import Image

    from srnca.dynamics.horizons import RecordingProgress

FULL = 0.1  # share of the first channel's range: a difference this large is shown in full colour


class FramesPreview:
    """Writes `path` (PNG, atomically) every few seconds from what training reports."""

    def __init__(self, path: Path, history: list[float], *, every_s: float = EVERY_S) -> None:
        self.path, self.every_s, self.history = path, every_s, list(history)
        self._last: RecordingProgress | None = None
        self._written = 0.0

    def see(self, now: RecordingProgress) -> None:
        self.history.append(now.loss)
        self._last = now
        if time.monotonic() - self._written >= self.every_s:
            self.write()

    def write(self) -> None:
        """Write the picture now, if there is something to show."""
        from equations.files import write_bytes

        if self._last is None or self._last.picture is None:
            return
        buffer = io.BytesIO()
        frame, forecast, off = (layer.numpy() for layer in self._last.picture)
        draw_frames(frame, forecast, off, self._last.horizon, self.history).save(buffer, "PNG")
        write_bytes(self.path, buffer.getvalue())
        self._written = time.monotonic()


def draw_frames(frame: Any, forecast: Any, off: Any, horizon: int, history: list[float]) -> Image:
    """A frame, the network's forecast of it and their difference side by side over the curve of log loss.

    frame, forecast: (h, w) in [0, 1].
    off: (h, w), the difference; it has full red or blue from a tenth of the range on.
    horizon: how many steps ahead the forecast is.
    """
    import numpy as np
    from PIL import Image, ImageDraw

    strength = np.clip(np.nan_to_num(off) / FULL, -1, 1)
    red, blue = np.clip(strength, 0, 1), np.clip(-strength, 0, 1)
    coloured = np.stack([1 - blue, 1 - red - blue, 1 - red], axis=-1)
    grey = [np.repeat(np.nan_to_num(layer)[..., None], 3, axis=-1) for layer in (frame, forecast)]
    pictures = [enlarged(picture) for picture in (*grey, coloured)]
    width, height = pictures[0].size
    sheet = Image.new("RGB", (3 * width + 2 * GAP, height + 2 * GAP + CURVE), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (picture, text) in enumerate(
        zip(pictures, ("recording", f"network, {horizon} steps on", f"difference, full at {FULL:g}"), strict=True)
    ):
        sheet.paste(picture, (number * (width + GAP), 2 * GAP))
        draw.text((number * (width + GAP), 0), text, fill=(40, 40, 40))
    draw_curve(sheet, history, top=height + 2 * GAP)
    return sheet
