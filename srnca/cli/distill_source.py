"""What `srnca distill` starts from: an automaton, a recording or a picture, and which options fit it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from equations.errors import InputError


def source_of(checkpoint: Path | None, frames: list[Path] | None, image: str | None) -> Path:
    """What is distilled, of which there is exactly one; raises InputError otherwise."""
    given = [Path(name) for name in (checkpoint, frames[0] if frames else None, image) if name is not None]
    if len(given) != 1:
        if not given:
            raise InputError(
                "distill: expected either --checkpoint FILE or --frames FILE, got neither; "
                "a law of few species needs only a picture: --image FILE --species 2"
            )
        raise InputError("distill: expected one of --checkpoint FILE, --frames FILE and --image FILE, got several")
    return given[0]


def recording_options(
    checkpoint: Path | None, image: str | None, derivative: str, stencil: str, **given: Any
) -> dict[str, Any]:
    """The options that only recordings have, those that are not given left out. Raises InputError with a checkpoint."""
    found = {name: value for name, value in given.items() if value is not None}
    found |= {name: v for name, v in (("derivative", derivative), ("stencil", stencil)) if v != "auto"}
    if (checkpoint is not None or image is not None) and found:
        got = "--image" if checkpoint is None else "--checkpoint"
        raise InputError(f"--{next(iter(found))}: expected it with --frames, got it with {got}; leave it out")
    return found
