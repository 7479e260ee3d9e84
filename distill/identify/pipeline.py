"""`identify`: from recordings straight to a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.compete import line_up
from distill.engines import Progress, silent
from distill.identify.checks import check_dt, check_pace, check_rows
from distill.identify.choose import make_blocks
from distill.identify.freeform import pack, search, unpack, without_slopes
from distill.identify.keep import pack_laws, unpack_laws
from distill.identify.law import Law, find_law
from distill.identify.pace import steps_between
from distill.identify.smooth import smooth
from distill.identify.stencil import check_choice, stencils_of
from distill.identify.survey import DERIVATIVES, Noise, Survey, listen, survey
from distill.identify.system import System
from distill.identify.terms import candidate_terms, plain_terms
from distill.recording import RecordingTeacher, check_recordings
from distill.report import make_report
from distill.result import Distillation
from distill.run import Run
from distill.teacher import compose
from distill.unfinished import UNFINISHED, Unfinished, fingerprint
from equations import build
from equations.errors import InputError, did_you_mean
from equations.mask import check_seed
from equations.rule import Candidate, Display, Rule
from equations.symbols import symbol

Array = npt.NDArray[np.float64]

ROWS = 12_000
MATERIAL = 1e-3  # of du/dt: what a law in continuous time need not say, since its quadrature does not say it either
STEPS = 400  # of the run that says whether the rule stays in range


@dataclass(frozen=True)
class Identification:
    """result: the rule and all about it. teacher: the recording as it was searched, smoothed where it is noisy."""

    result: Distillation
    teacher: RecordingTeacher
    survey: Survey


@dataclass(frozen=True)
class Task:
    """What is asked for: see `identify`."""

    recordings: tuple[npt.NDArray[np.float32], ...]
    dt: float
    dx: float
    channels: tuple[str, ...]
    derivative: str
    stencil: str
    display: Display | None
    rows: int


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
    budget_s: float = 180.0,
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
    unexplained the others too. dx: width of a cell. max_terms: per channel. budget_s: for free-form search. rows:
    places that are fitted. folder, resume: what search found is kept there until the result is saved.

    Raises InputError for bad arguments and for recordings that no law can be read from.
    """
    for name, value in (("max_terms", max_terms), ("rows", rows), ("budget_s", budget_s), ("dx", dx)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"identify: expected {name} above 0, got {value}")
    if derivative not in DERIVATIVES:
        wanted = ", ".join(DERIVATIVES)
        raise InputError(
            f"derivative: expected one of {wanted}, got {derivative!r}{did_you_mean(derivative, DERIVATIVES)}"
        )
    checked = check_recordings([np.asarray(frames) for frames in recordings], len(channels))
    task = Task(checked, check_dt(dt), dx, tuple(channels), derivative, check_choice(stencil), display, rows)
    frames = [f.astype(np.float64) for f in task.recordings]
    check_pace(frames, channels)
    plain = RecordingTeacher(list(task.recordings), dt, channels, stencils_of("lap5", dx), display=display)
    engines = line_up(engine, plain)
    settings = {"engines": engines, "derivative": derivative, "stencil": stencil, "terms": max_terms, "dx": dx}
    settings |= {"cells": [list(f.shape) for f in task.recordings]}
    key = {**settings, "seed": seed, "rows": rows, "budget": budget_s, "teacher": fingerprint(plain)}
    unfinished = Unfinished(None if folder is None else folder / UNFINISHED, key, resume=resume)
    size = (frames[0].shape[2], frames[0].shape[3])
    run = Run(plain, check_seed(seed), size, STEPS, max_terms, progress or silent)
    return _identify(run, task, frames, engines, budget_s, unfinished)


def _identify(
    run: Run, task: Task, frames: list[Array], engines: tuple[str, ...], budget_s: float, unfinished: Unfinished
) -> Identification:
    kept = unfinished.get("laws")
    if kept is None:
        chosen, laws = _find(run, task, frames, engines, budget_s, unfinished)
        unfinished.put("laws", pack_laws(chosen, laws))
    else:
        chosen, laws = unpack_laws(kept, frames)
    run.teacher = _teacher(task, chosen, frames)
    with run.stage("report"):
        result = _result(run, task, chosen, laws, engines)
    return Identification(result, run.teacher, chosen)


