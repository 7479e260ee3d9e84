"""figure.png of a distillation: target, automaton and rule side by side, and the front."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from distill.result import Distillation
from srnca.pages.drawing import save_figure
from srnca.pages.fronts import IN_FIGURE, plot_fronts, plot_texture_front


def draw_distillation(
    path: Path, target: np.ndarray, teacher: np.ndarray, rule: np.ndarray, result: Distillation
) -> None:
    """target | NCA | rule | front, as a PNG. Pictures are (h, w, 3), nominally in [0, 1]."""
    losses, judged = (result.report[key] for key in ("texture_loss", "judge"))
    figure = Figure(figsize=(13, 3.9), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.25))
    for axis, picture, title in (
        (axes[0], target, "target"),
        (axes[1], teacher, f"NCA · texture loss {as_text(losses['teacher'])}\njudge {as_text(judged['teacher'])}"),
        (
            axes[2],
            rule,
            f"rule · texture loss {as_text(losses['rule'])}\njudge {as_text(judged['rule'])} · {_size(result)}",
        ),
    ):
        axis.imshow(np.clip(np.nan_to_num(picture), 0, 1), interpolation="nearest")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    if result.texture_front:
        plot_texture_front(axes[3], result.report, IN_FIGURE)
        axes[3].set(ylabel="texture loss after 400 steps")
        axes[3].set_title("front: terms against texture loss", fontsize=10)
    else:
        plot_fronts(axes[3], result.fronts, IN_FIGURE)
        axes[3].set_title("fronts: length against one-step error", fontsize=10)
    axes[3].spines[["top", "right"]].set_visible(False)
    save_figure(path, figure, dpi=120)


def _size(result: Distillation) -> str:
    report = result.report
    if "species" in report:
        return f"{report['species']['numbers']['all']} numbers"
    return f"{report['terms']['per_channel']:.1f} terms a channel"


def as_text(loss: float | None) -> str:
    """A loss or a judge's number for a title; None where pictures ran away."""
    return "∞" if loss is None else f"{loss:.3f}"
