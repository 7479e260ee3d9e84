"""`identify`: from recordings to a rule, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from distill.deadline import Deadline
from distill.engines import Progress, silent
from distill.fronts.compete import line_up
from distill.identify.channel_law import Law
from distill.identify.freeform import Found, search, without_slopes
from distill.identify.noise import estimate_noise
from distill.identify.outcome import result_of
from distill.identify.recording import Recordings, check_correlation, check_units
from distill.identify.serialise import pack_laws, unpack_laws
from distill.identify.stencil import CHOICES, stencils_of
from distill.identify.survey import DERIVATIVES, Survey
from distill.identify.task import Task, absolute_states, feature_set, fit_laws, known_candidates, run_survey, teacher_of
from distill.identify.teacher import RecordingTeacher
from distill.identify.units import units_of
from distill.result import Distillation
from distill.run import Run
from distill.unfinished import UNFINISHED, Unfinished, fingerprint, pack_happenings, unpack_happenings
from distill.weak.boundary import BOUNDARIES
from distill.work import check_positive, search_evaluations
from equations.errors import check_choice
from equations.rule.checks import check_channels
from equations.rule.mask import check_seed
from equations.rule.rule import Display
from equations.threads import one_blas_thread

Array = npt.NDArray[np.float64]

ROWS = 12_000  # places that the law is fitted to
STEPS = 400  # length of the run that checks whether the rule stays in range


@dataclass(frozen=True)
class Identification:
    """What `identify` found.

    result: the rule, its fronts and its report.
    teacher: the recording, smoothed where it is noisy.
    survey: noise, scheme in time and stencil.
    """

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
    boundary: str = "auto",
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

    dx: width of a cell.
    derivative: step, multistep, weak, savgol, or auto: weak where there is noise, else what fits held-out places best.
    stencil: a Laplacian's name, free, or auto.
    boundary: periodic, walls (cells along the edges are left out), or auto: as the edges of the frames look.
    engine: sparse (the library), operon or pysr (their terms with constants, states, single slopes and Laplacians), or
        auto: the library, and where that leaves something unexplained the others too.
    max_terms: most terms of a channel.
    effort: factor on the work of free-form search.
    budget_s: seconds after which no further free-form search begins; the report says what was left out.
    rows: number of places (cells times frames) that the law is fitted to.
    folder, resume: intermediate results are kept in `folder` until the result is saved; `resume` continues from them.

    Raises InputError for bad arguments and for recordings that no law can be read from.
    """
    check_positive("identify", max_terms=max_terms, rows=rows, effort=effort, budget_s=budget_s)
    check_choice("derivative", derivative, DERIVATIVES)
    check_choice("stencil", stencil, CHOICES)
    check_choice("boundary", boundary, BOUNDARIES)
    data = Recordings(tuple(np.asarray(f) for f in recordings), check_channels(tuple(channels)), float(dt), dx)
    data.check_change()
    data.check_values()
    check_units(dt, dx)
    units = units_of(recordings, channels, float(dx))
    task = Task(data, units, derivative, stencil, display, rows, boundary)
    exact = recordings if any(units.offset) else data.frames  # small changes of a large value need all of its digits
    frames = [units.inside(f) for f in exact]
    check_correlation(frames, len(channels))
    plain = RecordingTeacher(data.frames, dt, channels, stencils_of("lap5", dx), display=display)
    engines = line_up(engine, plain)
    settings = {"engines": engines, "derivative": derivative, "stencil": stencil, "terms": max_terms, "dx": dx}
    settings |= {} if boundary == "auto" else {"boundary": boundary}
    settings |= {"cells": [list(f.shape) for f in data.frames]}
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
    run.teacher = teacher = teacher_of(task, chosen, frames)
    with run.stage("report"):
        result = result_of(run, task, chosen, laws, engines, teacher.samples(rows=task.rows, seed=run.seed))
    return Identification(result, teacher, chosen)


def _find(
    run: Run, task: Task, frames: list[Array], engines: tuple[str, ...], evaluations: int, unfinished: Unfinished
) -> tuple[Survey, dict[str, Law]]:
    """The library's laws; where these leave a misfit, or are not wanted, laws with terms from free-form search."""
    with run.stage("survey"):
        noise = estimate_noise(frames)
        chosen = run_survey(run, task, frames, noise, () if noise.some else absolute_states(task, frames))
    with run.stage("fit"):
        laws = fit_laws(run, task, chosen, {}, alone=False)
        chosen, laws = _or_steps(run, task, chosen, laws)
    free = tuple(name for name in engines if name != "sparse")
    unsettled = [c for c, law in laws.items() if "sparse" not in engines or not law.settled]
    if free and unsettled and run.deadline.passed:
        run.deadline.leave_out(f"free-form search for {', '.join(unsettled)}")
    elif free and unsettled:
        with run.stage("search"):
            run.teacher = teacher = teacher_of(task, chosen, frames, inside=True)
            known = known_candidates(task, chosen, {c: laws[c] for c in unsettled})
            whole = teacher.samples(rows=task.rows, seed=run.seed)
            samples = without_slopes(whole, task.data.channels, [candidate.expr for candidate in known.values()])
            found: Found = search(run, free, samples, known, evaluations, unfinished)
        with run.stage("fit"):
            chosen, found = _again(run, task, frames, chosen, found)
            laws = fit_laws(run, task, chosen, found, alone="sparse" not in engines)
    return chosen, laws


def _or_steps(run: Run, task: Task, chosen: Survey, laws: dict[str, Law]) -> tuple[Survey, dict[str, Law]]:
    """The laws with each frame as a step of a rule, where these have a smaller misfit; else the same as before.

    A survey whose library lacks the true terms may choose a wrong scheme.
    """
    settled = all(law.settled for law in laws.values())
    if settled or task.derivative not in ("auto", "weak") or chosen.windows.scheme.order == 1:
        return chosen, laws
    windows = replace(chosen.windows, scheme=replace(chosen.windows.scheme, order=1))
    derivative = "step" if chosen.derivative == "multistep" else chosen.derivative
    other = replace(chosen, windows=windows, derivative=derivative)
    again = fit_laws(run, task, other, {}, alone=False)
    if sum(law.misfit for law in again.values()) < sum(law.misfit for law in laws.values()):
        return other, again
    return chosen, laws


def _again(run: Run, task: Task, frames: list[Array], before: Survey, found: Found) -> tuple[Survey, Found]:
    """The survey repeated with the terms found, and those of them whose features still exist.

    A survey whose library lacks the true terms may choose a wrong scheme or stencil.
    """
    states = set(task.data.channels)
    of_states = [e for terms in found.values() for e in terms if {str(s) for s in e.free_symbols} <= states]
    after = run_survey(run, task, frames, before.noise, list(dict.fromkeys(of_states))[:8])
    names = feature_set(task, after)
    return after, {
        c: {e: engine for e, engine in terms.items() if {str(s) for s in e.free_symbols} <= names}
        for c, terms in found.items()
    }
