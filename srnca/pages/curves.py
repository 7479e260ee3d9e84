"""Curves as inline SVG, drawn by matplotlib; text and axes take the colour of the page, be it dark or light."""

from __future__ import annotations

import functools
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from equations.rule.rule import Candidate
from srnca.pages.evidence import LongRun
from srnca.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NCA, RULE, TARGET = "#3f82c8", "#dd6b20", "#8a8f98"  # seen well on white and on black
COLOURS = {"NCA": NCA, "rule": RULE, "target": TARGET}
_INK = "#010203"  # stands for the colour of the page's text until the drawing is done
STYLE: dict[str, Any] = {
    "text.parse_math": False,  # names may hold dollars
    "svg.fonttype": "none", "font.size": 9, "legend.frameon": False, "legend.fontsize": 8.5,
    "axes.spines.top": False, "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
}  # fmt: skip
_DARK = 1e-7  # power density, below the noise of eight bits
_PERIODS = (2, 3, 4, 6, 8, 12, 16, 32, 64)  # cells, marked on the axis of spectra


def drawing(draw: Callable[..., None]) -> Callable[..., str]:
    """Give `draw` its axes, and return what it drew as an `svg` element: the same bytes for the same numbers."""

    @functools.wraps(draw)
    def drawn(*arguments: Any) -> str:
        import matplotlib
        from matplotlib.figure import Figure

        style: Any = {**STYLE, "svg.hashsalt": draw.__name__}
        with matplotlib.rc_context(style):
            figure = Figure(figsize=(6, 3.5), layout="constrained")
            draw(figure.subplots(), *arguments)
            text = io.StringIO()
            figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        return embed(text.getvalue())

    return drawn


@drawing
def draw_texture_front(axis: Axes, report: Mapping[str, Any]) -> None:
    """Terms against texture loss, the chosen rule marked."""
    losses = {who: _plotted(loss) for who, loss in report["texture_loss"].items()}
    rows = sorted((row["terms_per_channel"], _plotted(row["loss"])) for row in report["refine"])
    axis.plot(*zip(*rows, strict=True), "o-", color=RULE, ms=4.5, lw=1.3, label="refined rules")
    if passing := [row for row in report["refine"] if row.get("lasts") is False]:
        places = zip(*((row["terms_per_channel"], _plotted(row["loss"])) for row in passing), strict=True)
        axis.plot(*places, "x", color=_INK, ms=9, mew=1.6, label="does not last")
    chosen = [report["terms"]["per_channel"]], [losses["rule"]]
    axis.plot(*chosen, "o", ms=12, mfc="none", mec=_INK, mew=1.6, label="chosen")
    axis.axhline(losses["teacher"], color=NCA, lw=1.3, ls="--", label="NCA")
    axis.axhline(losses["flat"], color=TARGET, lw=1.3, ls=":", label="flat colour")
    axis.set(xlabel="terms a channel", ylabel="texture loss")
    logarithmic(axis, "y", [loss for _, loss in rows] + list(losses.values()))
    axis.legend()


@drawing
def draw_fronts(axis: Axes, fronts: Mapping[str, Sequence[Candidate]]) -> None:
    """Length of the equations against one-step error, a curve for each channel."""
    errors = [max(c.loss, 1e-16) for front in fronts.values() for c in front]
    for channel, front in fronts.items():
        axis.plot([c.complexity for c in front], [max(c.loss, 1e-16) for c in front], ".-", lw=1.1, label=channel)
    axis.set(xlabel="complexity", ylabel="mean square error, held out")
    logarithmic(axis, "x", [c.complexity for front in fronts.values() for c in front])
    logarithmic(axis, "y", errors)
    if len(fronts) <= 16:
        axis.legend(ncols=2)


@drawing
def draw_spectra(axis: Axes, spectra: Mapping[str, tuple[Any, Any]]) -> None:
    """Power against frequency, with the period in cells on top."""
    powers = {name: power.clip(_DARK) for name, (_, power) in spectra.items()}
    for name, (frequency, _) in spectra.items():
        style = "--" if name == "target" else "-"
        axis.plot(frequency, powers[name], style, color=COLOURS[name], lw=1.5, label=name)
    axis.set(xlabel="period in cells", ylabel="power density")
    logarithmic(axis, "x", [])
    logarithmic(axis, "y", [float(p) for power in powers.values() for p in power])
    shown = [period for period in _PERIODS if axis.get_xlim()[0] <= 1 / period <= axis.get_xlim()[1]]
    axis.set_xticks([1 / period for period in shown], [str(period) for period in shown])
    axis.legend()


@drawing
def draw_long_run(axis: Axes, run: LongRun, teacher: float | None) -> None:
    """The largest |x| and, where there is a picture, the texture loss of the rule at ever later steps."""
    from matplotlib.lines import Line2D

    lines: list[Line2D] = axis.plot(run.steps, run.largest, ".-", color=TARGET, lw=1.3, label="max |x|, left")
    axis.set(xlabel="step", ylabel="max |x|", ylim=(0, 1.25 * max(run.largest)))
    logarithmic(axis, "x", list(run.steps))
    if max(run.largest) > 30 * min(run.largest):  # it runs away
        axis.set_ylim(auto=True)
        logarithmic(axis, "y", list(run.largest))
    if any(math.isfinite(loss) for loss in run.loss):
        right = axis.twinx()
        right.spines["right"].set_visible(True)
        lines += right.plot(run.steps, run.loss, ".-", color=RULE, lw=1.5, label="texture loss, right")
        if teacher is not None:
            lines.append(right.axhline(teacher, color=NCA, lw=1.3, ls="--", label="NCA's, 400 steps"))
        right.set_ylabel("texture loss")
        logarithmic(right, "y", [*run.loss, *([] if teacher is None else [teacher])])
    axis.legend(handles=lines)


def _plotted(loss: float | None) -> float:
    """null in a report stands for pictures that ran away: a gap in a curve."""
    return math.nan if loss is None else loss


def logarithmic(axis: Axes, which: str, values: Sequence[float]) -> None:
    """A logarithmic axis with plain numbers; within a decade or so also at 2 and 5. As it is where nothing above 0 is
    drawn: there is no logarithm of that.
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


def embed(svg: str) -> str:
    """An SVG file as an element of a page: no prolog, no addresses, no names that two drawings would share."""
    svg = visible(svg[svg.index("<svg") :], keep="\n\t").replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r' id="[A-Za-z0-9.]+_[0-9]+"', "", svg)
    return re.sub(r'^<svg width="[^"]*" height="[^"]*"', "<svg", svg)
