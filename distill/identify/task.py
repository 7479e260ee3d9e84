"""The parts of an identification: the survey, laws over a library, and the teacher for free-form search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.identify.blocks import make_blocks
from distill.identify.candidate_terms import candidate_terms, plain_terms
from distill.identify.channel_law import Law, find_law
from distill.identify.noise import Noise, smooth
from distill.identify.recording import Recordings, check_rows
from distill.identify.rows import changes_sign
from distill.identify.stencil import stencils_of
from distill.identify.survey import Survey, survey
from distill.identify.system import System
from distill.identify.teacher import RecordingTeacher
from distill.identify.units import Units
from distill.run import Run
from equations.expressions import build
from equations.rule.rule import Candidate, Display
from equations.rule.stencils import feature_names
from equations.rule.symbols import symbol

Array = npt.NDArray[np.float64]

MATERIAL = 1e-3  # of du/dt: in continuous time smaller errors are ignored; the quadrature makes as large ones


@dataclass(frozen=True)
class Task:
    """What is asked for.

    data: the recordings, in their own units.
    units: the inner units in which frames are worked on; laws are in the recordings' own.
    derivative, stencil, display, rows, boundary: see `identify`.
    """

    data: Recordings
    units: Units
    derivative: str
    stencil: str
    display: Display | None
    rows: int
    boundary: str = "auto"


def run_survey(run: Run, task: Task, frames: list[Array], noise: Noise, further: Sequence[Expr] = ()) -> Survey:
    """`survey` of frames in inner units; further: terms of the states beyond its small library."""
    return survey(
        frames,
        task.data.dt,
        task.data.channels,
        noise,
        derivative=task.derivative,
        stencil=task.stencil,
        dx=task.data.dx,
        boundary=task.boundary,
        further=further,
        seed=run.seed,
    )


def absolute_states(task: Task, frames: list[Array]) -> list[Expr]:
    """|s| of the states that take both signs: a survey without such terms may choose a wrong scheme or stencil."""
    low = np.min([f.min(axis=(0, 2, 3)) for f in frames], axis=0)
    high = np.max([f.max(axis=(0, 2, 3)) for f in frames], axis=0)
    signed = changes_sign(low, high)
    return [build.absolute(symbol(name)) for name, yes in zip(task.data.channels, signed, strict=True) if yes]


def feature_set(task: Task, chosen: Survey) -> set[str]:
    """Names of the features over the chosen stencil."""
    return set(feature_names(task.data.channels, stencils_of(chosen.stencil, task.data.dx)))


def teacher_of(task: Task, chosen: Survey, frames: list[Array], *, inside: bool = False) -> RecordingTeacher:
    """The recording as a teacher, smoothed where it is noisy: for the report, or for free-form search.

    inside: in inner units, as search needs it.
    """
    quiet = frames
    if chosen.noise.some:
        quiet = (
            list(chosen.frames) if chosen.derivative == "savgol" else [smooth(f, chosen.noise.bands) for f in frames]
        )
    stencils = stencils_of(chosen.stencil, 1.0 if inside else task.data.dx)
    centred = chosen.windows.scheme.order > 1
    seen = quiet if inside else [task.units.outside(f) for f in quiet]
    return RecordingTeacher(
        seen,
        task.data.dt,
        task.data.channels,
        stencils,
        display=task.display,
        centred=centred,
        walls=chosen.windows.walls,
    )


def known_candidates(task: Task, chosen: Survey, laws: Mapping[str, Law]) -> dict[str, Candidate]:
    """The laws in inner units, from which free-form search starts."""
    if task.units.unchanged:
        return {channel: law.candidate for channel, law in laws.items()}
    return {
        channel: replace(law.candidate, expr=task.units.law_inside(law.expr, channel, chosen.stencil))
        for channel, law in laws.items()
    }


def system_of(run: Run, task: Task, chosen: Survey) -> System:
    """The linear system, in inner units, that laws are fitted to."""
    levels = chosen.noise.levels if chosen.derivative != "savgol" else np.zeros(len(task.data.channels))
    stencils = stencils_of(chosen.stencil, 1.0)
    return System(
        chosen.frames, task.data.dt, task.data.channels, stencils, chosen.windows, levels, rows=task.rows, seed=run.seed
    )


def fit_laws(
    run: Run, task: Task, chosen: Survey, found: Mapping[str, Mapping[Expr, str]], *, alone: bool
) -> dict[str, Law]:
    """Each channel's law, in the recordings' units.

    found: terms beyond the library, from free-form search, each with its engine; all channels may use them.
    alone: of the library use the constant and the linear terms only.
    """
    system = system_of(run, task, chosen)
    signed = [] if system.noisy else system.signed
    library = candidate_terms(task.data.channels, system.names, signed=signed)
    if alone:
        library = library.take([k for k, term in enumerate(library.terms) if len(term) <= 1])
    check_rows(len(system.Y), len(library.terms))
    own = [library.expr(k) for k in range(len(library.terms))]
    finders: dict[Expr, str] = {}
    for terms in found.values():
        for e, engine in terms.items():
            finders.setdefault(e, engine)
    extra = [e for e in finders if e not in set(own)]

    def columns(of: System) -> Array:
        values = of.columns(library)
        return np.concatenate([values, of.values(extra)], axis=1) if extra else values

    plain = plain_terms(library, task.data.channels)
    blocks = make_blocks(system, columns, run.seed, plain=plain)
    order = [len(term) for term in library.terms] + [4] * len(extra)
    origin = ["sparse"] * len(own) + [finders[e] for e in extra]
    ulp = max(float(np.abs(f).max()) for f in chosen.frames) * 2.0**-23 / task.data.dt
    material = MATERIAL**2 if chosen.windows.scheme.order > 1 else 0.0
    laws = {}
    for index, channel in enumerate(task.data.channels):
        run.progress("fit", index / len(task.data.channels), f"{channel}: {len(order)} terms")
        laws[channel] = find_law(
            blocks,
            index,
            origin,
            order,
            [*plain, *range(len(own), len(order))] if alone else plain,
            spread=float(system.Y[:, index].var() * len(system.Y)),
            most=run.max_terms,
            seed=run.seed,
            floor=max(ulp**2, float(np.square(system.Y[:, index]).mean()) * material),
            outside_terms=[task.units.term_outside(e, channel, chosen.stencil) for e in [*own, *extra]],
            scale=task.units.scale_of(channel),
        )
    return laws
