"""The curves of a distillation's page, as inline SVG drawn by matplotlib."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from equations.rule.rule import Candidate
from srnca.pages.drawing import COLOURS, NCA, RULE, TARGET, logarithmic, to_svg
from srnca.pages.fronts import ON_PAGE, plot_fronts, plot_texture_front
from srnca.pages.runs import LongRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DARK = 1e-7  # the lowest power density drawn: below the noise of pictures with eight bits
_PERIODS = (2, 3, 4, 6, 8, 12, 16, 32, 64)  # cells, marked on the axis of spectra


def drawing(draw: Callable[..., None]) -> Callable[..., str]:
    """Give `draw` the axes of an empty figure, and return what it drew as an `svg` element."""

    @functools.wraps(draw)
    def drawn(*arguments: Any) -> str:
        return to_svg(lambda figure: draw(figure.subplots(), *arguments), (6, 3.5), draw.__name__)

    return drawn


@drawing
def draw_texture_front(axis: Axes, report: Mapping[str, Any]) -> None:
    """Terms against texture loss, the chosen rule marked."""
    plot_texture_front(axis, report, ON_PAGE)


@drawing
def draw_fronts(axis: Axes, fronts: Mapping[str, Sequence[Candidate]]) -> None:
    """Length of the equations against one-step error, a curve for each channel."""
    plot_fronts(axis, fronts, ON_PAGE)


@drawing
def draw_spectra(axis: Axes, spectra: Mapping[str, tuple[Any, Any]]) -> None:
    """Power against frequency. The ticks of the frequency axis are labelled by the period in cells."""
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
    """The largest |x| of a long run against the step; with a picture, the texture loss too.

    teacher: the automaton's texture loss, drawn as a level.
    """
    from matplotlib.lines import Line2D

    lines: list[Line2D] = axis.plot(run.steps, run.largest, ".-", color=TARGET, lw=1.3, label="max |x|, left")
    axis.set(xlabel="step", ylabel="max |x|", ylim=(0, 1.25 * max(run.largest)))
    logarithmic(axis, "x", list(run.steps))
    if max(run.largest) > 30 * min(run.largest):  # it grows without bound
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
