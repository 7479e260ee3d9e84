"""From a checkpoint, or a recording, to a result folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from distill import distill
from distill.identify import identify
from distill.result import Distillation
from equations.backends.torch.threads import one_thread
from equations.rule.rule import Display
from srnca.media.loading import load_recordings
from srnca.pages import report_checkpoint, report_recording
from srnca.pages.rule_figure import draw_distillation
from srnca.provenance import add_provenance
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import (
    flat_loss,
    make_loss,
    make_objective,
    nca_pictures,
    rule_pictures,
    shortfall,
    texture_loss,
)
from srnca.texture.teacher import NCATeacher

Progress = Callable[[str, float, str], None]


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
) -> Distillation:
    """The closed-form rule of a trained automaton, with its texture loss beside the automaton's own.

    terms: at most so many a channel, on average over channels. states: how much refinement heeds the automaton's own
    states beside its texture. max_loss: take the shortest rule of at most that texture loss. effort, budget_s: see
    `distill`. resume: go on with an unfinished distillation in `out`.
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
    pictures = _compare(checkpoint, result) if pictured else None
    if out is not None:
        if pictures is not None:
            draw_distillation(out / "figure.png", checkpoint.target, *pictures, result)
        report_checkpoint(out / "report.html", result, checkpoint)
        result.save(out)  # last, with the rule: it removes what a killed one goes on from
    return result


def _compare(checkpoint: Checkpoint, result: Distillation) -> tuple[np.ndarray, np.ndarray]:
    """Add the texture losses, and what is poor about them, to the report; a picture (h, w, 3) of the automaton and one
    of the rule.
    """
    started = time.perf_counter()
    loss, target = make_loss(checkpoint), checkpoint.target
    teacher, rule = nca_pictures(checkpoint), rule_pictures(result.rule, target.shape[:2])
    losses = {
        "flat": flat_loss(loss, target),
        "teacher": _finite(texture_loss(loss, teacher)),
        "rule": _finite(texture_loss(loss, rule)),
    }
    result.report["texture_loss"] = losses
    result.report["shortfall"] = shortfall(losses, refined=bool(result.report["refine"]))
    result.report["time_s"]["evaluate"] = round(time.perf_counter() - started, 3)
    return teacher[0], rule[0]


def _finite(loss: float) -> float | None:
    """JSON has no infinity: null stands for pictures that ran away."""
    return loss if math.isfinite(loss) else None


def distill_frames(
    source: Path | Sequence[Path],
    *,
    engine: str = "auto",
    seed: int = 0,
    terms: int = 24,
    effort: float = 1.0,
    budget_s: float | None = None,
    derivative: str = "auto",
    stencil: str = "auto",
    dt: float | None = None,
    dx: float | None = None,
    stride: int = 1,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Distillation:
    """The rule behind one recording, or several of one system: frames.npz, frames.zarr, folders of pictures, GIF,
    films.

    dt, dx: the time between two frames of the files and the width of a cell, in place of what these say. stride: use
    every stride-th frame. derivative, stencil: see `distill.identify`. note: hears what reading did to the frames.
    effort, budget_s: see `distill.identify`. There is no texture, so nothing to refine for. Raises InputError for
    recordings that no law can be read from, MissingPartError for a reader or an engine that is not installed.
    """
    paths = [source] if isinstance(source, Path) else list(source)
    recordings = load_recordings(paths, dt=dt, dx=dx, stride=stride)
    for text in dict.fromkeys(text for recording in recordings for text in recording.notes):
        if note is not None:
            note(text)
    first = recordings[0]
    found = identify(
        [recording.frames for recording in recordings],
        first.dt,
        first.channels,
        dx=1.0 if first.dx is None else first.dx,
        derivative=derivative,
        stencil=stencil,
        engine=engine,
        seed=seed,
        max_terms=terms,
        effort=effort,
        budget_s=budget_s,
        display=_display(first.channels),
        progress=progress,
        folder=out,
        resume=resume,
    )
    origin = {"recordings": [path.name for path in paths], "stride": stride}
    found.result.report["provenance"] |= origin
    rule = found.result.rule
    result = replace(found.result, rule=rule.replace(provenance={**rule.provenance, **origin}))
    if out is not None:
        report_recording(out / "report.html", result, found.teacher, paths[0].stem)
        result.save(out)
    return result


def _display(channels: tuple[str, ...]) -> Display | None:
    """Pictures are shown as they were."""
    if channels in (("r", "g", "b"), ("grey",)):
        return Display(channels)
    return None
