"""`srnca distill --frames`: whether time is steps or continuous, and from a recording to a differential equation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from equations.errors import InputError
from srnca.cli.options import check_folder, no_empty_folder
from srnca.cli.output import say, say_json, shown, warn
from srnca.cli.progress import Progress
from srnca.cli.simulate_text import next_simulation
from srnca.help import NO_LAW, help_at

if TYPE_CHECKING:
    from distill.weak.timing import Timing
    from srnca.media.recording import Recording
    from srnca.recordings import FramesEquation

Loaded = tuple["Sequence[Recording] | None", "Timing | None"]


def settle_time(
    time: str, frames: Sequence[Path], seed: int, units: Mapping[str, Any], steps_only: Sequence[str]
) -> tuple[str, Loaded]:
    """ "steps" or "continuous", and for "auto", which looks at the recordings, those and the evidence.

    units: `dt`, `dx` and `stride`, see `find_frames_equation`.
    steps_only: flags that were given and mean something for steps alone; "auto" then means steps.
    """
    if time != "auto":
        return time, (None, None)
    if steps_only:
        warn(
            f"read as the steps of a rule, since {steps_only[0]} was given; --time continuous looks for a "
            "differential equation"
        )
        return "steps", (None, None)
    from srnca.media.loading import check_there

    for path in frames:  # before the slow import
        check_there(path)
    from srnca.recordings import load_all, time_of

    loaded = load_all(frames, note=warn, **units)
    timing = time_of(loaded, seed)
    warn(f"{timing.reason}; --time steps or --time continuous overrides this")
    return timing.time, (loaded, timing)


def find(
    frames: Sequence[Path],
    folder: Path,
    boundary: str,
    engine: str,
    seed: int,
    units: Mapping[str, Any],
    others: Sequence[str],
    *,
    known: Loaded = (None, None),
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the equation, write and print it. Exit code 1 where there is none.

    units: `dt`, `dx` and `stride`, see `find_frames_equation`.
    others: flags that were given and have no meaning here: errors.
    known: what `settle_time` has read and found out.
    """
    for flag in others:
        raise InputError(f"{flag}: expected it without --time continuous; leave one of them out")
    from distill.weak.freeform import check_engine

    check_engine(engine)
    from srnca.media.loading import check_there

    for path in frames:  # before the slow import
        check_there(path)
    from srnca.recordings import find_frames_equation

    with no_empty_folder(folder), Progress(quiet=quiet) as progress:
        progress.update("equation", 0.0, 1.0, "a weak form of the recording")
        found = find_frames_equation(
            frames,
            out=check_folder(folder),
            boundary=boundary,
            engine=engine,
            seed=seed,
            note=warn,
            loaded=known[0],
            timing=known[1],
            **units,
        )
    equation = found.equation
    if as_json:
        say_json({**found.to_json(), "folder": folder})
    else:
        say(equation.text())
        _say_rule(found, folder, frames[0])
        if equation.verdict != "found":
            say(help_at(NO_LAW))
    if equation.verdict == "none":
        raise typer.Exit(1)


def _say_rule(found: FramesEquation, folder: Path, recording: Path) -> None:
    """Where the equation is kept, and the rule that simulates it with how far it is from the equation."""
    say(f"\n{shown(folder)}/equation.json, equation.tex, report.html: the equation")
    if found.rule is not None:
        say(f"{shown(folder)}/rule.json simulates it: {found.rule.text()}")
        say(next_simulation(folder, recording, "film.gif"))
    elif found.no_rule is not None:
        say(f"no rule.json: {found.no_rule}")
