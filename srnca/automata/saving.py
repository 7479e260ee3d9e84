"""A training that is never lost: saved now and then, on Ctrl-C, and at its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from equations.errors import InputError

SAVE_EVERY_S = 15.0
Made = TypeVar("Made", covariant=True)
Said = TypeVar("Said", covariant=True)
Kept = TypeVar("Kept")
Heard = TypeVar("Heard")


class Training(Protocol[Made, Said]):
    """What can be trained so: an iteration at a time, with a checkpoint to be had between any two."""

    @property
    def done(self) -> bool: ...

    def iterate(self) -> Said: ...

    def take_back(self) -> None:
        """Undo the iteration that Ctrl-C hit in the middle."""
        ...

    def checkpoint(self) -> Made: ...

    def finish(self) -> Made:
        """The checkpoint of a training that is done."""
        ...


def train_and_save(
    run: Training[Kept, Heard],
    save: Callable[[Kept, Path], None],
    out: Path | None,
    progress: Callable[[Heard], None] | None,
) -> Kept:
    """Iterate until it is done, and return the checkpoint, saved to `out` if given. Ctrl-C saves, then goes on up."""
    saved = time.monotonic()
    try:
        while not run.done:
            happened = run.iterate()
            if out and time.monotonic() - saved > SAVE_EVERY_S:
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
    """`out`, where there is something to resume. Raises InputError."""
    if out is None or not out.is_file():
        raise InputError(f"resume: expected an unfinished checkpoint, found no file {out}; start without --resume")
    return out
