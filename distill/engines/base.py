"""What an engine is: samples of one channel in, a Pareto front of candidate equations out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sympy import Expr

if TYPE_CHECKING:
    from distill.deadline import Deadline
    from distill.sampling import Samples
    from distill.teacher import Teacher
    from equations.rule.rule import Candidate

# progress(stage, fraction done in 0…1, what is going on now)
Progress = Callable[[str, float, str], None]
# note(sentence): something that the user must know happened, although the work continues
Note = Callable[[str], None]

EVALUATIONS = 240_000
FUNCTIONS = ("sin", "exp", "tanh", "sqrt")  # that a search can be told to use; the names are those of Operon and PySR
_log = logging.getLogger(__name__)


def silent(stage: str, fraction: float, detail: str) -> None:
    """The progress callback that does nothing."""


def log_note(sentence: str) -> None:
    """The note callback that writes to the log."""
    _log.warning("%s", sentence)


@dataclass(frozen=True)
class FitOptions:
    """What every engine is given, whether or not it can use it.

    seed: same seed, same front.
    max_terms: additive terms an equation may have.
    functions: names of functions, of `FUNCTIONS`, that equations may have besides + − × ÷ and |x|.
    evaluations: expressions that a free-form search tries; work is not bounded by time.
    guesses: equations (in the samples' feature names) that other engines found.
    rivals: candidates found already; what is worse than one of them need not be returned.
    teacher: for engines that read the teacher itself.
    deadline: given only where the user asked for a time limit; a search that it cuts short says so in its `left_out`.
    note: called with a sentence about each failure that the search survives.
    """

    seed: int = 0
    max_terms: int = 24
    functions: Sequence[str] = ()
    evaluations: int = EVALUATIONS
    guesses: Sequence[Expr] = ()
    rivals: Sequence[Candidate] = ()
    teacher: Teacher | None = None
    deadline: Deadline | None = None
    note: Note = log_note


class Engine(Protocol):
    """A way to find equations. Engines hold no state that changes their answers."""

    name: str

    def fit(
        self, samples: Samples, channel: int, *, options: FitOptions, progress: Progress = silent
    ) -> list[Candidate]:
        """The front for output `channel` (its index): sorted by complexity, loss strictly decreasing.

        A candidate's loss is its held-out mean squared error in the units of the update. Raises InputError
        when the engine cannot work on these samples, MissingPartError when its software is not there.
        """
        ...


@runtime_checkable
class HasSession(Protocol):
    """An engine that starts something (a worker process) which should serve several fits."""

    def session(self) -> AbstractContextManager[Engine]:
        """The engine to use within the block; what it has started ends with the block."""
        ...


@runtime_checkable
class HasProbe(Protocol):
    """An engine's module that can tell whether its software is ready."""

    def probe(self) -> str | None:
        """Why the engine cannot run here, or None when it can."""
        ...