def _find(
    run: Run, task: Task, frames: list[Array], engines: tuple[str, ...], budget_s: float, unfinished: Unfinished
) -> tuple[Survey, dict[str, Law]]:
    """The library's laws, and where these leave something open, or are not wanted, those with terms from free-form
    search.
    """
    with run.stage("survey"):
        noise = listen(frames)
        chosen = _survey(run, task, frames, noise, () if noise.some else _kinks(task, frames))
    with run.stage("fit"):
        laws = _laws(run, task, chosen, {}, alone=False)
        chosen, laws = _or_steps(run, task, chosen, laws)
    free = tuple(name for name in engines if name != "sparse")
    unsettled = [c for c, law in laws.items() if "sparse" not in engines or not law.settled]
    if free and unsettled:
        with run.stage("search"):
            run.teacher = _teacher(task, chosen, frames)
            found = _search(run, task, free, {c: laws[c].candidate for c in unsettled}, budget_s, unfinished)
        with run.stage("fit"):
            chosen, found = _again(run, task, frames, chosen, found)
            laws = _laws(run, task, chosen, found, alone="sparse" not in engines)
    return chosen, laws


def _kinks(task: Task, frames: list[Array]) -> list[Expr]:
    """|s| of the states that change their sign: a survey without them could be misled by what they do."""
    signed = [
        min(float(f[:, c].min()) for f in frames) < 0 < max(float(f[:, c].max()) for f in frames)
        for c in range(len(task.channels))
    ]
    return [build.absolute(symbol(name)) for name, yes in zip(task.channels, signed, strict=True) if yes]


def _or_steps(run: Run, task: Task, chosen: Survey, laws: dict[str, Law]) -> tuple[Survey, dict[str, Law]]:
    """The same, or every frame as a step of a rule where that leaves less: a survey with a wrong library may err."""
    settled = all(law.settled for law in laws.values())
    if settled or task.derivative not in ("auto", "weak") or chosen.windows.scheme.order == 1:
        return chosen, laws
    windows = replace(chosen.windows, scheme=replace(chosen.windows.scheme, order=1))
    derivative = "step" if chosen.derivative == "multistep" else chosen.derivative
    other = replace(chosen, windows=windows, derivative=derivative)
    again = _laws(run, task, other, {}, alone=False)
    if sum(law.misfit for law in again.values()) < sum(law.misfit for law in laws.values()):
        return other, again
    return chosen, laws


def _survey(run: Run, task: Task, frames: list[Array], noise: Noise, further: Sequence[Expr] = ()) -> Survey:
    return survey(
        frames,
        task.dt,
        task.channels,
        noise,
        derivative=task.derivative,
        stencil=task.stencil,
        dx=task.dx,
        further=further,
        seed=run.seed,
    )


def _again(
    run: Run, task: Task, frames: list[Array], before: Survey, found: dict[str, tuple[Expr, ...]]
) -> tuple[Survey, dict[str, tuple[Expr, ...]]]:
    """The survey once more with the new terms, which may show what a wrong library hid; and the terms that still
    exist.
    """
    states = set(task.channels)
    of_states = [e for terms in found.values() for e in terms if {str(s) for s in e.free_symbols} <= states]
    after = _survey(run, task, frames, before.noise, list(dict.fromkeys(of_states))[:8])
    names = _system_names(task, after)
    return after, {
        c: tuple(e for e in terms if {str(s) for s in e.free_symbols} <= names) for c, terms in found.items()
    }


def _system_names(task: Task, chosen: Survey) -> set[str]:
    from equations.stencils import feature_names

    return set(feature_names(task.channels, stencils_of(chosen.stencil, task.dx)))


def _search(
    run: Run,
    task: Task,
    engines: tuple[str, ...],
    known: Mapping[str, Candidate],
    budget_s: float,
    unfinished: Unfinished,
) -> dict[str, tuple[Expr, ...]]:
    kept = unfinished.get("search")
    if kept is not None:
        return unpack(kept)
    whole = run.teacher.samples(rows=task.rows, seed=run.seed)  # type: ignore[attr-defined]
    samples = without_slopes(whole, task.channels, [candidate.expr for candidate in known.values()])
    found = search(run, engines, samples, known, budget_s)
    unfinished.put("search", pack(found))
    return found


def _teacher(task: Task, chosen: Survey, frames: list[Array]) -> RecordingTeacher:
    """The recording as pointwise searches and the report see it: smoothed where it is noisy."""
    quiet = frames
    if chosen.noise.some:
        quiet = (
            list(chosen.frames) if chosen.derivative == "savgol" else [smooth(f, chosen.noise.bands) for f in frames]
        )
    stencils = stencils_of(chosen.stencil, task.dx)
    centred = chosen.windows.scheme.order > 1
    return RecordingTeacher(quiet, task.dt, task.channels, stencils, display=task.display, centred=centred)


