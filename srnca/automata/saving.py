"""Training that saves its checkpoint at intervals, on Ctrl-C and at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from equations.errors import InputError

SAVE_EVERY_S = 15.0  # seconds between two saves
Saved = TypeVar("Saved")  # a checkpoint
Progress = TypeVar("Progress")  # what one iteration reports
SavedOut = TypeVar("SavedOut", covariant=True)
ProgressOut = TypeVar("ProgressOut", covariant=True)


class Training(Protocol[SavedOut, ProgressOut]):
    """A training that runs one iteration at a time and can make a checkpoint between any two."""

    @property
    def done(self) -> bool: ...

    def iterate(self) -> ProgressOut: ...

    def take_back(self) -> None:
        """Undo the iteration that Ctrl-C interrupted."""
        ...

    def checkpoint(self) -> SavedOut: ...

    def finish(self) -> SavedOut:
        """The checkpoint of a finished training."""
        ...


def train_and_save(
    run: Training[Saved, Progress],
    save: Callable[[Saved, Path], None],
    out: Path | None,
    progress: Callable[[Progress], None] | None,
    save_every_s: float,
) -> Saved:
    """Iterate until `run` is done and return its checkpoint, saved to `out` if given.

    save_every_s: seconds between two saves.
    Ctrl-C saves too, and KeyboardInterrupt is raised again.
    """
    saved = time.monotonic()
    try:
        while not run.done:
            happened = run.iterate()
            if out and time.monotonic() - saved > save_every_s:
                save(run.checkpoint(), out)
                saved = time.monotonic()
            if progress:
                progress(happened)
    except KeyboardInterrupt:
        run.take_back()
        if out:
            save(run.checkpoint(), out)
        raise
    done = run.finish()
    if out:
        save(done, out)
    return done


def unfinished(out: Path | None) -> Path:
    """`out`, which must be a file to resume from. Raises InputError where it is not."""
    if out is None or not out.is_file():
        raise InputError(f"resume: expected an unfinished checkpoint, found no file {out}; start without --resume")
    return out
