"""From a recording straight to a rule, without an automaton between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from distill.identify import identify
from distill.result import Distillation
from distill.weak.equation import Equation
from distill.weak.find import find_equation
from distill.work import SearchOptions
from equations.files import write_text
from equations.rule.rule import Display
from srnca.media.loading import load_recordings
from srnca.media.recording import Recording
from srnca.pages import report_recording


def distill_frames(
    source: Path | Sequence[Path],
    *,
    terms: int = 24,
    derivative: str = "auto",
    stencil: str = "auto",
    dt: float | None = None,
    dx: float | None = None,
    stride: int = 1,
    out: Path | None = None,
    note: Callable[[str], None] | None = None,
    **search: Unpack[SearchOptions],
) -> Distillation:
    """The rule behind one recording, or several of one system: frames.npz, frames.zarr, folders of pictures, GIF,
    films.

    terms: the most terms of a channel, on average over channels.
    derivative, stencil: see `distill.identify`.
    dt: time between two frames of the files; None takes the files' own.
    dx: width of a cell; None takes the files' own.
    stride: use every stride-th frame.
    out: a folder for rule.json, report.json, report.html and the halls of fame.
    note: is called with each change that reading made to the frames, as a sentence.
    search: engine, seed, effort, budget_s, progress and resume; see `distill.identify`. `resume` goes on in `out`.

    There is no texture, so nothing is refined. Raises InputError for recordings from which no law can be read,
    MissingPartError for a reader or an engine that is not installed.
    """
    paths = [source] if isinstance(source, Path) else list(source)
    recordings = _load(paths, dt, dx, stride, note)
    first = recordings[0]
    found = identify(
        [recording.frames for recording in recordings],
        first.dt,
        first.channels,
        dx=1.0 if first.dx is None else first.dx,
        derivative=derivative,
        stencil=stencil,
        max_terms=terms,
        display=_display(first.channels),
        folder=out,
        **search,
    )
    origin = {"recordings": [path.name for path in paths], "stride": stride}
    found.result.report["provenance"] |= origin
    rule = found.result.rule
    result = replace(found.result, rule=rule.replace(provenance={**rule.provenance, **origin}))
    if out is not None:
        report_recording(out / "report.html", result, found.teacher, paths[0].stem)
        result.save(out)
    return result


def find_frames_equation(
    source: Path | Sequence[Path],
    *,
    dt: float | None = None,
    dx: float | None = None,
    stride: int = 1,
    boundary: str = "auto",
    seed: int = 0,
    out: Path | None = None,
    note: Callable[[str], None] | None = None,
) -> Equation:
    """The partial differential equation of one recording, or several of one system; see `distill.find_equation`.

    out: a folder for equation.json. The other arguments are those of `distill_frames`, and so are the errors.
    """
    paths = [source] if isinstance(source, Path) else list(source)
    recordings = _load(paths, dt, dx, stride, note)
    first = recordings[0]
    frames = [recording.frames for recording in recordings]
    found = find_equation(
        frames, first.channels, first.dt, 1.0 if first.dx is None else first.dx, boundary=boundary, seed=seed
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "equation.json", json.dumps(found.to_json(), indent=2, allow_nan=False) + "\n")
    return found


def _load(
    paths: Sequence[Path],
    dt: float | None,
    dx: float | None,
    stride: int,
    note: Callable[[str], None] | None,
) -> tuple[Recording, ...]:
    recordings = load_recordings(paths, dt=dt, dx=dx, stride=stride)
    for text in dict.fromkeys(text for recording in recordings for text in recording.notes):
        if note is not None:
            note(text)
    return recordings


def _display(channels: tuple[str, ...]) -> Display | None:
    """Pictures are shown as they were."""
    if channels in (("r", "g", "b"), ("grey",)):
        return Display(channels)
    return None
