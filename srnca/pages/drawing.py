"""How figures are drawn: as inline SVG in the colours of the page, be it dark or light, and as PNG files."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.files import write_bytes
from srnca.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NCA, RULE, TARGET = "#3f82c8", "#dd6b20", "#8a8f98"  # seen well on white and on black
COLOURS = {"NCA": NCA, "rule": RULE, "target": TARGET}
INK = "#010203"  # stands for the colour of the page's text until the drawing is done
_STYLE: dict[str, Any] = {
    "text.parse_math": False,  # names may hold dollars
    "svg.fonttype": "none", "font.size": 9, "legend.frameon": False, "legend.fontsize": 8.5,
    "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip
_COLOURED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")

Draw = Callable[["Figure"], None]


def to_svg(draw: Draw, size: tuple[float, float], name: str) -> str:
    """What `draw` puts on an empty figure of `size` inches, as an `svg` element: the same bytes for the same numbers.

    name: of the figure, which the ids inside the element are made from.
    """
    style = {**_STYLE, **dict.fromkeys(_COLOURED, INK), "svg.hashsalt": name}
    svg = _drawn(draw, size, style, format="svg", transparent=True, metadata={"Date": None})
    return _embedded(svg.decode("utf-8"))


def to_png(draw: Draw, size: tuple[float, float]) -> bytes:
    """The same figure as a PNG, in black on white."""
    return _drawn(draw, size, _STYLE, format="png", dpi=150, metadata={"Software": None})


def save_figure(path: Path, figure: Figure, dpi: float) -> None:
    """Write a figure as a PNG, atomically; the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=dpi, format="png", metadata={"Software": None})
    write_bytes(path, buffer.getvalue())


def logarithmic(axis: Axes, which: str, values: Sequence[float]) -> None:
    """Make the x or y axis, as `which` says, logarithmic with plain numbers.

    The ticks are powers of ten, and 2 and 5 times these where `values` span less than two decades. An axis on which
    nothing above 0 is drawn stays linear, because there is no logarithm of that.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not math.isfinite(getattr(axis.dataLim, f"minpos{which}")):
        return
    getattr(axis, f"set_{which}scale")("log")
    healthy = [value for value in values if math.isfinite(value) and value > 0]
    decades = math.log10(max(healthy) / min(healthy)) if healthy else 9.0
    scale = getattr(axis, f"{which}axis")
    scale.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,)))
    scale.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    scale.set_minor_formatter(NullFormatter())


def _drawn(draw: Draw, size: tuple[float, float], style: Any, **how: Any) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(style):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, **how)
    return buffer.getvalue()


def _embedded(svg: str) -> str:
    """An SVG file as an element of a page: no prolog, no addresses, no names that two drawings would share."""
    svg = visible(svg[svg.index("<svg") :], keep="\n\t").replace(INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r' id="[A-Za-z0-9.]+_[0-9]+"', "", svg)
    return re.sub(r'^<svg width="[^"]*" height="[^"]*"', "<svg", svg)
