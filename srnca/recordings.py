"""From a recording straight to a rule, without an automaton between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from distill.identify import identify
from distill.result import Distillation
from distill.weak.discretise import Discretised, discretise
from distill.weak.equation import Equation
from distill.weak.find import find_equation
from distill.weak.timing import Timing, decide_time
from distill.weak.typeset import to_latex
from distill.work import SearchOptions
from equations.errors import InputError
from equations.files import write_text
from equations.rule.rule import Display
from equations.rule.rulefile import save_rule
from srnca.media.flaws import find_flaws
from srnca.media.loading import load_recordings
from srnca.media.recording import Recording
from srnca.pages import report_recording
from srnca.pages.equation_page import report_equation
from srnca.pages.live.result import write_result_page
from srnca.provenance import provenance


def distill_frames(
    source: Path | Sequence[Path],
    *,
    terms: int = 24,
    derivative: str = "auto",
    stencil: str = "auto",
    dt: float | None = None,
    dx: float | None = None,
    stride: int = 1,
    boundary: str = "auto",
    out: Path | None = None,
    note: Callable[[str], None] | None = None,
    loaded: Sequence[Recording] | None = None,
    timing: Timing | None = None,
    **search: Unpack[SearchOptions],
) -> Distillation:
    """The rule behind one recording, or several of one system: frames.npz, frames.zarr, folders of pictures, GIF,
    films.

    terms: the most terms of a channel, on average over channels.
    derivative, stencil: see `distill.identify`.
    dt: time between two frames of the files; None takes the files' own.
    dx: width of a cell; None takes the files' own.
    stride: use every stride-th frame.
    boundary: periodic, walls or auto, see `distill.identify`.
    out: a folder for rule.json, report.json, report.html, page.html and the halls of fame.
    note: is called with each change that reading made to the frames, as a sentence.
    loaded: what `load_all` has read from `source`, so that it is not read again.
    timing: why time is taken for steps; it goes into the report.
    search: engine, seed, effort, budget_s, progress and resume; see `distill.identify`. `resume` goes on in `out`.

    There is no texture, so nothing is refined. Raises InputError for recordings from which no law can be read,
    MissingPartError for a reader or an engine that is not installed.
    """
    paths = [source] if isinstance(source, Path) else list(source)
    recordings = loaded or load_all(paths, dt=dt, dx=dx, stride=stride, note=note)
    first = recordings[0]
    found = identify(
        [recording.frames for recording in recordings],
        first.dt,
        first.channels,
        dx=1.0 if first.dx is None else first.dx,
        derivative=derivative,
        stencil=stencil,
        boundary=boundary,
        max_terms=terms,
        display=_display(first.channels),
        folder=out,
        **search,
    )
    origin = {"recordings": [path.name for path in paths], "stride": stride}
    found.result.report["provenance"] |= origin
    if timing is not None:
        found.result.report["timing"] = timing.to_json()
    rule = found.result.rule
    result = replace(found.result, rule=rule.replace(provenance={**rule.provenance, **origin}))
    if out is not None:
        report_recording(out / "report.html", result, found.teacher, paths[0].stem)
        write_result_page(out, result, paths[0].stem)
        result.save(out)
    return result


def find_frames_equation(
    source: Path | Sequence[Path],
    *,
    dt: float | None = None,
    dx: float | None = None,
    stride: int = 1,
    boundary: str = "auto",
    engine: str = "auto",
    seed: int = 0,
    out: Path | None = None,
    note: Callable[[str], None] | None = None,
    loaded: Sequence[Recording] | None = None,
    timing: Timing | None = None,
) -> FramesEquation:
    """The partial differential equation of one recording, or several of one system, and the rule that simulates it.

    See `distill.find_equation` and `distill.weak.discretise`.

    engine: who looks for free forms, see `distill.find_equation`.
    out: a folder for equation.json, equation.tex, report.html and rule.json. The other arguments are those of
    `distill_frames`, and so are the errors.
    """
    paths = [source] if isinstance(source, Path) else list(source)
    recordings = loaded or load_all(paths, dt=dt, dx=dx, stride=stride, note=note)
    first = recordings[0]
    frames = [recording.frames for recording in recordings]
    equation = find_equation(
        frames,
        first.channels,
        first.dt,
        1.0 if first.dx is None else first.dx,
        boundary=boundary,
        engine=engine,
        seed=seed,
    )
    ruled, why = (None, None) if equation.verdict == "none" else _rule_of(equation, first)
    found = FramesEquation(equation, ruled, timing, why)
    if out is not None:
        found.save(out, paths[0].stem, {"recordings": [path.name for path in paths], "stride": stride})
    return found


def _rule_of(equation: Equation, recording: Recording) -> tuple[Discretised | None, str | None]:
    """The rule that simulates the equation, or why there is none: the equation is kept either way."""
    try:
        ruled = discretise(equation, recording.frames, display=_shown(recording))
    except InputError as error:
        return None, str(error)
    return ruled, None if ruled else "run forward, the equation grows without bound"


@dataclass(frozen=True, eq=False)
class FramesEquation:
    """What a recording's continuous law is.

    rule: what simulates it; None where the verdict is "none", or there is none.
    timing: why time was taken for continuous, where that was asked.
    no_rule: why there is no rule though there is an equation.
    """

    equation: Equation
    rule: Discretised | None
    timing: Timing | None = None
    no_rule: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data: the keys of equation.json."""
        timing = {} if self.timing is None else {"timing": self.timing.to_json()}
        why = {} if self.no_rule is None else {"no_rule": self.no_rule}
        return self.equation.to_json() | {"rule": None if self.rule is None else self.rule.to_json()} | why | timing

    def save(self, folder: Path, name: str, origin: Mapping[str, Any]) -> None:
        """Write equation.json, equation.tex, report.html and, where there is one, rule.json; without one an older
        rule.json is removed.

        name: of the recording. origin: what is noted in rule and report of where they come from.
        """
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "equation.json", json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n")
        write_text(folder / "equation.tex", to_latex(self.equation))
        noted = {**origin, **provenance()}
        report_equation(folder / "report.html", self.equation, self.rule, name, noted, self.no_rule)
        path = folder / "rule.json"
        if self.rule is None:
            path.unlink(missing_ok=True)
            return
        rule = self.rule.rule
        save_rule(rule.replace(provenance={**rule.provenance, **noted}), path)


