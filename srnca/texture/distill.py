"""From a checkpoint to a result folder."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np

from distill import distill
from distill.engines import Progress
from distill.result import Distillation
from equations.backends.torch.threads import one_thread
from srnca.pages import report_checkpoint
from srnca.pages.rule_figure import draw_distillation
from srnca.provenance import add_provenance
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import (
    STEPS,
    flat_loss,
    make_loss,
    make_objective,
    nca_pictures,
    rule_pictures,
    shortfall,
    texture_loss,
)
from srnca.texture.loss import TextureLoss
from srnca.texture.teacher import NCATeacher


@one_thread()
def distill_checkpoint(
    checkpoint: Checkpoint,
    *,
    engine: str = "auto",
    seed: int = 0,
    terms: int = 24,
    effort: float = 1.0,
    budget_s: float | None = None,
    refine: bool = True,
    states: float = 0.0,
    max_loss: float | None = None,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    teacher: NCATeacher | None = None,
    loss: TextureLoss | None = None,
    picture_steps: int = STEPS,
) -> Distillation:
    """The closed-form rule of a trained automaton, with its texture loss beside the automaton's own.

    terms: the most terms of a channel, on average over channels.
    effort, budget_s: see `distill`.
    states: weight in refinement of the automaton's own states beside its texture; 0 leaves them out.
    max_loss: take the shortest rule of at most this texture loss.
    out: a folder for rule.json, report.json, report.html, figure.png and the halls of fame.
    resume: go on with an unfinished distillation in `out`.
    teacher, loss: the checkpoint's, where they are built already (`srnca.automata.load`).
    picture_steps: age of the pictures whose texture losses are reported, in steps.

    A legacy checkpoint has no picture: nothing is refined, and there are no texture losses and no figure.
    Raises InputError for arguments that do not fit.
    """
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    if loss is None and checkpoint.picture is not None:
        loss = make_loss(checkpoint)
    result = distill(
        teacher,
        engine=engine,
        seed=seed,
        max_terms=terms,
        objective=None if loss is None else make_objective(checkpoint, loss),
        refine=refine,
        states=states,
        max_loss=max_loss,
        effort=effort,
        budget_s=budget_s,
        size=(checkpoint.config.size, checkpoint.config.size),
        progress=progress,
        folder=out,
        resume=resume,
    )
    add_provenance(result.report, trained=checkpoint.provenance)
    pictures = None if loss is None else _compare(checkpoint, result, teacher, loss, picture_steps)
    if out is not None:
        if pictures is not None:
            draw_distillation(out / "figure.png", checkpoint.target, *pictures, result)
        report_checkpoint(out / "report.html", result, checkpoint, teacher=teacher, loss=loss)
        result.save(out)  # last, with the rule: this removes the file from which a killed distillation resumes
    return result


def _compare(
    checkpoint: Checkpoint, result: Distillation, teacher: NCATeacher, loss: TextureLoss, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Add the texture losses after `steps` steps, and a warning where they are poor, to the report.

    Returns a picture (h, w, 3) of the automaton and one of the rule.
    """
    started = time.perf_counter()
    target = checkpoint.target
    theirs = nca_pictures(checkpoint, steps=steps, teacher=teacher)
    ours = rule_pictures(result.rule, target.shape[:2], steps=steps)
    losses = {
        "flat": flat_loss(loss, target),
        "teacher": _finite(texture_loss(loss, theirs)),
        "rule": _finite(texture_loss(loss, ours)),
    }
    result.report["texture_loss"] = losses
    result.report["shortfall"] = shortfall(losses, refined=bool(result.report["refine"]))
    result.report["time_s"]["evaluate"] = round(time.perf_counter() - started, 3)
    return theirs[0], ours[0]


def _finite(loss: float) -> float | None:
    """The loss, or None for infinity, which JSON does not have: the pictures diverged."""
    return loss if math.isfinite(loss) else None
