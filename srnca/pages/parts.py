"""Numbers, pictures, nested data and foreign text in the form in which a page shows them."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from srnca.visible import visible

LONGEST = 400  # characters of one value in a table


def escape(text: str) -> str:
    """`text` as HTML that shows it: no markup, and no characters that control what stands beside it."""
    return html.escape(visible(text))


def number(value: float | None) -> str:
    """Three digits; ∞ for what ran away."""
    if value is None or not np.isfinite(value):
        return "∞"
    if abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < 1e6 else f"{value:.2e}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def data_url(pixels: npt.NDArray[np.uint8]) -> str:
    """(h, w, 3) as the address of an image that the page carries itself."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def flatten(data: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Nested data as rows, empty values left out. A mapping of plain values is one row: versions → numpy 2.1, …"""
    rows: list[tuple[str, str]] = []
    for key, value in data.items():
        name = f"{above}{key}"
        if not isinstance(value, Mapping):
            rows.append((name, _text(value)))
        elif any(isinstance(inner, Mapping) for inner in value.values()):
            rows += flatten(value, f"{name}: ")
        else:
            rows.append((name, ", ".join(f"{inner} {_text(of)}" for inner, of in value.items())))
    return [(name, text) for name, text in rows if text not in ("", "None")]


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(map(_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def shorten(text: str) -> str:
    """The first `LONGEST` characters of `text`."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
