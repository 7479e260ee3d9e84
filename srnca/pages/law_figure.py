"""figure.png of a law of few species that was found without an automaton: photo, law, a larger grid, and the front."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from distill.result import Distillation
from equations.errors import DivergenceError
from equations.simulation import Simulator
from srnca.pages.drawing import save_figure
from srnca.pages.fronts import IN_FIGURE, plot_texture_front
from srnca.pages.rule_figure import as_text
from srnca.texture.evaluate import SEEDS, picture_of

LARGE, STEPS = 4, 1000  # sides of the picture that the large grid has, and after how many steps it is drawn


def draw_law(path: Path, target: np.ndarray, law: np.ndarray, result: Distillation) -> None:
    """photo | law | law on a larger grid | front, as a PNG. Pictures are (h, w, 3), nominally in [0, 1]."""
    losses, judged = (result.report[key] for key in ("texture_loss", "judge"))
    size = (LARGE * target.shape[0], LARGE * target.shape[1])
    try:
        large = picture_of(result.rule, Simulator(result.rule, size=size, seed=SEEDS[0]).step(STEPS))
    except DivergenceError:
        large = np.zeros((*size, 3))
    figure = Figure(figsize=(13, 3.9), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.25))
    numbers = result.report["species"]["numbers"]["all"]
    title = f"law · texture loss {as_text(losses['rule'])}\njudge {as_text(judged['rule'])} · {numbers} numbers"
    for axis, picture, text in (
        (axes[0], target, "photo"),
        (axes[1], law, title),
        (axes[2], large, f"law, {size[1]} × {size[0]} cells"),
    ):
        axis.imshow(np.clip(np.nan_to_num(picture), 0, 1), interpolation="nearest")
        axis.set_title(text, fontsize=10)
        axis.set_axis_off()
    plot_texture_front(axes[3], result.report, IN_FIGURE)
    axes[3].set(ylabel="texture loss after 400 steps")
    axes[3].set_title("front: numbers against texture loss", fontsize=10)
    axes[3].spines[["top", "right"]].set_visible(False)
    save_figure(path, figure, dpi=120)
