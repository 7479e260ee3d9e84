"""`pysr`: the regularised evolution of PySR (Cranmer 2023, arXiv:2305.01582), seeded with other engines' results."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sympy import Expr

from distill.engines.base import FitOptions, Progress, silent
from distill.engines.pysr import protocol
from distill.engines.pysr.arguments import arguments, evaluations_a_round, guess_texts, safe_names, search_size
from distill.engines.pysr.probe import probe
from distill.engines.pysr.runner import WORKER, Limits, Observation, Worker
from distill.engines.seeds import linear_seeds, screen
from distill.engines.sparse import still
from distill.fronts.select import ROUNDING, pareto
from distill.regression.polish import polish
from distill.sampling import Samples
from equations.errors import MissingPartError, SrncaError
from equations.rule.rule import Candidate
from equations.rule.symbols import symbol

ROWS = 1000  # rows to search on, as PySR's guide advises; constants are refitted on all rows
ENOUGH, FEATURES = 12, 8  # of more than 12 features only 8 are used: with more inputs the search finds little
START_S = 30.0  # seconds until Julia has started and compiled, typically; for the progress bar only
START_SHARE = 0.25  # share of a search's progress for starting Julia


class PysrEngine:
    """Searches in a worker process.

    command: the worker's command line, without its folder.
    limits: when the worker is stopped.
    ready: why PySR cannot run, or None.
    """

    name = "pysr"

    def __init__(
        self,
        command: Sequence[str] = WORKER,
        limits: Limits | None = None,
        ready: Callable[[], str | None] = probe,
    ) -> None:
        self.command, self.limits, self.ready = tuple(command), limits or Limits(), ready
        self._worker: Worker | None = None
        self._lasting = False

    @contextmanager
    def session(self) -> Iterator[PysrEngine]:
        """The same engine with one worker for all its searches, which is started by the first of them."""
        engine = PysrEngine(self.command, self.limits, self.ready)
        engine._lasting = True
        try:
            yield engine
        finally:
            engine._close()

    def fit(
        self, samples: Samples, channel: int, *, options: FitOptions, progress: Progress = silent
    ) -> list[Candidate]:
        """The front after `evaluations`, or as soon as an equation is exact.

        Where the worker fails after it has found equations, these are used and `options.note` is called. Where a
        deadline ends the search, what was found is used too. Ctrl-C ends the worker at once and is raised.

        Raises MissingPartError where PySR or Julia is missing, SrncaError when the worker failed before it found
        anything.
        """
        reason = self.ready()
        if reason is not None:
            raise MissingPartError(reason)
        plan = _plan(samples, channel, options)
        found = self._search(plan, progress) if plan is not None else []
        front = [still(samples, channel, self.name)]
        if plan is not None and found:
            front = _front(found, plan)
        progress(self.name, 1.0, f"{samples.channels[channel]}: {len(front)} equations")
        return front

    def _search(self, plan: _Plan, progress: Progress) -> list[Expr]:
        """The equations found, in the samples' names."""
        if self._worker is not None and not self._worker.alive:  # it died after its last search
            self._close()
        if self._worker is None:
            self._worker = Worker(self.command, self.limits)
        worker, own = self._worker, False
        try:
            watch = plan.watcher(progress, warm=worker.jobs > 0)
            folder, reason = worker.search(plan.write, watch, plan.options.deadline)
            found = plan.read(folder)
            job_error = protocol.read_error(folder)
            error = protocol.read_error(worker.folder) or job_error
            printed = protocol.log_tail(worker.folder)
            own = reason is None or job_error is not None  # the worker survives a search that fails
        finally:
            if not (own and self._lasting):
                self._close()
        plan.judge(reason, bool(found), error, printed)
        return found

    def _close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()


