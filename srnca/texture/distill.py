"""From a checkpoint to a result folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from distill import distill
from distill.refine import Settings
from distill.result import Distillation
from distill.work import SearchOptions
from equations.backends.torch.threads import one_thread
from equations.errors import InputError
from srnca.pages import report_checkpoint
from srnca.pages.live.beside import photo_url
from srnca.pages.live.result import write_result_page
from srnca.pages.rule_figure import draw_distillation
from srnca.pages.settings import PageSettings
from srnca.provenance import add_provenance
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import (
    STEPS,
    make_judge,
    make_loss,
    make_objective,
    nca_pictures,
    rule_pictures,
    score_pictures,
    shortfall,
)
from srnca.texture.judge import Judge
from srnca.texture.loss import TextureLoss
from srnca.texture.species import Species, add_meaning, find_law
from srnca.texture.teacher import NCATeacher

TERMS = 24


@one_thread()
def distill_checkpoint(
    checkpoint: Checkpoint,
    *,
    species: Species | None = None,
    terms: int | None = None,
    refine: bool = True,
    states: float | None = None,
    max_loss: float | None = None,
    refinement: Settings | None = None,
    out: Path | None = None,
    teacher: NCATeacher | None = None,
    loss: TextureLoss | None = None,
    judge: Judge | None = None,
    picture_steps: int = STEPS,
    page: PageSettings | None = None,
    **search: Unpack[SearchOptions],
) -> Distillation:
    """The closed-form rule of a trained automaton, with its texture loss and judge beside the automaton's own.

    species: find a law of so many species for the picture ("auto": 2, 3 and 4 compete), and compare the automaton with
        its pictures only; see `srnca.texture.species`.
    terms: the most terms of a channel, on average over channels; 24 unless given. With species, of numbers in all, the
        constants of the colours included.
    states: weight in refinement of the automaton's own states beside its texture; 0 or None leaves them out.
    max_loss: take the shortest rule of at most this texture loss.
    refinement: how refinement works; the defaults of Settings unless given.
    out: a folder for rule.json, report.json, report.html, page.html, figure.png and the halls of fame.
    teacher, loss, judge: the checkpoint's, where they are built already (`srnca.automata.load`).
    picture_steps: age of the pictures whose texture losses and judge are reported, in steps.
    page: how report.html is made; the defaults of PageSettings unless given.
    search: engine, seed, effort, budget_s, progress and resume; see `distill`. `resume` goes on in `out`.

    A legacy checkpoint has no picture: nothing is refined, and there are no texture losses, no judge and no figure.
    Raises InputError for arguments that do not fit.
    """
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    if loss is None and checkpoint.picture is not None:
        loss = make_loss(checkpoint)
    if species is not None:
        result = _law(
            checkpoint, loss, species, terms=terms, refine=refine, states=states, max_loss=max_loss,
            refinement=refinement, out=out, search=search,
        )  # fmt: skip
    else:
        result = distill(
            teacher,
            max_terms=TERMS if terms is None else terms,
            objective=None if loss is None else make_objective(checkpoint, loss),
            refine=refine,
            states=states or 0.0,
            max_loss=max_loss,
            settings=refinement,
            size=(checkpoint.config.size, checkpoint.config.size),
            folder=out,
            **search,
        )
    add_provenance(result.report, trained=checkpoint.provenance)
    pictures = None
    if loss is not None:
        judge = make_judge(checkpoint) if judge is None else judge
        pictures = _compare(checkpoint, result, teacher, loss, judge, picture_steps)
        if species is not None:
            add_meaning(result, checkpoint.target, loss, out=out)
    if out is not None:
        if pictures is not None:
            draw_distillation(out / "figure.png", checkpoint.target, *pictures, result)
        report_checkpoint(out / "report.html", result, checkpoint, page, teacher=teacher, loss=loss)
        photo = None if checkpoint.picture is None else photo_url(checkpoint.picture)
        name = str(checkpoint.provenance.get("target", "an automaton"))
        write_result_page(out, result, name, network=teacher, photo=photo)
        result.save(out)  # last, with the rule: this removes the file from which a killed distillation resumes
    return result


def _law(
    checkpoint: Checkpoint,
    loss: TextureLoss | None,
    species: Species,
    *,
    terms: int | None,
    refine: bool,
    states: float | None,
    max_loss: float | None,
    refinement: Settings | None,
    out: Path | None,
    search: SearchOptions,
) -> Distillation:
    """A law of few species for the checkpoint's picture. Raises InputError for options that do not fit one."""
    if loss is None:
        raise InputError("species: expected a checkpoint with a picture, this legacy file holds none; train it anew")
    for name, given in (("engine", search.get("engine", "auto") != "auto"), ("refine", not refine), ("states", states)):
        if given:
            raise InputError(f"{name}: expected its default with species, which are found by their pictures alone")
    options: dict[str, Any] = {name: value for name, value in search.items() if name != "engine"}
    return find_law(
        checkpoint.target, loss, species, terms=terms, max_loss=max_loss, refinement=refinement, out=out, **options
    )


def _compare(
    checkpoint: Checkpoint, result: Distillation, teacher: NCATeacher, loss: TextureLoss, judge: Judge, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Add the texture losses and the judge after `steps` steps, and a warning where they are poor, to the report.

    Returns a picture (h, w, 3) of the automaton and one of the rule.
    """
    started = time.perf_counter()
    target = checkpoint.target
    theirs = nca_pictures(checkpoint, steps=steps, teacher=teacher)
    ours = rule_pictures(result.rule, target.shape[:2], steps=steps)
    scores = score_pictures(loss, judge, target, teacher=theirs, rule=ours)
    refined = bool(result.report["refine"])
    result.report.update(scores, shortfall=shortfall(scores["texture_loss"], refined, scores["judge"]))
    result.report["time_s"]["evaluate"] = round(time.perf_counter() - started, 3)
    return theirs[0], ours[0]
