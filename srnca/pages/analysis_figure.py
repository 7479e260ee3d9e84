"""The figure of an analysis: dispersion relation, growth of all waves, nullclines, spectrum, pattern, verdict."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from equations.analysis.analysis import Analysis
from equations.analysis.dispersion import along
from equations.analysis.nullclines import nullclines
from equations.analysis.one_point import Reading
from equations.analysis.spectrum import FLAT, radial_spectrum
from equations.rule.display import display_of, render
from srnca.pages.drawing import save_figure

BLUE, ORANGE, GREY = "#2b6cb0", "#dd6b20", "#8a8f98"
_MARKS = {"stable": "o", "Turing": "D", "wave": "D", "saddle": "x"}


def draw_analysis(path: Path, analysis: Analysis, title: str) -> None:
    """Write the figure of an analysis as a PNG."""
    figure = Figure(figsize=(13, 7.6), layout="constrained")
    figure.suptitle(f"{title}: {analysis.headline}", fontsize=13, fontweight="bold")
    axes = figure.subplots(2, 3)
    r = analysis.reading
    if r is None:
        for axis in (axes[0, 0], axes[0, 1]):
            _empty(axis, "no uniform state at rest")
    else:
        _draw_dispersion(axes[0, 0], r, analysis)
        _draw_map(figure, axes[0, 1], r)
    if len(analysis.rule.channels) == 2:
        _draw_nullclines(axes[0, 2], analysis)
    elif r is not None:
        _draw_multipliers(axes[0, 2], r)
    else:
        _empty(axes[0, 2], "")
    _draw_spectrum(axes[1, 0], analysis)
    _draw_pattern(axes[1, 1], analysis)
    _write_verdict(axes[1, 2], analysis)
    save_figure(path, figure, dpi=110)


def _empty(axis: Axes, text: str) -> None:
    axis.set_axis_off()
    axis.text(0.5, 0.5, text, ha="center", va="center", color=GREY, transform=axis.transAxes)


def _draw_dispersion(axis: Axes, r: Reading, analysis: Analysis) -> None:
    """Growth per unit time of the two fastest modes against the wave number, along an axis and along a diagonal of the
    grid; also along the fastest wave of an anisotropic rule.
    """
    dt = r.relation.dt
    lines = [("the axis", (1.0, 0.0), 1.0, "-"), ("the diagonal", (1.0, 1.0), math.sqrt(2), "--")]
    one_way = r.wavelengths is not None and r.wavelengths[2] < 1.001 * r.wavelengths[0]
    if analysis.predicted is not None and one_way and r.best is not None:
        lines.append(("the fastest wave", (r.best.kx, r.best.ky), 1.0, "-."))  # an anisotropic rule
    for name, direction, longest, style in lines:
        numbers = np.linspace(0, longest * math.pi, 400)
        values = 1 + dt * along(r.linear, direction, numbers)
        growth = np.sort(np.log(np.maximum(np.abs(values), 1e-12)) / dt, axis=1)[:, ::-1]
        for index in range(min(2, growth.shape[1])):
            label = f"along {name}" if index == 0 else None
            axis.plot(numbers, growth[:, index], style, color=(BLUE, GREY)[index], lw=1.5, label=label)
    axis.axhline(0, color="black", lw=0.8)
    top = float(max(r.relation.growth.max(), 0))
    rest = float(np.abs(r.relation.uniform()[0].eigenvalue.real))
    reach = max(top, (0.25 if top > 0 else 1.0) * rest, 1e-12)
    axis.set_ylim(-3 * reach, 1.6 * reach)
    if analysis.predicted is not None:
        number = 2 * math.pi / analysis.predicted
        axis.axvline(number, color=ORANGE, lw=1.2, ls=":", label=f"predicted: {analysis.predicted:.3g} cells")
    axis.set(xlabel="wave number (radians per cell)", ylabel="growth per unit time")
    axis.set_title("dispersion relation", fontsize=10)
    axis.legend(frameon=False, fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_map(figure: Figure, axis: Axes, r: Reading) -> None:
    """Growth of every wave vector that fits the grid: red grows, blue dies."""
    growth = r.relation.plane(r.relation.growth)
    top = float(growth.max())
    reach = top if top > 1e-4 * np.abs(growth).max() else max(float(np.median(np.abs(growth))), 1e-12)
    extent = (-math.pi, math.pi, math.pi, -math.pi)
    picture = axis.imshow(growth, cmap="RdBu_r", vmin=-reach, vmax=reach, extent=extent, interpolation="nearest")
    figure.colorbar(picture, ax=axis, shrink=0.8)
    if top > 0:
        shown = axis.get_xlim(), axis.get_ylim()
        axis.contour(growth, levels=[0], colors="black", linewidths=0.8, extent=(-math.pi, math.pi, -math.pi, math.pi))
        axis.set(xlim=shown[0], ylim=shown[1])
    axis.set(xlabel="kx (radians per cell)", ylabel="ky")
    axis.set_title("growth per unit time of all waves", fontsize=10)


def _draw_nullclines(axis: Axes, analysis: Analysis) -> None:
    """Both nullclines, and the fixed points marked by their kind of stability."""
    values = np.array([r.point.values for r in analysis.readings] or [(0.0, 0.0)])
    margin = 0.6 * analysis.scale
    low, high = values.min(axis=0) - margin, values.max(axis=0) + margin
    if analysis.rule.clamp is not None:
        low, high = np.full(2, analysis.rule.clamp[0]), np.full(2, analysis.rule.clamp[1])
    lines = nullclines(analysis.rule, low, high)
    fine = np.where(np.abs(lines.updates) < 1e6, lines.updates, np.nan)
    for index, colour in enumerate((BLUE, ORANGE)):
        name = lines.channels[index]
        axis.contour(lines.x, lines.y, fine[index], levels=[0.0], colors=colour, linewidths=1.6)
        axis.plot([], [], color=colour, label=f"d{name}/dt = 0")
    for r in analysis.readings:
        mark = _MARKS.get(r.state, "s")
        face: dict[str, Any] = {} if mark == "x" else {"mfc": "black" if r.state == "stable" else "white"}
        axis.plot(*r.point.values, mark, color="black", ms=7, label=r.state, **face)
    axis.set(
        xlabel=lines.channels[0],
        ylabel=lines.channels[1],
        xlim=tuple(map(float, (low[0], high[0]))),
        ylim=tuple(map(float, (low[1], high[1]))),
    )
    axis.set_title("nullclines and uniform states", fontsize=10)
    handles, labels = axis.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    axis.legend(once.values(), once.keys(), framealpha=0.85, edgecolor="none", fontsize=8)


def _draw_multipliers(axis: Axes, r: Reading) -> None:
    """The multipliers of one step for all waves in the complex plane, with the unit circle: outside it a wave grows."""
    values = r.relation.multipliers.ravel()
    axis.plot(values.real, values.imag, ".", color=BLUE, ms=1, alpha=0.4)
    turn = np.linspace(0, 2 * math.pi, 200)
    axis.plot(np.cos(turn), np.sin(turn), color="black", lw=0.8)
    axis.set(xlabel="real part", ylabel="imaginary part", aspect="equal")
    axis.set_title("multipliers of one step, all waves", fontsize=10)


def _draw_spectrum(axis: Axes, analysis: Analysis) -> None:
    measured = analysis.measured
    if measured is None or measured.failure or not (measured.deviation > FLAT):
        _empty(axis, "no pattern to take a spectrum of")
        return
    state = measured.state
    deviation = state.std(axis=(1, 2), keepdims=True)
    seen = (deviation > 0)[:, 0, 0]
    numbers, power = radial_spectrum(state[seen] / deviation[seen])
    axis.plot(numbers, power.clip(1e-9), "-", color=BLUE, lw=1.3)
    axis.set(yscale="log", xlabel="wave number (radians per cell)", ylabel="power, mean over directions")
    axis.set_ylim(max(power.max() * 1e-7, power.min() * 0.3), power.max() * 3)
    for name, length, style in (("predicted", analysis.predicted, ":"), ("measured", measured.wavelength, "--")):
        if length is not None:
            colour = ORANGE if name == "predicted" else "black"
            axis.axvline(2 * math.pi / length, color=colour, ls=style, lw=1.3, label=f"{name}: {length:.3g} cells")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, fontsize=8)
    axis.set_title("radial spectrum of the pattern", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_pattern(axis: Axes, analysis: Analysis) -> None:
    measured, rule = analysis.measured, analysis.rule
    if measured is None or measured.failure:
        _empty(axis, "no run" if measured is None else "the run diverged")
        return
    display = display_of(rule)
    shown = display.channels
    places = [rule.channels.index(name) for name in shown]
    if display.colours is not None:
        axis.imshow(render(rule, measured.state), interpolation="nearest")
    elif len(places) == 3:
        picture = measured.state[places].transpose(1, 2, 0)
        low, high = np.percentile(picture, (1, 99))
        axis.imshow(((picture - low) / max(high - low, 1e-12)).clip(0, 1), interpolation="nearest")
    else:
        axis.imshow(measured.state[places[0]], cmap="viridis", interpolation="nearest")
    axis.set_axis_off()
    uniform = "" if measured.deviation > FLAT else ", uniform"
    axis.set_title(f"{', '.join(shown)} after {measured.steps:,} steps{uniform}", fontsize=10)


def _write_verdict(axis: Axes, analysis: Analysis) -> None:
    axis.set_axis_off()
    verdict = analysis.verdict
    parts = [verdict.reason, *(f"{r.grid.name}: {r.grid.reason}" for r in analysis.readings if r.grid), *verdict.notes]
    wrapped = "\n\n".join(textwrap.fill(part, 52) for part in parts)
    lines = wrapped.split("\n")
    text = "\n".join(lines if len(lines) <= 24 else [*lines[:23], "…"])
    axis.text(0, 1, text, va="top", ha="left", fontsize=9, transform=axis.transAxes)