@dataclass(frozen=True)
class _Plan:
    """One channel's search.

    features: the features that it may use, as indices of the samples' columns.
    """

    samples: Samples
    channel: int
    features: tuple[int, ...]
    options: FitOptions

    @property
    def name(self) -> str:
        return self.samples.channels[self.channel]

    @property
    def their_names(self) -> tuple[str, ...]:
        """The features' names in PySR."""
        return safe_names([self.samples.names[i] for i in self.features])

    def write(self, folder: Path) -> None:
        """The job: rows, names and arguments."""
        few = self.samples.subset(ROWS, self.options.seed)
        y, deadline = few.Y[:, self.channel], self.options.deadline
        left_s = math.inf if deadline is None else deadline.remaining_s()
        names = {self.samples.names[i]: theirs for i, theirs in zip(self.features, self.their_names, strict=True)}
        known = [*linear_seeds(self.samples, self.channel, self.features), *self.options.guesses]
        keywords = arguments(
            seed=self.options.seed,
            max_terms=self.options.max_terms,
            evaluations=self.options.evaluations,
            stop_at=ROUNDING * float(y.var()),
            functions=tuple(self.options.functions),
            guesses=guess_texts(known, names, search_size(self.options.max_terms)),
            timeout_s=None if math.isinf(left_s) else max(1.0, left_s),
        )
        protocol.write_job(folder, protocol.Job(self.their_names, keywords), few.X[:, list(self.features)], y)

    def read(self, folder: Path) -> list[Expr]:
        """The equations found so far."""
        ours = [symbol(self.samples.names[i]) for i in self.features]
        back = dict(zip(map(symbol, self.their_names), ours, strict=True))
        return [e.xreplace(back) for e in protocol.read_equations(folder, self.their_names)]

    def watcher(self, progress: Progress, *, warm: bool) -> Callable[[Path, Observation], None]:
        """A callback that reports the progress of the search, as a fraction that never falls.

        warm: Julia has started already.
        """
        start = 0.0 if warm else START_SHARE
        each = evaluations_a_round(self.options.evaluations) / max(1, self.options.evaluations)

        def watch(folder: Path, seen: Observation) -> None:
            if seen.phase == protocol.SEARCHING:
                fraction = min(0.98, start + (1 - start) * seen.rounds * each)
                detail = f"{self.name}: {protocol.count_equations(folder)} equations"
            else:
                fraction = start * seen.elapsed / (seen.elapsed + START_S)
                detail = protocol.STARTING if seen.phase == protocol.STARTING else f"{self.name}: {seen.phase}"
            progress(PysrEngine.name, fraction, detail)

        return watch

    def judge(self, reason: str | None, anything: bool, error: tuple[str, bool] | None, printed: str) -> None:
        """Record why a search ended early; raise where it found nothing.

        reason: why it ended, None for a search that ran to its end.
        anything: whether it found an equation.
        error: what the worker reported, and whether PySR or Julia is missing.
        printed: the end of what the worker printed.
        """
        deadline = self.options.deadline
        if deadline is not None and deadline.passed:
            deadline.leave_out(f"pysr: a part of the search for {self.name}")
            return
        if anything and reason is None:
            return
        if anything:
            more = f" ({error[0]})" if error else ""
            self.options.note(f"engine pysr: the worker {reason} while it searched for {self.name}{more}")
            return
        if error is not None and error[1]:
            mend = "mend the Julia installation, or use engine operon or sparse"
            raise MissingPartError(f"engine pysr: {error[0]}; {mend}")
        if reason is None:
            raise SrncaError("engine pysr: the worker says it is done but wrote no equation that can be read")
        detail = error[0] if error is not None else printed or "it printed nothing"
        raise SrncaError(
            f"engine pysr: the worker {reason} before it found an equation for {self.name}; use engine operon or "
            f"sparse. Its last output: {detail}"
        )


def _plan(samples: Samples, channel: int, options: FitOptions) -> _Plan | None:
    """None when there is nothing to search: the channel or all features are constant."""
    columns = screen_features(samples, channel, options.guesses)
    features = tuple(i for i in columns if samples.X[:, i].std() > 0)
    if not features or not samples.Y[:, channel].std() > 0:
        return None
    return _Plan(samples, channel, features, options)


def screen_features(samples: Samples, channel: int, guesses: Sequence[Expr]) -> list[int]:
    """All columns if there are at most 12; else 8: those of the guesses, then those that a linear path takes first."""
    if len(samples.names) <= ENOUGH:
        return list(range(len(samples.names)))
    return screen(samples, [*guesses, *linear_seeds(samples, channel)], FEATURES)


def _front(found: Sequence[Expr], plan: _Plan) -> list[Candidate]:
    """All equations refitted in float64; the best two also pruned term by term."""
    samples, channel, options, name = plan.samples, plan.channel, plan.options, PysrEngine.name
    kept = polish(found, samples, channel, engine=name, max_terms=options.max_terms, rivals=options.rivals)
    floor = ROUNDING * float(samples.variance[channel])
    return list(pareto([still(samples, channel, name)], kept, floor=floor))


ENGINE = PysrEngine()