def _laws(
    run: Run, task: Task, chosen: Survey, found: Mapping[str, tuple[Expr, ...]], *, alone: bool
) -> dict[str, Law]:
    """Each channel's law over the library and the terms `found` for it (`alone`: over the linear terms and these)."""
    levels = chosen.noise.levels if chosen.derivative != "savgol" else np.zeros(len(task.channels))
    stencils = stencils_of(chosen.stencil, task.dx)
    system = System(
        chosen.frames, task.dt, task.channels, stencils, chosen.windows, levels, rows=task.rows, seed=run.seed
    )
    signed = [] if system.noisy else system.signed
    library = candidate_terms(task.channels, system.names, signed=signed)
    if alone:
        library = library.take([k for k, term in enumerate(library.terms) if len(term) <= 1])
    check_rows(len(system.Y), len(library.terms))
    own = [library.expr(k) for k in range(len(library.terms))]
    extra = [e for e in dict.fromkeys(e for terms in found.values() for e in terms) if e not in set(own)]

    def columns(of: System) -> Array:
        values = of.columns(library)
        return np.concatenate([values, of.values(extra)], axis=1) if extra else values

    blocks = make_blocks(system, columns, run.seed)
    order = [len(term) for term in library.terms] + [4] * len(extra)
    origin = ["sparse"] * len(own) + ["operon"] * len(extra)
    plain = plain_terms(library, task.channels)
    ulp = max(float(np.abs(f).max()) for f in task.recordings) * 2.0**-23 / task.dt
    material = MATERIAL**2 if chosen.windows.scheme.order > 1 else 0.0
    laws = {}
    for index, channel in enumerate(task.channels):
        run.progress("fit", index / len(task.channels), f"{channel}: {len(order)} terms")
        laws[channel] = find_law(
            blocks,
            index,
            [*own, *extra],
            origin,
            order,
            [*plain, *range(len(own), len(order))] if alone else plain,
            spread=float(system.Y[:, index].var() * len(system.Y)),
            most=run.max_terms,
            seed=run.seed,
            floor=max(ulp**2, float(np.square(system.Y[:, index]).mean()) * material),
        )
    return laws


def _result(run: Run, task: Task, chosen: Survey, laws: Mapping[str, Law], engines: tuple[str, ...]) -> Distillation:
    candidates = {channel: law.candidate for channel, law in laws.items()}
    rule = compose(run.teacher, {channel: law.expr for channel, law in laws.items()})
    steps = 1
    if chosen.windows.scheme.order > 1:
        steps = steps_between(rule, task.recordings[0][0], task.dt)
        rule = rule.replace(dt=task.dt / steps)
    samples = run.teacher.samples(rows=task.rows, seed=run.seed)  # type: ignore[attr-defined]
    name = engines[0] if len(engines) == 1 else "auto"
    report = make_report(run, name, rule, candidates, samples, None)
    report["r2"] = {channel: law.r2 for channel, law in laws.items()}
    report["regression"]["r2"] = dict(report["r2"])
    report |= describe(task, chosen, laws, rule, steps)
    fronts = {channel: law.front for channel, law in laws.items()}
    return Distillation(_signed(rule, fronts, report, task), fronts, report)


def _signed(rule: Rule, fronts: Mapping[str, tuple[Candidate, ...]], report: Mapping[str, Any], task: Task) -> Rule:
    metrics = {name: report[name] for name in ("r2", "terms", "stability")}
    told = {name: report[name] for name in ("derivative", "stencil", "steps_per_frame")}
    provenance = {**rule.provenance, **report["provenance"], **told, "dx": task.dx}
    return rule.replace(fronts=fronts, metrics=metrics, provenance=provenance)


def describe(task: Task, chosen: Survey, laws: Mapping[str, Law], rule: Rule, steps: int) -> dict[str, Any]:
    """What a report says of a recording beyond what it says of every teacher; plain data."""
    return {
        "recordings": [{"frames": len(f), "size": list(f.shape[2:])} for f in task.recordings],
        "dt": task.dt,
        "dx": task.dx,
        "steps_per_frame": steps,
        "derivative": chosen.derivative,
        "windows": chosen.windows.describe(),
        "stencil": chosen.stencil,
        "tried": {name: float(f"{value:.4g}") for name, value in chosen.tried.items()},
        "noise": {
            channel: {"deviation": float(level), "share": float(share)}
            for channel, level, share in zip(task.channels, chosen.noise.levels, chosen.noise.share, strict=True)
        },
        "constants": {
            channel: {term: {"value": value, "error": error} for term, (value, error) in law.constants.items()}
            for channel, law in laws.items()
        },
        "inclusion": {channel: law.inclusion for channel, law in laws.items()},
        "misfit": {channel: law.misfit for channel, law in laws.items()},
    }