def time_of(recordings: Sequence[Recording], seed: int = 0) -> Timing:
    """Whether recordings of one system are read as steps or as continuous, and why; see `distill.weak.timing`."""
    first = recordings[0]
    return decide_time([r.frames for r in recordings], first.channels, first.dt, first.dx or 1.0, seed=seed)


def load_all(
    paths: Sequence[Path],
    *,
    dt: float | None = None,
    dx: float | None = None,
    stride: int = 1,
    note: Callable[[str], None] | None = None,
) -> tuple[Recording, ...]:
    """Several recordings of one system; `note` is called with what was understood and what was changed."""
    recordings = load_recordings(paths, dt=dt, dx=dx, stride=stride)
    if note is not None:
        flaws = [f"{p.name}: {flaw}" for p, r in zip(paths, recordings, strict=True) for flaw in find_flaws(r.frames)]
        for text in dict.fromkeys([*(text for r in recordings for text in r.notes), *flaws]):
            note(text)
    return recordings


def _shown(recording: Recording) -> Display:
    """Pictures as they were; otherwise the first channel, from the smallest value to the largest, black to white."""
    plain = _display(recording.channels)
    if plain is not None:
        return plain
    low, high = float(recording.frames[:, 0].min()), float(recording.frames[:, 0].max())
    scale = 1 / (high - low) if high > low else 1.0
    return Display(recording.channels[:1], scale, -low * scale)


def _display(channels: tuple[str, ...]) -> Display | None:
    """Pictures are shown as they were."""
    if channels in (("r", "g", "b"), ("grey",)):
        return Display(channels)
    return None
