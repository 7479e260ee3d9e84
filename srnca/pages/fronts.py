"""The fronts of a distillation, drawn in the style of the page and in that of figure.png."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from equations.rule.rule import Candidate
from srnca.pages.drawing import INK, NCA, RULE, TARGET, logarithmic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST = 1e-16  # the lowest error drawn: an exact equation has none


@dataclass(frozen=True)
class FrontStyle:
    """How fronts look: keywords of matplotlib for each part.

    refined: the line of the refined rules.
    changing: the marks of rules whose texture does not last.
    chosen: the mark of the chosen rule.
    nca, flat: the levels of the automaton and of flat colour.
    channel: a channel's line.
    legend: the legend.
    most_channels: at most this many channels get a legend.
    plain_ticks: whether logarithmic axes show plain numbers in place of powers.
    """

    refined: Mapping[str, Any]
    changing: Mapping[str, Any]
    chosen: Mapping[str, Any]
    nca: Mapping[str, Any]
    flat: Mapping[str, Any]
    channel: Mapping[str, Any]
    legend: Mapping[str, Any] = field(default_factory=dict)
    most_channels: float = math.inf
    plain_ticks: bool = False


ON_PAGE = FrontStyle(
    refined={"color": RULE, "ms": 4.5, "lw": 1.3},
    changing={"color": INK, "ms": 9, "mew": 1.6},
    chosen={"mec": INK, "ms": 12, "mew": 1.6},
    nca={"color": NCA, "lw": 1.3},
    flat={"color": TARGET, "lw": 1.3},
    channel={"lw": 1.1},
    most_channels=16,
    plain_ticks=True,
)
IN_FIGURE = FrontStyle(
    refined={"color": "#2b6cb0", "ms": 4, "lw": 1.2},
    changing={"color": "#1a202c", "ms": 8, "mew": 1.5},
    chosen={"mec": "#c53030", "ms": 10, "mew": 1.8},
    nca={"color": "#555555", "lw": 1},
    flat={"color": "#bbbbbb", "lw": 1},
    channel={"lw": 1},
    legend={"frameon": False, "fontsize": 8},
)


def plot_texture_front(axis: Axes, report: Mapping[str, Any], style: FrontStyle) -> None:
    """Terms against texture loss of the refined rules, with the chosen one and the losses of NCA and flat colour."""
    losses = {who: _finite(loss) for who, loss in report["texture_loss"].items()}
    of_species = report.get("species")
    size, what = ("numbers", "numbers in all") if of_species else ("terms_per_channel", "terms a channel")
    rows = sorted((row[size], _finite(row["loss"])) for row in report["refine"])
    axis.plot(*zip(*rows, strict=True), "o-", label="refined rules", **style.refined)
    if changing := [row for row in report["refine"] if row.get("lasts") is False]:
        points = zip(*((row[size], _finite(row["loss"])) for row in changing), strict=True)
        axis.plot(*points, "x", label="does not last", **style.changing)
    chosen = of_species["numbers"]["all"] if of_species else report["terms"]["per_channel"]
    axis.plot([chosen], [losses["rule"]], "o", mfc="none", label="chosen", **style.chosen)
    if "teacher" in losses:  # a law that was found for a picture has none
        axis.axhline(losses["teacher"], ls="--", label="NCA", **style.nca)
    axis.axhline(losses["flat"], ls=":", label="flat colour", **style.flat)
    axis.set(xlabel=what, ylabel="texture loss")
    _logarithmic(axis, style, y=[loss for _, loss in rows] + list(losses.values()))
    axis.legend(**style.legend)


def plot_fronts(axis: Axes, fronts: Mapping[str, Sequence[Candidate]], style: FrontStyle) -> None:
    """Length of the equations against one-step error, a curve for each channel."""
    for channel, front in fronts.items():
        errors = [max(candidate.loss, _LEAST) for candidate in front]
        axis.plot([candidate.complexity for candidate in front], errors, ".-", label=channel, **style.channel)
    axis.set(xlabel="complexity", ylabel="mean square error, held out")
    every = [candidate for front in fronts.values() for candidate in front]
    _logarithmic(axis, style, x=[c.complexity for c in every], y=[max(c.loss, _LEAST) for c in every])
    if len(fronts) <= style.most_channels:
        axis.legend(ncols=2, **style.legend)


def _logarithmic(axis: Axes, style: FrontStyle, **values: Sequence[float]) -> None:
    for which, drawn in values.items():
        if style.plain_ticks:
            logarithmic(axis, which, drawn)
        else:
            axis.set(**{f"{which}scale": "log"})


def _finite(loss: float | None) -> float:
    """null in a report stands for pictures that ran away: a gap in a curve."""
    return math.nan if loss is None else loss
