"""The figure of a comparison of a rule with a model: the pattern of each, and the spectra of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from equations import models
from equations.analysis.spectrum import radial_spectrum
from equations.comparison import Match, Rollouts
from equations.rule.display import display_of, render
from srnca.pages.drawing import save_figure

RULE, MODEL = "#c53030", "#2b6cb0"


def draw_comparison(path: Path, match: Match, rollouts: Rollouts) -> None:
    """Write a PNG: rule | model | radial spectra of the channels shown. Both are drawn in the model's colours."""
    model = models.load(match.model).rule(match.preset, **match.parameters)
    figure = Figure(figsize=(12, 3.9), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.3))
    end = rollouts.steps[-1] if rollouts.steps else 0
    for axis, state, title in (
        (axes[0], rollouts.rule, f"rule, after {end} steps"),
        (axes[1], rollouts.model, f"{match.model}:{match.preset}"),
    ):
        axis.imshow(render(model, state.astype(np.float32)), interpolation="nearest")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    for i, channel in enumerate(display_of(model).channels):
        _draw_spectra(axes[2], rollouts, list(model.channels).index(channel), channel, first=i == 0)
    axes[2].set(xscale="log", yscale="log", xlabel="wavelength, cells", ylabel="power")
    axes[2].set_title(f"radial spectra, {max(rollouts.spectrum.values()):.2g} apart", fontsize=10)
    axes[2].invert_xaxis()
    axes[2].spines[["top", "right"]].set_visible(False)
    axes[2].legend(frameon=False, fontsize=8)
    save_figure(path, figure, dpi=120)


def _draw_spectra(axis: Any, rollouts: Rollouts, index: int, channel: str, *, first: bool) -> None:
    for state, colour, style, who in ((rollouts.model, MODEL, "-", "model"), (rollouts.rule, RULE, "--", "rule")):
        k, power = radial_spectrum(state[index])
        there = power > 1e-12 * max(float(power.max()), 1e-300)
        wide: npt.NDArray[Any] = 2 * np.pi / k[there]
        axis.plot(
            wide, power[there], style, color=colour, lw=1.4, alpha=1.0 if first else 0.5, label=f"{who}, {channel}"
        )
