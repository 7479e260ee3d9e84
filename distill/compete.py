"""One channel, several engines: they work in turn, seeded by each other's winners, on one front."""

from __future__ import annotations

import logging
from dataclasses import replace

from distill.engines import FitOptions, Progress, get_engine, silent, unavailable
from distill.sampling import Samples
from distill.select import pareto
from distill.teacher import Teacher
from equations.errors import InputError, MissingPartError, SrncaError
from equations.rule import Candidate

log = logging.getLogger(__name__)

FREE_FORM = ("operon", "pysr")


def line_up(engine: str, teacher: Teacher) -> tuple[str, ...]:
    """The engines that `engine` stands for, in the order they work.

    `auto`: exact when the teacher has a closed form, otherwise sparse and every free-form search that can run
    here. Raises InputError for `exact` without a closed form or an unknown name, MissingPartError for an
    engine that is asked for and not there.
    """
    from distill.engines.exact import form_of

    if engine == "auto":
        if teacher.closed_form() is not None:
            return ("exact",)
        return ("sparse", *(name for name in FREE_FORM if unavailable(name) is None))
    get_engine(engine)
    if engine == "exact":
        form_of(teacher)
    if reason := unavailable(engine):
        raise MissingPartError(reason)
    return (engine,)


def fit_channel(
    engines: tuple[str, ...],
    samples: Samples,
    channel: int,
    *,
    options: FitOptions,
    progress: Progress = silent,
) -> tuple[Candidate, ...]:
    """The merged front of these engines for one channel; each candidate says who found it.

    Free-form engines get the others' winners as guesses, and the sparse engine then chooses anew among its
    own terms and theirs. A channel that is exact already is not searched further.
    """
    floor = float(samples.floor[channel])
    front: tuple[Candidate, ...] = ()
    searched = False
    for name in engines:
        if front and front[-1].loss <= floor:
            return front
        seeded = replace(options, guesses=(*options.guesses, *(c.expr for c in front)), rivals=front)
        try:
            found = get_engine(name).fit(samples, channel, options=seeded, progress=progress)
        except SrncaError as error:
            if not front:
                raise
            log.warning("engine %s: %s; going on with what the others found", name, error)
            continue
        front = pareto(front, found, floor=floor)
        searched |= name in FREE_FORM
    if "sparse" in engines and searched and front[-1].loss > floor:
        theirs = tuple(c.expr for c in front if c.engine != "sparse")
        again = replace(options, guesses=theirs)
        front = pareto(front, get_engine("sparse").fit(samples, channel, options=again, progress=progress), floor=floor)
    if not front:
        raise InputError(f"no engine found an equation for {samples.channels[channel]}; sample more rows")
    return front
