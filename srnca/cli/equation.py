"""`srnca distill --frames … --time continuous`: a recording becomes a partial differential equation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from equations.errors import InputError
from srnca.cli.options import check_folder, no_empty_folder
from srnca.cli.output import say, say_json, shown, warn
from srnca.cli.progress import Progress


def find(
    frames: Sequence[Path],
    folder: Path,
    boundary: str,
    seed: int,
    units: Mapping[str, Any],
    others: Mapping[str, object],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the equation, write and print it. Exit code 1 where there is none.

    units: `dt`, `dx` and `stride`, see `find_frames_equation`.
    others: flags that have no meaning here; those that were given are errors.
    """
    for flag, given in others.items():
        if given is not None and given is not False:
            raise InputError(f"{flag}: expected it without --time continuous; leave one of them out")
    from srnca.media.loading import check_there

    for path in frames:  # before the slow import
        check_there(path)
    from srnca.recordings import find_frames_equation

    with no_empty_folder(folder), Progress(quiet=quiet) as progress:
        progress.update("equation", 0.0, 1.0, "a weak form of the recording")
        found = find_frames_equation(frames, out=check_folder(folder), boundary=boundary, seed=seed, note=warn, **units)
    if as_json:
        say_json({**found.to_json(), "folder": folder})
    else:
        say(found.text())
        say(f"\n{shown(folder)}/equation.json")
    if found.verdict == "none":
        raise typer.Exit(1)
