"""Pieces of HTML. Whatever is not a number or our own words goes through this `escape`, not that of Python."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from srnca.visible import visible

LONGEST = 400  # characters of one value in a table


def escape(text: str) -> str:
    """`text` as HTML that shows it: no markup, and no characters that control what stands beside it."""
    return html.escape(visible(text))


def section(name: str, title: str, *body: str) -> str:
    """A part of the page, or nothing where there is nothing to show."""
    inner = "".join(body)
    return f'<section id="{escape(name)}"><h2>{escape(title)}</h2>{inner}</section>' if inner else ""


def paragraph(text: str, kind: str = "note") -> str:
    """`text` is HTML."""
    return f'<p class="{kind}">{text}</p>'


def number(value: float | None) -> str:
    """Three digits; ∞ for what ran away."""
    if value is None or not np.isfinite(value):
        return "∞"
    if abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < 1e6 else f"{value:.2e}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def picture(pixels: npt.NDArray[np.uint8], alt: str) -> str:
    """(h, w, 3) as an image that the page carries itself."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}">'


def figure(drawing: str, caption: str) -> str:
    """`drawing` and `caption` are HTML."""
    return f"<figure><figcaption>{caption}</figcaption>{drawing}</figure>"


def tile(value: str, label: str, kind: str = "") -> str:
    """A number that is looked for first."""
    return f'<div class="tile"><b class="{kind}">{escape(value)}</b><span>{escape(label)}</span></div>'


def table(rows: Iterable[tuple[str, str]], title: str) -> str:
    """Two columns of text."""
    lines = "".join(f"<tr><th scope=row>{escape(key)}</th><td>{escape(_cut(value))}</td></tr>" for key, value in rows)
    return f'<table class="plain" aria-label="{escape(title)}">{lines}</table>'


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


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
