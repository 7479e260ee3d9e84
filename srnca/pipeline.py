"""From a checkpoint, or a recording, to a result folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from distill import distill
from distill.recording import RecordingTeacher
from distill.result import Distillation
from equations.stencils import nca_stencils
from srnca.checkpoint import Checkpoint
from srnca.evaluate import flat_loss, make_loss, make_objective, nca_pictures, rule_pictures, texture_loss
from srnca.figures import draw_distillation
from srnca.provenance import provenance
from srnca.recordings import load_frames
from srnca.teacher import NCATeacher

Progress = Callable[[str, float, str], None]


def distill_checkpoint(
    checkpoint: Checkpoint,
    *,
    engine: str = "auto",
    seed: int = 0,
    terms: int = 24,
    budget_s: float = 300.0,
    refine: bool = True,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Distillation:
    """The closed-form rule of a trained automaton, with its texture loss beside the automaton's own.

    terms: at most so many a channel, on average over channels. budget_s: for fitting and refining.
    out: a folder for rule.json, report.json, figure.png and the halls of fame. Raises
    InputError for arguments that do not fit.
    """
    result = distill(
        NCATeacher(checkpoint),
        engine=engine,
        seed=seed,
        max_terms=terms,
        objective=make_objective(checkpoint, seed=seed),
        refine=refine,
        budget_s=budget_s,
        size=checkpoint.target.shape[:2],
        progress=progress,
    )
    started = time.perf_counter()
    loss, target = make_loss(checkpoint), checkpoint.target
    teacher, rule = nca_pictures(checkpoint), rule_pictures(result.rule, target.shape[:2])
    result.report["texture_loss"] = {
        "flat": flat_loss(loss, target),
        "teacher": _finite(texture_loss(loss, teacher)),
        "rule": _finite(texture_loss(loss, rule)),
    }
    result.report["provenance"] |= provenance(trained=checkpoint.provenance)
    result.report["time_s"]["evaluate"] = round(time.perf_counter() - started, 3)
    if out is not None:
        result.save(out)
        draw_distillation(out / "figure.png", target, teacher[0], rule[0], result)
    return result


def _finite(loss: float) -> float | None:
    """JSON has no infinity: null stands for pictures that ran away."""
    return loss if math.isfinite(loss) else None


def distill_frames(
    path: Path,
    *,
    engine: str = "auto",
    seed: int = 0,
    terms: int = 24,
    budget_s: float = 300.0,
    refine: bool = True,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Distillation:
    """The rule behind a recording `frames.npz` (frames, dt, dx, channels); no texture, so nothing to refine for."""
    recording = load_frames(path)
    teacher = RecordingTeacher(recording.frames, recording.dt, recording.channels, nca_stencils(4))
    result = distill(
        teacher, engine=engine, seed=seed, max_terms=terms, budget_s=budget_s, refine=refine, progress=progress
    )
    if out is not None:
        result.save(out)
    return result
