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

LONGEST = 400  # characters that a table shows of one value


def escape(text: str) -> str:
    """`text` as HTML that shows it as text. Control characters and marks of direction are written out
    (`srnca.visible`), which `html.escape` does not do.
    """
    return html.escape(visible(text))


def number(value: float | None) -> str:
    """A number with three digits; ∞ for one that is not finite or None, as after a divergence."""
    if value is None or not np.isfinite(value):
        return "∞"
    if abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < 1e6 else f"{value:.2e}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def number_or_none(value: float | None) -> str:
    """A length with three digits; "none" where there is none, as when no wave grows."""
    return "none" if value is None else number(value)


def data_url(pixels: npt.NDArray[np.uint8]) -> str:
    """Pixels (h, w, 3) as a PNG in a data URL, so that the page holds its own images."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def pixels_of(url: str) -> npt.NDArray[np.float32]:
    """The pixels (h, w, 3) in [0, 1] of a picture in a data URL, as `data_url` makes them."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        return (np.asarray(image.convert("RGB"), np.float32) / 255).astype(np.float32)


def flatten(data: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Nested data as rows (name, value) without the empty ones. A mapping of plain values makes one row, such as
    ("versions", "numpy 2.1, scipy 1.13").
    """
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
    """`text`, or its beginning if it has more than `LONGEST` characters."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
