"""`pysr`: the regularised evolution of PySR (Cranmer 2023, arXiv:2305.01582), seeded with the others' winners."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sympy import Expr

from distill.engines.base import FitOptions, Progress, silent
from distill.engines.pysr import protocol
from distill.engines.pysr.arguments import PER_SECOND, SLACK, arguments, guess_texts, safe_names, search_size
from distill.engines.pysr.probe import probe
from distill.engines.pysr.runner import WORKER, Interrupted, Limits, run_worker
from distill.engines.sparse import linear_front, still
from distill.polish import polish
from distill.sampling import Samples
from distill.select import ROUNDING, pareto
from equations.errors import MissingPartError, SrncaError
from equations.rule import Candidate
from equations.symbols import symbol

ROWS = 2000  # enough for the search; constants are refitted on all rows
FEATURES = 12  # with more the search wanders
WARM_UP = 30.0  # seconds until Julia searches, typically; for the progress bar only

_log = logging.getLogger(__name__)


class PysrEngine:
    """Searches in a worker process; `command`, `limits` and `ready` are there to be replaced in tests."""

    name = "pysr"

    def __init__(
        self,
        command: Sequence[str] = WORKER,
        limits: Limits | None = None,
        ready: Callable[[], str | None] = probe,
    ) -> None:
        self.command, self.limits, self.ready = tuple(command), limits or Limits(), ready

    def fit(
        self, samples: Samples, channel: int, *, options: FitOptions, progress: Progress = silent
    ) -> list[Candidate]:
        """The front after budget_s · 20,000 evaluations, or as soon as an equation is exact.

        Ctrl-C ends the search and keeps what it found, as in PySR; so does running out of time (the budget
        threefold, and ten minutes for Julia to start). Raises MissingPartError where PySR or Julia is missing,
        SrncaError when the worker failed before it found anything, KeyboardInterrupt when it was interrupted
        before that.
        """
        return self.fit_channels(samples, {channel: options}, progress=progress)[channel]

    def fit_channels(
        self, samples: Samples, options: Mapping[int, FitOptions], *, progress: Progress = silent
    ) -> dict[int, list[Candidate]]:
        """`fit` for several channels in one worker, which warms Julia up once; `options` by channel.

        Channels for which nothing was found (the search was stopped before their turn) are absent.
        """
        reason = self.ready()
        if reason is not None:
            raise MissingPartError(reason)
        searches = [s for channel, o in options.items() if (s := _plan(samples, channel, o)) is not None]
        planned = {search.channel for search in searches}
        fronts = {c: [still(samples, c, self.name)] for c in options if c not in planned}
        found = self._search(samples, searches, progress) if searches else []
        for search, equations in zip(searches, found, strict=True):
            if equations:
                fronts[search.channel] = _front(equations, samples, search)
        progress("pysr", 1.0, f"{sum(map(len, fronts.values()))} equations")
        return fronts

    def _search(self, samples: Samples, searches: Sequence[_Search], progress: Progress) -> list[list[Expr]]:
        """The equations found by each search, in the samples' names; at least one search has some."""
        with tempfile.TemporaryDirectory(prefix="srnca-pysr-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            job = _write(folder, samples, searches)
            budget = sum(search.options.evaluations for search in searches) / PER_SECOND
            interrupted, reason = False, None
            try:
                reason = run_worker(
                    self.command,
                    folder,
                    time_limit_s=self.limits.start_s + SLACK * budget,
                    limits=self.limits,
                    watch=_watcher(folder, samples, searches, budget, progress),
                )
            except Interrupted:
                interrupted, reason = True, "was interrupted"
            found = _read(folder, job, samples)
            if reason is not None:
                _judge(folder, reason, any(found), interrupted)
            elif not any(found):
                raise SrncaError("engine pysr: the worker says it is done but wrote no equation that can be read")
            return found


@dataclass(frozen=True)
class _Search:
    """One channel's search: the features it may use (indices into the samples' columns)."""

    channel: int
    features: tuple[int, ...]
    options: FitOptions


def _plan(samples: Samples, channel: int, options: FitOptions) -> _Search | None:
    """None when there is nothing to search: the channel or all features are constant."""
    features = tuple(i for i in screen_features(samples, channel, options.guesses) if samples.X[:, i].std() > 0)
    if not features or not samples.Y[:, channel].std() > 0:
        return None
    return _Search(channel, features, options)


def screen_features(samples: Samples, channel: int, guesses: Sequence[Expr], limit: int = FEATURES) -> list[int]:
    """At most `limit` columns: those of the guesses (simplest first), then those a linear path takes first."""
    if len(samples.names) <= limit:
        return list(range(len(samples.names)))
    path = (c.expr for c in linear_front(samples, channel, limit))
    wanted: dict[int, None] = {}
    for expr in (*guesses, *path):
        for name in sorted(str(s) for s in expr.free_symbols):
            if name in samples.names:
                wanted.setdefault(samples.names.index(name))
    return sorted(list(wanted)[:limit])


def _write(folder: Path, samples: Samples, searches: Sequence[_Search]) -> protocol.Job:
    few = samples.subset(ROWS, searches[0].options.seed)
    names = safe_names(samples.names)
    outputs = []
    for search in searches:
        own = {samples.names[i]: names[i] for i in search.features}
        told = arguments(
            seed=search.options.seed,
            max_terms=search.options.max_terms,
            budget_s=search.options.evaluations / PER_SECOND,
            stop_at=ROUNDING * float(few.Y[:, search.channel].var()),
            guesses=guess_texts(search.options.guesses, own, search_size(search.options.max_terms)),
        )
        outputs.append(protocol.Output(search.features, told))
    job = protocol.Job(names, tuple(outputs))
    protocol.write_job(folder, job, few.X, few.Y[:, [search.channel for search in searches]])
    return job


def _read(folder: Path, job: protocol.Job, samples: Samples) -> list[list[Expr]]:
    back = {symbol(theirs): symbol(ours) for theirs, ours in zip(job.names, samples.names, strict=True)}
    found = []
    for number, output in enumerate(job.outputs, start=1):
        names = [job.names[i] for i in output.columns]
        found.append([e.xreplace(back) for e in protocol.read_equations(folder, number, names)])
    return found


def _judge(folder: Path, reason: str, anything: bool, interrupted: bool) -> None:
    """The worker did not finish: go on with what it found, or raise when that is nothing."""
    said = protocol.read_error(folder)
    if anything:
        _log.warning(
            "engine pysr: the worker %s; going on with what it found%s",
            reason,
            f" ({said[0]})" if said else "",
        )
        return
    if interrupted:
        raise KeyboardInterrupt
    if said is not None and said[1]:
        raise MissingPartError(f"engine pysr: {said[0]}; mend the Julia installation, or use engine operon or sparse")
    detail = said[0] if said is not None else protocol.log_tail(folder) or "it printed nothing"
    raise SrncaError(
        f"engine pysr: the worker {reason} before it found an equation; give it more time, or use engine operon "
        f"or sparse. Its last words: {detail}"
    )


def _watcher(
    folder: Path, samples: Samples, searches: Sequence[_Search], budget: float, progress: Progress
) -> Callable[[float], None]:
    def watch(elapsed: float) -> None:
        counts = [protocol.count_equations(folder, number) for number in range(1, len(searches) + 1)]
        running = max((i for i, count in enumerate(counts) if count), default=None)
        if running is None:
            detail = "starting Julia"
        else:
            detail = f"{samples.channels[searches[running].channel]}: {counts[running]} equations"
        progress("pysr", min(0.95, elapsed / (WARM_UP + budget)), detail)

    return watch


def _front(found: Sequence[Expr], samples: Samples, search: _Search) -> list[Candidate]:
    """All equations refitted in float64; the best two also pruned term by term."""
    channel, options, name = search.channel, search.options, PysrEngine.name
    kept = polish(found, samples, channel, engine=name, max_terms=options.max_terms, rivals=options.rivals)
    floor = ROUNDING * float(samples.variance[channel])
    return list(pareto([still(samples, channel, name)], kept, floor=floor))


ENGINE = PysrEngine()
