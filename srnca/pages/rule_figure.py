"""figure.png of a distillation: target, automaton and rule side by side, and the front."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from distill.result import Distillation
from srnca.pages.drawing import save_figure
from srnca.pages.fronts import IN_FIGURE, plot_fronts, plot_texture_front


def draw_distillation(
    path: Path,
    target: np.ndarray,
    teacher: np.ndarray,
    rule: np.ndarray,
    result: Distillation,
    law: np.ndarray | None = None,
) -> None:
    """target | NCA | rule | front, as a PNG. Pictures are (h, w, 3), nominally in [0, 1].

    law: a picture of the law of few species that competed with the rule and was not chosen; it is drawn before it.
    """
    losses, judged = (result.report[key] for key in ("texture_loss", "judge"))
    rows = [
        (target, "target"),
        (teacher, f"NCA · texture loss {as_text(losses['teacher'])}\njudge {as_text(judged['teacher'])}"),
        (rule, f"rule · texture loss {as_text(losses['rule'])}\njudge {as_text(judged['rule'])} · {_size(result)}"),
    ]
    if law is not None:
        other = result.report["competed"]["others"]["law"]
        title = f"law · texture loss {as_text(other['texture_loss'])}"
        rows.insert(2, (law, f"{title}\njudge {as_text(other['judge'])} · {other['numbers']} numbers"))
    figure = Figure(figsize=(3.08 * len(rows) + 3.8, 3.6), layout="constrained")
    axes = figure.subplots(1, len(rows) + 1, width_ratios=(*[1] * len(rows), 1.25))
    for axis, (picture, title) in zip(axes, rows, strict=False):
        axis.imshow(np.clip(np.nan_to_num(picture), 0, 1), interpolation="nearest")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    axis = axes[-1]
    if result.texture_front:
        plot_texture_front(axis, result.report, IN_FIGURE)
        axis.set(ylabel="texture loss after 400 steps")
        axis.set_title("front: terms against texture loss", fontsize=10)
    else:
        plot_fronts(axis, result.fronts, IN_FIGURE)
        axis.set_title("fronts: length against one-step error", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(path, figure, dpi=120)


def _size(result: Distillation) -> str:
    report = result.report
    if "species" in report:
        return f"{report['species']['numbers']['all']} numbers"
    return f"{report['terms']['per_channel']:.1f} terms a channel"


def as_text(loss: float | None) -> str:
    """A loss or a judge's number for a title; None where pictures ran away."""
    return "∞" if loss is None else f"{loss:.3f}"
