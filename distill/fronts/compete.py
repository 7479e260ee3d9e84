"""Several engines on one channel: they work in turn on one front, each starting from what the others found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from sympy import Expr

from distill.engines import FitOptions, Progress, get_engine, silent, unavailable
from distill.engines.seeds import linear_seeds
from distill.engines.session import Session
from distill.engines.sparse import still
from distill.fronts.select import pareto
from distill.regression.polish import basis_functions, refit
from distill.sampling import Samples
from distill.teacher import Teacher
from equations.errors import InputError, MissingPartError
from equations.rule.rule import Candidate

FREE_FORM = ("operon", "pysr")
EQUAL = 0.01  # a longer equation whose error is lower by less than this share is no better
LIBRARY_SHARE = 0.05  # share of a channel's progress for each run of the sparse engine


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
    session: Session,
    samples: Samples,
    channel: int,
    *,
    options: FitOptions,
    progress: Progress = silent,
) -> tuple[Candidate, ...]:
    """The merged front of a session's engines for one channel; each candidate names the engine that found it.

    The evaluations are divided among the free-form engines. These start from the guesses in `options` and from what
    the engines before them found, or, where there is neither, from short linear equations. Afterwards the sparse engine
    selects again, from its own terms and theirs. There is no further search once an equation is exact or the deadline
    has passed. Of two equations of equal error the shorter one is kept.
    """
    floor = float(samples.floor[channel])
    free = [name for name in session.names if name in FREE_FORM]
    options = replace(options, evaluations=max(1, options.evaluations // max(1, len(free))))
    if free and "sparse" not in session.names and not options.guesses:
        options = replace(options, guesses=tuple(linear_seeds(samples, channel)))
    steps = _Steps(session.names, progress)
    front: tuple[Candidate, ...] = ()
    for name in session.names:
        if front and front[-1].loss <= floor:
            return front
        if name in FREE_FORM and _too_late(options, name, samples.channels[channel]):
            front = front or tuple(_linear(samples, channel, options))
            continue
        seeded = replace(options, guesses=(*options.guesses, *(c.expr for c in front)), rivals=front)
        found = session.fit(name, samples, channel, options=seeded, progress=steps.next(name), needed=not front)
        front = pareto(front, found, floor=floor, equal=EQUAL)
    if "sparse" in session.names and any(c.engine in FREE_FORM for c in front) and front[-1].loss > floor:
        front = _selected_again(session, samples, channel, front, options, steps.next("sparse"))
    if not front:
        raise InputError(f"no engine found an equation for {samples.channels[channel]}; sample more rows")
    return front


def _selected_again(
    session: Session,
    samples: Samples,
    channel: int,
    front: tuple[Candidate, ...],
    options: FitOptions,
    progress: Progress,
) -> tuple[Candidate, ...]:
    """The front with the equations that the sparse engine selects from all terms in it.

    An equation of another engine's terms counts as found by that engine.
    """
    theirs = [c for c in front if c.engine != "sparse"]
    again = replace(options, guesses=tuple(c.expr for c in theirs))
    found = session.fit("sparse", samples, channel, options=again, progress=progress, needed=True)
    finder = term_finders(front)
    signed = [replace(c, engine=finder_of(c.expr, finder)) for c in found]
    return pareto(front, signed, floor=float(samples.floor[channel]), equal=EQUAL)


def term_finders(front: Sequence[Candidate]) -> dict[Expr, str]:
    """Which engine found each term of a front: sparse, or else that of the simplest equation with the term."""
    finders: dict[Expr, str] = {}
    for candidate in sorted(front, key=lambda c: c.engine != "sparse"):
        for term in basis_functions(candidate.expr):
            finders.setdefault(term, candidate.engine)
    return finders


def finder_of(expr: Expr, finders: dict[Expr, str]) -> str:
    """Which engine an equation counts for: of those other than sparse, the one that found most of its terms."""
    counted = Counter(finders.get(term, "sparse") for term in basis_functions(expr))
    del counted["sparse"]
    return counted.most_common(1)[0][0] if counted else "sparse"


def _too_late(options: FitOptions, name: str, channel: str) -> bool:
    if options.deadline is None or not options.deadline.passed:
        return False
    options.deadline.leave_out(f"{name}: the search for {channel}")
    return True


def _linear(samples: Samples, channel: int, options: FitOptions) -> list[Candidate]:
    """The linear equations that a search would have started from; they are the front where there is no time for it."""
    fitted = (refit(expr, samples, channel, engine="sparse") for expr in linear_seeds(samples, channel))
    short = [c for c in fitted if c is not None and c.terms <= options.max_terms]
    return list(pareto([still(samples, channel, "sparse")], short, floor=float(samples.floor[channel])))


class _Steps:
    """Combines the progress of several engines, one after the other, into one that never falls; each has a share."""

    def __init__(self, names: Sequence[str], progress: Progress) -> None:
        free = [name for name in names if name in FREE_FORM]
        others = 2 if "sparse" in names else 0
        self.shares = {name: (1 - others * LIBRARY_SHARE) / len(free) for name in free}
        self.rest = LIBRARY_SHARE if free else 1.0
        self.done, self.progress = 0.0, progress

    def next(self, name: str) -> Progress:
        """The progress callback of the next engine."""
        start, share = self.done, self.shares.get(name, self.rest)
        self.done = min(1.0, start + share)

        def on_progress(stage: str, fraction: float, detail: str) -> None:
            self.progress(stage, min(1.0, start + share * fraction), detail)

        return on_progress
