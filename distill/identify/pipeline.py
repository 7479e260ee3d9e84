"""`identify`: from recordings straight to a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from distill.deadline import Deadline
from distill.engines import Progress, silent
from distill.fronts.compete import line_up
from distill.identify.channel_law import Law
from distill.identify.freeform import Found, search, without_slopes
from distill.identify.outcome import result_of
from distill.identify.requirements import check_dt, check_dx, check_pace, check_values
from distill.identify.serialise import pack_laws, unpack_laws
from distill.identify.stencil import check_choice, stencils_of
from distill.identify.survey import DERIVATIVES, Survey, listen
from distill.identify.task import Task, inside, kinks, laws_of, look, names_of, teacher_of
from distill.identify.teacher import RecordingTeacher, check_recordings
from distill.identify.units import units_of
from distill.result import Distillation
from distill.run import Run
from distill.sampling import sample
from distill.unfinished import UNFINISHED, Unfinished, fingerprint, pack_happenings, unpack_happenings
from distill.work import check_work, search_evaluations
from equations.errors import InputError, did_you_mean
from equations.rule.checks import check_channels
from equations.rule.mask import check_seed
from equations.rule.rule import Candidate, Display
from equations.threads import one_blas_thread

Array = npt.NDArray[np.float64]

ROWS = 12_000
STEPS = 400  # of the run that says whether the rule stays in range


@dataclass(frozen=True)
class Identification:
    """result: the rule and all about it. teacher: the recording as it was searched, smoothed where it is noisy."""

    result: Distillation
    teacher: RecordingTeacher
    survey: Survey


@one_blas_thread()
def identify(
    recordings: Sequence[npt.NDArray[np.floating]],
    dt: float,
    channels: Sequence[str],
    *,
    dx: float = 1.0,
    derivative: str = "auto",
    stencil: str = "auto",
    engine: str = "auto",
    max_terms: int = 24,
    effort: float = 1.0,
    budget_s: float | None = None,
    rows: int = ROWS,
    seed: int = 0,
    display: Display | None = None,
    progress: Progress | None = None,
    folder: Path | None = None,
    resume: bool = False,
) -> Identification:
    """The local rule behind one or more recordings (t, channel, h, w) of one system, frames `dt` apart.

    derivative: step, multistep, weak, savgol, or auto: weak where there is noise, else what fits held-out places best.
    stencil: a Laplacian's name, free, or auto. engine: sparse (the library), operon or pysr (their terms, with
    constants, states and single slopes and Laplacians), or auto: the library, and where that leaves something
    unexplained the others too. dx: width of a cell. max_terms: per channel. effort: times the work of free-form search.
    budget_s: seconds after which no further free-form search begins; the report's `left_out` tells. rows:
    places that are fitted. folder, resume: what search found is kept there until the result is saved.

    Raises InputError for bad arguments and for recordings that no law can be read from.
    """
    for name, value in (("max_terms", max_terms), ("rows", rows)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"identify: expected {name} above 0, got {value}")
    check_work(effort, budget_s)
    if derivative not in DERIVATIVES:
        wanted = ", ".join(DERIVATIVES)
        raise InputError(
            f"derivative: expected one of {wanted}, got {derivative!r}{did_you_mean(derivative, DERIVATIVES)}"
        )
    check_channels(tuple(channels))
    checked = check_recordings([np.asarray(frames) for frames in recordings], len(channels))
    check_values(checked, channels)
    units = units_of(recordings, channels, check_dx(dx))
    task = Task(checked, units, check_dt(dt), dx, tuple(channels), derivative, check_choice(stencil), display, rows)
    exact = recordings if any(units.offset) else checked  # small changes on a large value need all of its digits
    frames = [units.inside(f) for f in exact]
    check_pace(frames, channels)
    plain = RecordingTeacher(list(task.recordings), dt, channels, stencils_of("lap5", dx), display=display)
    engines = line_up(engine, plain)
    settings = {"engines": engines, "derivative": derivative, "stencil": stencil, "terms": max_terms, "dx": dx}
    settings |= {"cells": [list(f.shape) for f in task.recordings]}
    key = {**settings, "seed": seed, "rows": rows, "effort": effort, "teacher": fingerprint(plain)}
    unfinished = Unfinished(None if folder is None else folder / UNFINISHED, key, resume=resume)
    size = (frames[0].shape[2], frames[0].shape[3])
    run = Run(plain, check_seed(seed), size, STEPS, max_terms, progress or silent, deadline=Deadline(budget_s))
    return _identify(run, task, frames, engines, search_evaluations(effort, len(channels), alone=True), unfinished)


def _identify(
    run: Run, task: Task, frames: list[Array], engines: tuple[str, ...], evaluations: int, unfinished: Unfinished
) -> Identification:
    kept = unfinished.get("laws")
    if kept is None:
        chosen, laws = _find(run, task, frames, engines, evaluations, unfinished)
        unfinished.put("laws", pack_laws(chosen, laws) | pack_happenings(run.happenings, run.deadline))
    else:
        chosen, laws = unpack_laws(kept, frames)
        run.happenings = unpack_happenings(kept, run.deadline)
    run.teacher = teacher_of(task, chosen, frames)
    with run.stage("report"):
        result = result_of(run, task, chosen, laws, engines)
    return Identification(result, run.teacher, chosen)


def _find(
    run: Run, task: Task, frames: list[Array], engines: tuple[str, ...], evaluations: int, unfinished: Unfinished
) -> tuple[Survey, dict[str, Law]]:
    """The library's laws, and where these leave something open, or are not wanted, those with terms from free-form
    search.
    """
    with run.stage("survey"):
        noise = listen(frames)
        chosen = look(run, task, frames, noise, () if noise.some else kinks(task, frames))
    with run.stage("fit"):
        laws = laws_of(run, task, chosen, {}, alone=False)
        chosen, laws = _or_steps(run, task, chosen, laws)
    free = tuple(name for name in engines if name != "sparse")
    unsettled = [c for c, law in laws.items() if "sparse" not in engines or not law.settled]
    if free and unsettled and run.deadline.passed:
        run.deadline.leave_out(f"free-form search for {', '.join(unsettled)}")
    elif free and unsettled:
        with run.stage("search"):
            run.teacher = teacher_of(task, chosen, frames, inside=True)
            known = inside(task, chosen, {c: laws[c] for c in unsettled})
            found: Found = _search(run, task, free, known, evaluations, unfinished)
        with run.stage("fit"):
            chosen, found = _again(run, task, frames, chosen, found)
            laws = laws_of(run, task, chosen, found, alone="sparse" not in engines)
    return chosen, laws


def _or_steps(run: Run, task: Task, chosen: Survey, laws: dict[str, Law]) -> tuple[Survey, dict[str, Law]]:
    """The same, or every frame as a step of a rule where that leaves less: a survey with a wrong library may err."""
    settled = all(law.settled for law in laws.values())
    if settled or task.derivative not in ("auto", "weak") or chosen.windows.scheme.order == 1:
        return chosen, laws
    windows = replace(chosen.windows, scheme=replace(chosen.windows.scheme, order=1))
    derivative = "step" if chosen.derivative == "multistep" else chosen.derivative
    other = replace(chosen, windows=windows, derivative=derivative)
    again = laws_of(run, task, other, {}, alone=False)
    if sum(law.misfit for law in again.values()) < sum(law.misfit for law in laws.values()):
        return other, again
    return chosen, laws


def _again(run: Run, task: Task, frames: list[Array], before: Survey, found: Found) -> tuple[Survey, Found]:
    """The survey once more with the new terms, which may show what a wrong library hid; and the terms that still
    exist.
    """
    states = set(task.channels)
    of_states = [e for terms in found.values() for e in terms if {str(s) for s in e.free_symbols} <= states]
    after = look(run, task, frames, before.noise, list(dict.fromkeys(of_states))[:8])
    names = names_of(task, after)
    return after, {
        c: {e: engine for e, engine in terms.items() if {str(s) for s in e.free_symbols} <= names}
        for c, terms in found.items()
    }


def _search(
    run: Run,
    task: Task,
    engines: tuple[str, ...],
    known: Mapping[str, Candidate],
    evaluations: int,
    unfinished: Unfinished,
) -> Found:
    whole = sample(run.teacher, rows=task.rows, seed=run.seed)
    samples = without_slopes(whole, task.channels, [candidate.expr for candidate in known.values()])
    return search(run, engines, samples, known, evaluations, unfinished)
