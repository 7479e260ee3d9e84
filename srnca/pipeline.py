"""From a checkpoint, or a recording, to a result folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from distill import distill
from distill.recording import RecordingTeacher
from distill.result import Distillation
from equations.backends.torch_threads import one_thread
from equations.stencils import nca_stencils
from srnca.checkpoint import Checkpoint
from srnca.evaluate import flat_loss, make_loss, make_objective, nca_pictures, rule_pictures, texture_loss
from srnca.figures import draw_distillation
from srnca.provenance import provenance
from srnca.recordings import load_frames
from srnca.report import report_checkpoint, report_recording
from srnca.teacher import NCATeacher

Progress = Callable[[str, float, str], None]


@one_thread()
def distill_checkpoint(
    checkpoint: Checkpoint,
    *,
    engine: str = "auto",
    seed: int = 0,
    terms: int = 24,
    budget_s: float = 180.0,
    refine: bool = True,
    max_loss: float | None = None,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Distillation:
    """The closed-form rule of a trained automaton, with its texture loss beside the automaton's own.

    terms: at most so many a channel, on average over channels. max_loss: take the shortest rule of at most that
    texture loss. budget_s: for fitting and refining. resume: go on with an unfinished distillation in `out`.
    out: a folder for rule.json, report.json, report.html, figure.png and the halls of fame. Raises
    InputError for arguments that do not fit. A legacy checkpoint has no picture: nothing is refined, and there are no
    texture losses and no figure.
    """
    pictured = checkpoint.picture is not None
    result = distill(
        NCATeacher(checkpoint),
        engine=engine,
        seed=seed,
        max_terms=terms,
        objective=make_objective(checkpoint) if pictured else None,
        refine=refine,
        max_loss=max_loss,
        budget_s=budget_s,
        size=(checkpoint.config.size, checkpoint.config.size),
        progress=progress,
        folder=out,
        resume=resume,
    )
    result.report["provenance"] |= provenance(trained=checkpoint.provenance)
    pictures = _compare(checkpoint, result) if pictured else None
    if out is not None:
        result.save(out)
        if pictures is not None:
            draw_distillation(out / "figure.png", checkpoint.target, *pictures, result)
        report_checkpoint(out / "report.html", result, checkpoint)
    return result


def _compare(checkpoint: Checkpoint, result: Distillation) -> tuple[np.ndarray, np.ndarray]:
    """Add the texture losses to the report; a picture (h, w, 3) of the automaton and one of the rule."""
    started = time.perf_counter()
    loss, target = make_loss(checkpoint), checkpoint.target
    teacher, rule = nca_pictures(checkpoint), rule_pictures(result.rule, target.shape[:2])
    result.report["texture_loss"] = {
        "flat": flat_loss(loss, target),
        "teacher": _finite(texture_loss(loss, teacher)),
        "rule": _finite(texture_loss(loss, rule)),
    }
    result.report["time_s"]["evaluate"] = round(time.perf_counter() - started, 3)
    return teacher[0], rule[0]


def _finite(loss: float) -> float | None:
    """JSON has no infinity: null stands for pictures that ran away."""
    return loss if math.isfinite(loss) else None


def distill_frames(
    path: Path,
    *,
    engine: str = "auto",
    seed: int = 0,
    terms: int = 24,
    budget_s: float = 180.0,
    refine: bool = True,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Distillation:
    """The rule behind a recording `frames.npz` (frames, dt, dx, channels); no texture, so nothing to refine for."""
    recording = load_frames(path)
    teacher = RecordingTeacher(recording.frames, recording.dt, recording.channels, nca_stencils(4))
    result = distill(
        teacher,
        engine=engine,
        seed=seed,
        max_terms=terms,
        budget_s=budget_s,
        refine=refine,
        progress=progress,
        folder=out,
        resume=resume,
    )
    if out is not None:
        result.save(out)
        report_recording(out / "report.html", result, teacher, path.stem)
    return result
