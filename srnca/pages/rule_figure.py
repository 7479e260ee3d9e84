"""Figures of a result: what a person looks at first."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distill.result import Distillation
from equations.files import write_bytes


def draw_distillation(
    path: Path, target: np.ndarray, teacher: np.ndarray, rule: np.ndarray, result: Distillation
) -> None:
    """target | NCA | rule | front, as a PNG. Pictures are (h, w, 3), nominally in [0, 1]."""
    losses, terms = result.report["texture_loss"], result.report["terms"]
    figure = Figure(figsize=(13, 3.9), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.25))
    for axis, picture, title in (
        (axes[0], target, "target"),
        (axes[1], teacher, f"NCA · texture loss {_number(losses['teacher'])}"),
        (
            axes[2],
            rule,
            f"rule · texture loss {_number(losses['rule'])}\n{terms['per_channel']:.1f} terms a channel",
        ),
    ):
        axis.imshow(np.clip(np.nan_to_num(picture), 0, 1), interpolation="nearest")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    if result.texture_front:
        _draw_texture_front(axes[3], result)
    else:
        _draw_fronts(axes[3], result)
    axes[3].spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=120, format="png", metadata={"Software": None})
    write_bytes(path, buffer.getvalue())


def _number(loss: float | None) -> str:
    return "∞" if loss is None else f"{loss:.3f}"


def _draw_texture_front(axis: Axes, result: Distillation) -> None:
    chosen = result.report["terms"]["per_channel"]
    losses = {k: math.nan if v is None else v for k, v in result.report["texture_loss"].items()}
    points = [(terms, loss) for terms, loss, _ in result.texture_front]
    axis.plot(*zip(*points, strict=True), "o-", color="#2b6cb0", ms=4, lw=1.2, label="refined rules")
    if passing := [(r["terms_per_channel"], r["loss"]) for r in result.report["refine"] if r.get("lasts") is False]:
        axis.plot(*zip(*passing, strict=True), "x", color="#1a202c", ms=8, mew=1.5, label="does not last")
    axis.plot([chosen], [losses["rule"]], "o", ms=10, mfc="none", mec="#c53030", mew=1.8, label="chosen")
    axis.axhline(losses["teacher"], color="#555555", lw=1, ls="--", label="NCA")
    axis.axhline(losses["flat"], color="#bbbbbb", lw=1, ls=":", label="flat colour")
    axis.set(yscale="log", xlabel="terms a channel", ylabel="texture loss after 400 steps")
    axis.set_title("front: terms against texture loss", fontsize=10)
    axis.legend(frameon=False, fontsize=8)


def _draw_fronts(axis: Axes, result: Distillation) -> None:
    for channel, front in result.fronts.items():
        axis.plot([c.complexity for c in front], [max(c.loss, 1e-16) for c in front], ".-", lw=1, label=channel)
    axis.set(xscale="log", yscale="log", xlabel="complexity", ylabel="mean square error, held out")
    axis.set_title("fronts: length against one-step error", fontsize=10)
    axis.legend(frameon=False, fontsize=8, ncols=2)
