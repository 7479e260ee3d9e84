"""A recording as it is worked on: its survey, the laws over a library, and the teacher that searches see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.identify.blocks import make_blocks
from distill.identify.candidate_terms import candidate_terms, plain_terms
from distill.identify.channel_law import Law, find_law
from distill.identify.noise import smooth
from distill.identify.recording import Recordings, check_rows
from distill.identify.stencil import stencils_of
from distill.identify.survey import Noise, Survey, survey
from distill.identify.system import System, both_signs
from distill.identify.teacher import RecordingTeacher
from distill.identify.units import Units
from distill.run import Run
from equations.expressions import build
from equations.rule.rule import Candidate, Display
from equations.rule.stencils import feature_names
from equations.rule.symbols import symbol

Array = npt.NDArray[np.float64]

MATERIAL = 1e-3  # of du/dt: what a law in continuous time need not say, since its quadrature does not say it either


@dataclass(frozen=True)
class Task:
    """What is asked for: see `identify`. Frames are worked on in `units` of their own; laws are in the recordings'."""

    data: Recordings
    units: Units
    derivative: str
    stencil: str
    display: Display | None
    rows: int


def look(run: Run, task: Task, frames: list[Array], noise: Noise, further: Sequence[Expr] = ()) -> Survey:
    return survey(
        frames,
        task.data.dt,
        task.data.channels,
        noise,
        derivative=task.derivative,
        stencil=task.stencil,
        dx=task.data.dx,
        further=further,
        seed=run.seed,
    )


def kinks(task: Task, frames: list[Array]) -> list[Expr]:
    """|s| of the states that change their sign: a survey without them could be misled by what they do."""
    low = np.min([f.min(axis=(0, 2, 3)) for f in frames], axis=0)
    high = np.max([f.max(axis=(0, 2, 3)) for f in frames], axis=0)
    signed = both_signs(low, high)
    return [build.absolute(symbol(name)) for name, yes in zip(task.data.channels, signed, strict=True) if yes]


def names_of(task: Task, chosen: Survey) -> set[str]:
    return set(feature_names(task.data.channels, stencils_of(chosen.stencil, task.data.dx)))


def teacher_of(task: Task, chosen: Survey, frames: list[Array], *, inside: bool = False) -> RecordingTeacher:
    """The recording as the report sees it, or (`inside`, in units of its own) pointwise searches: smoothed where it is
    noisy.
    """
    quiet = frames
    if chosen.noise.some:
        quiet = (
            list(chosen.frames) if chosen.derivative == "savgol" else [smooth(f, chosen.noise.bands) for f in frames]
        )
    stencils = stencils_of(chosen.stencil, 1.0 if inside else task.data.dx)
    centred = chosen.windows.scheme.order > 1
    seen = quiet if inside else [task.units.outside(f) for f in quiet]
    return RecordingTeacher(seen, task.data.dt, task.data.channels, stencils, display=task.display, centred=centred)


def inside(task: Task, chosen: Survey, laws: Mapping[str, Law]) -> dict[str, Candidate]:
    """The laws in units of their own, as searches there start from them."""
    if task.units.plain:
        return {channel: law.candidate for channel, law in laws.items()}
    return {
        channel: replace(law.candidate, expr=task.units.back(law.expr, channel, chosen.stencil))
        for channel, law in laws.items()
    }


def laws_of(
    run: Run, task: Task, chosen: Survey, found: Mapping[str, Mapping[Expr, str]], *, alone: bool
) -> dict[str, Law]:
    """Each channel's law, in the recordings' units, over the library and the terms `found` for it (`alone`: over the
    linear terms and these).
    """
    levels = chosen.noise.levels if chosen.derivative != "savgol" else np.zeros(len(task.data.channels))
    stencils = stencils_of(chosen.stencil, 1.0)
    system = System(
        chosen.frames, task.data.dt, task.data.channels, stencils, chosen.windows, levels, rows=task.rows, seed=run.seed
    )
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
            [*own, *extra],
            origin,
            order,
            [*plain, *range(len(own), len(order))] if alone else plain,
            spread=float(system.Y[:, index].var() * len(system.Y)),
            most=run.max_terms,
            seed=run.seed,
            floor=max(ulp**2, float(np.square(system.Y[:, index]).mean()) * material),
            told=[task.units.told(e, channel, chosen.stencil) for e in [*own, *extra]],
            scale=task.units.scale_of(channel),
        )
    return laws
