"""The picture that updates while an automaton learns a recording: recording, network, difference, loss curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from srnca.cli.preview import CURVE, GAP, draw_curve, enlarged

if TYPE_CHECKING:
    from PIL.Image import Image

FULL = 0.1  # share of the first channel's range: a difference this large is shown in full colour


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
