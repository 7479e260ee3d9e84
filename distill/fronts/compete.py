"""One channel, several engines: they work in turn, seeded by each other's winners, on one front."""

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
LIBRARY_SHARE = 0.05  # of a channel's progress that the sparse engine takes, each time


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
    """The merged front of a session's engines for one channel; each candidate says who found it.

    Free-form engines share the evaluations and start from the same equations: the guesses in `options` and what the
    engines before them found, or, where there is neither, short linear equations. The sparse engine then chooses anew
    among its own terms and theirs. A channel that is exact already is not searched further, nor is one whose deadline
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
        front = _chosen_anew(session, samples, channel, front, options, steps.next("sparse"))
    if not front:
        raise InputError(f"no engine found an equation for {samples.channels[channel]}; sample more rows")
    return front


def _chosen_anew(
    session: Session,
    samples: Samples,
    channel: int,
    front: tuple[Candidate, ...],
    options: FitOptions,
    progress: Progress,
) -> tuple[Candidate, ...]:
    """The front with what the sparse engine makes of all terms in it. What it makes of another engine's terms is that
    engine's find.
    """
    theirs = [c for c in front if c.engine != "sparse"]
    again = replace(options, guesses=tuple(c.expr for c in theirs))
    found = session.fit("sparse", samples, channel, options=again, progress=progress, needed=True)
    finder = term_finders(front)
    signed = [replace(c, engine=finder_of(c.expr, finder)) for c in found]
    return pareto(front, signed, floor=float(samples.floor[channel]), equal=EQUAL)


def term_finders(front: Sequence[Candidate]) -> dict[Expr, str]:
    """Who found each term of a front: the engine of the simplest equation that has it, sparse before all others."""
    finders: dict[Expr, str] = {}
    for candidate in sorted(front, key=lambda c: c.engine != "sparse"):
        for term in basis_functions(candidate.expr):
            finders.setdefault(term, candidate.engine)
    return finders


def finder_of(expr: Expr, finders: dict[Expr, str]) -> str:
    """Whose find an equation is: of the engines other than sparse the one with the most terms in it."""
    counted = Counter(finders.get(term, "sparse") for term in basis_functions(expr))
    del counted["sparse"]
    return counted.most_common(1)[0][0] if counted else "sparse"


def _too_late(options: FitOptions, name: str, channel: str) -> bool:
    if options.deadline is None or not options.deadline.passed:
        return False
    options.deadline.leave_out(f"{name}: the search for {channel}")
    return True


def _linear(samples: Samples, channel: int, options: FitOptions) -> list[Candidate]:
    """The linear equations that a search would have started from, where there is no time for it."""
    fitted = (refit(expr, samples, channel, engine="sparse") for expr in linear_seeds(samples, channel))
    short = [c for c in fitted if c is not None and c.terms <= options.max_terms]
    return list(pareto([still(samples, channel, "sparse")], short, floor=float(samples.floor[channel])))


class _Steps:
    """The progress of several engines in turn as one that never falls: each has its share."""

    def __init__(self, names: Sequence[str], progress: Progress) -> None:
        free = [name for name in names if name in FREE_FORM]
        others = 2 if "sparse" in names else 0
        self.shares = {name: (1 - others * LIBRARY_SHARE) / len(free) for name in free}
        self.rest = LIBRARY_SHARE if free else 1.0
        self.done, self.progress = 0.0, progress

    def next(self, name: str) -> Progress:
        """What the next engine tells its progress."""
        start, share = self.done, self.shares.get(name, self.rest)
        self.done = min(1.0, start + share)

        def told(stage: str, fraction: float, detail: str) -> None:
            self.progress(stage, min(1.0, start + share * fraction), detail)

        return told
