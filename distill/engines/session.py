"""The engines of one distillation: what they start serves all channels, and their failures are recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from distill.engines import get_engine
from distill.engines.base import Engine, FitOptions, HasSession, Progress
from distill.sampling import Samples
from equations.errors import MissingPartError, SrncaError
from equations.rule.rule import Candidate

MOST_FAILURES = 3  # an engine that has failed on this many channels is not used any more


@dataclass
class Happenings:
    """What happened to the engines.

    notes: sentences for the user.
    troubles: for every engine that took part, what went wrong with it.
    """

    notes: list[str] = field(default_factory=list)
    troubles: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Session:
    """The engines that are open.

    names: the engines in the order they work.
    failures: how often each has failed.
    """

    names: tuple[str, ...]
    engines: dict[str, Engine]
    happenings: Happenings
    failures: dict[str, int] = field(default_factory=dict)

    def fit(
        self, name: str, samples: Samples, channel: int, *, options: FitOptions, progress: Progress, needed: bool
    ) -> list[Candidate]:
        """The candidates that the engine `name` finds.

        needed: let its error through. Otherwise a failure is recorded and it finds nothing; after the third failure, or
        where its software is missing, it is not called again.
        """
        if self.failures.get(name, 0) >= MOST_FAILURES and not needed:
            return []

        def note(sentence: str) -> None:
            self._record(name, f"{sentence}; went on with what it had found", 1)

        try:
            own_options = replace(options, note=note)
            return self.engines[name].fit(samples, channel, options=own_options, progress=progress)
        except SrncaError as error:
            if needed:
                raise
            failures = MOST_FAILURES if isinstance(error, MissingPartError) else 1
            self._record(name, f"{error} ({samples.channels[channel]}); went on with the others", failures)
            return []

    def _record(self, name: str, sentence: str, failures: int) -> None:
        whole = " ".join(sentence.split())
        self.happenings.notes.append(whole)
        self.happenings.troubles[name].append(whole.removeprefix(f"engine {name}: "))
        self.failures[name] = self.failures.get(name, 0) + failures


@contextmanager
def open_engines(names: Sequence[str], happenings: Happenings | None = None) -> Iterator[Session]:
    """The engines `names`. What one of them starts (PySR's worker process with Julia) serves all fits of the block."""
    happenings = happenings or Happenings()
    with ExitStack() as stack:
        engines: dict[str, Engine] = {}
        for name in names:
            engine = get_engine(name)
            engines[name] = stack.enter_context(engine.session()) if isinstance(engine, HasSession) else engine
            happenings.troubles.setdefault(name, [])
        yield Session(tuple(names), engines, happenings)
