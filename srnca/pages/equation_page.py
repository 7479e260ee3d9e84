"""The page of an equation that was found in a recording: the data that `templates/equation.html` lays out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from distill.weak.discretise import Discretised
from distill.weak.equation import Equation
from distill.weak.evidence import Forecast, Residual
from distill.weak.typeset import to_mathml
from equations.colormaps import colour
from equations.files import write_text
from equations.printers.mathml import channel_name
from srnca.help import NO_LAW, PAGE
from srnca.pages.curves import drawing
from srnca.pages.drawing import RULE, TARGET
from srnca.pages.parts import data_url, flatten
from srnca.pages.rendering import render

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]

MOST_SHOWN = 5  # frames of the forecast
MOST_CHANNELS = 6  # whose pictures are shown
WORDS = {
    "found": "Found: this law explains the recording.",
    "partly": "Partly: the law explains some of the recording, and this is not all of it.",
    "none": "None: no law of this family explains the recording.",
}


def report_equation(
    path: Path,
    equation: Equation,
    rule: Discretised | None,
    name: str,
    provenance: dict[str, Any],
    no_rule: str | None = None,
) -> None:
    """Write the page.

    name: of the recording. provenance: plain data for the last table. no_rule: why there is no rule.
    """
    evidence = equation.evidence
    forecast = None if evidence is None else evidence.forecast
    data = render(
        "equation.html",
        name=name,
        verdict=equation.verdict,
        words=WORDS[equation.verdict],
        reasons=equation.reasons,
        notes=[*equation.numbers_in_words(), *equation.notes],
        help=f"{PAGE}#{NO_LAW}",
        sides=to_mathml(equation),
        certain=equation.verdict == "found",
        offsets=[(c, f"{o:g}") for c, o in zip(equation.channels, equation.offsets, strict=True) if o],
        dt=f"{equation.dt:g}",
        dx=f"{equation.dx:g}",
        boundary=equation.boundary,
        left=_percent(max(law.misfit for law in equation.laws)),
        wrong=None if equation.forecast is None else _percent(equation.forecast),
        allowed=None if equation.forecast_allowed is None else _percent(equation.forecast_allowed),
        film=None if forecast is None or forecast.predicted is None else _film(equation, forecast),
        residuals=[] if evidence is None else [_residual(equation, c, r) for c, r in evidence.residuals.items()],
        rule=None if rule is None else {"text": rule.text(), "error": rule.error and _percent(rule.error)},
        no_rule=no_rule or "there is no law to simulate",
        noise=[
            (f"noise of {c}, standard deviation", f"{n:.3g}")
            for c, n in zip(equation.channels, equation.noise, strict=True)
        ],
        window=equation.window,
        provenance=flatten(provenance),
    )
    write_text(path, data)


def _percent(share: float) -> str:
    size = 100 * max(0.0, share)
    return f"{size:.0f} %" if size >= 10 else f"{size:.2g} %"


def _film(equation: Equation, forecast: Forecast) -> dict[str, Any]:
    """For each channel the recorded frames, those of the forecast, and their difference."""
    assert forecast.predicted is not None
    count = len(forecast.seen)
    shown = sorted({round(k) for k in np.linspace(0, count - 1, min(MOST_SHOWN, count))})
    channels = []
    for c, channel in enumerate(equation.channels[:MOST_CHANNELS]):
        seen, ahead = forecast.seen[shown, c], forecast.predicted[shown, c]
        low, high = float(seen.min()), float(seen.max())
        apart = np.abs(ahead - seen)
        rows = [
            {"who": "recorded", "frames": [_picture(f, low, high) for f in seen]},
            {"who": "forecast", "frames": [_picture(f, low, high) for f in ahead]},
            {"who": "difference", "frames": [_picture(f, 0.0, float(apart.max()), "grey") for f in apart]},
        ]
        span = f"{low:.3g} to {high:.3g}; differences up to {apart.max():.2g}, black is none"
        channels.append({"math": channel_name(channel), "name": channel, "rows": rows, "span": span})
    return {"from": forecast.begin, "marks": [forecast.begin + 1 + k for k in shown], "channels": channels}


def _picture(values: Array, low: float, high: float, colormap: str = "viridis") -> str:
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return data_url(colour(np.clip(scaled, 0, 1).astype(np.float32), colormap))


def _residual(equation: Equation, channel: str, residual: Residual) -> dict[str, Any]:
    largest = float(residual.in_space.max())
    return {
        "math": channel_name(channel),
        "name": channel,
        "map": _picture(residual.in_space, 0.0, largest),
        "largest": _percent(largest),
        "rows": f"{residual.rows[0]} to {residual.rows[-1]}",
        "columns": f"{residual.columns[0]} to {residual.columns[-1]}",
        "curve": draw_residual(residual, equation.dt),
    }


@drawing
def draw_residual(axis: Axes, residual: Residual, dt: float) -> None:
    """The residual over time, and what noise explains of it."""
    times = residual.times * dt
    axis.plot(times, 100 * residual.over_time, ".-", color=RULE, lw=1.5, label="left by the law")
    axis.plot(times, 100 * residual.noise, "--", color=TARGET, lw=1.3, label="explained by noise")
    axis.set(xlabel="time", ylabel="% of the change", ylim=(0, None))
    axis.legend()
