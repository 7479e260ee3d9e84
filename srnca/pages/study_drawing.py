"""Figures of a study: each is made as SVG for the page and as PNG, from panels in rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from srnca.pages.drawing import Draw, to_png, to_svg

COLOURS = ("#3f82c8", "#dd6b20", "#38a169", "#b5449c", "#8a8f98", "#c9a227")  # seen well on white and on black
PIXELS = 104  # on the page for an inch of the figure
LINE = "#8a8f98"


@dataclass(frozen=True)
class Drawing:
    """One figure in two forms.

    name: the name of its PNG, without the suffix.
    width: pixels that it takes on the page.
    svg: an `svg` element.
    png: the bytes of a PNG on white.
    """

    name: str
    width: int
    svg: str
    png: bytes


def drawn(name: str, size: tuple[float, float], draw: Draw) -> Drawing:
    """Make both forms of a figure of `size` inches. `draw` is called with an empty figure for each of them. The same
    numbers give the same bytes.
    """
    return Drawing(name, round(PIXELS * size[0]), to_svg(draw, size, name), to_png(draw, size))


def make_panels(figure: Any, count: int, **share: Any) -> list[Any]:
    """`count` axes in rows and columns. share: `sharex` or `sharey`, as for `Figure.subplots`."""
    columns = columns_of(count)
    rows = -(-count // columns)
    axes = np.atleast_1d(figure.subplots(rows, columns, squeeze=False, **share)).ravel()
    for spare in axes[count:]:
        spare.set_visible(False)
    return list(axes[:count])


def columns_of(count: int) -> int:
    """The number of columns in which `count` panels are laid out."""
    return count if count <= 4 else (3 if count in (5, 6) else 4)


def size_of(count: int, *, tall: float = 2.7) -> tuple[float, float]:
    """Width and height in inches of a figure of `count` panels, each `tall` inches high."""
    columns = columns_of(count)
    return max(4.2, 2.8 * columns), 0.5 + tall * -(-count // columns)


def finite(values: np.ndarray) -> np.ndarray:
    """The finite ones of `values`."""
    return values[np.isfinite(values)]


def colour(index: int) -> str:
    """The colour of the curve `index`; the colours repeat after the last."""
    return COLOURS[index % len(COLOURS)]
