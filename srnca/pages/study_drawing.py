"""How the figures of a study are made: as SVG for the page, which it takes its colours from, and as PNG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from srnca.pages.drawing import Draw, to_png, to_svg

COLOURS = ("#3f82c8", "#dd6b20", "#38a169", "#b5449c", "#8a8f98", "#c9a227")  # seen well on white and on black
PIXELS = 104  # of the page for an inch
LINE = "#8a8f98"


@dataclass(frozen=True)
class Drawing:
    """One figure twice: an `svg` element, to be shown `width` pixels wide, and the bytes of a PNG on white."""

    name: str
    width: int
    svg: str
    png: bytes


def drawn(name: str, size: tuple[float, float], draw: Draw) -> Drawing:
    """`draw` gets the empty figure, of `size` inches, once for each form. The same numbers give the same bytes."""
    return Drawing(name, round(PIXELS * size[0]), to_svg(draw, size, name), to_png(draw, size))


def make_panels(figure: Any, count: int, **share: Any) -> list[Any]:
    """`count` axes in rows and columns."""
    columns = columns_of(count)
    rows = -(-count // columns)
    axes = np.atleast_1d(figure.subplots(rows, columns, squeeze=False, **share)).ravel()
    for spare in axes[count:]:
        spare.set_visible(False)
    return list(axes[:count])


def columns_of(count: int) -> int:
    """How many of `count` panels stand side by side."""
    return count if count <= 4 else (3 if count in (5, 6) else 4)


def size_of(count: int, *, tall: float = 2.7) -> tuple[float, float]:
    """Inches of a figure of `count` panels."""
    columns = columns_of(count)
    return max(4.2, 2.8 * columns), 0.5 + tall * -(-count // columns)


def finite(values: np.ndarray) -> np.ndarray:
    """The finite ones of `values`."""
    return values[np.isfinite(values)]


def colour(index: int) -> str:
    """The colours in turn."""
    return COLOURS[index % len(COLOURS)]
