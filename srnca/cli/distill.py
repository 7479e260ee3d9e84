"""`srnca distill`: an automaton, or a recording, becomes equations."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from equations.errors import InputError
from srnca.cli.distill_result import say_result
from srnca.cli.distill_resume import UNFINISHED, go_on, recall, remembered
from srnca.cli.distill_source import recording_options, source_of
from srnca.cli.equation import find as find_equation
from srnca.cli.equation import settle_time
from srnca.cli.law import check_species, distill_image, exit_without_law
from srnca.cli.options import (
    LEAST_EFFORT,
    MOST_EFFORT,
    LegacyRate,
    Quiet,
    check_folder,
    no_empty_folder,
    option,
    parse_duration,
)
from srnca.cli.output import warn
from srnca.cli.progress import Progress

if TYPE_CHECKING:
    from distill.result import Distillation

EXAMPLES = """\
srnca distill --checkpoint snake.pt --out snake-rule
srnca distill --checkpoint snake.pt --terms 12 --effort 3
srnca distill --checkpoint snake.pt --budget 5m        # by the clock; the report says what was left out
srnca distill --checkpoint snake.pt --loss 0.1         # the shortest rule that is as good as this
srnca distill --checkpoint snake.pt --species 2        # only a reaction-diffusion law of two species
srnca distill --checkpoint snake.pt --species none     # only the automaton's rule: half the time
srnca distill --image leaf.png --species auto          # the same without an automaton; 2, 3 and 4 compete
srnca distill --resume --out snake-rule                # after Ctrl-C, a kill or a power cut
srnca distill --frames recording.npz
srnca distill --frames waves.npz --time continuous     # a partial differential equation, with errors and a verdict
srnca distill --frames flame.npz --time continuous --engine operon   # also forms such as exp(-2/u)*w
srnca distill --frames run1.npz --frames run2.npz --stride 2 --json
srnca distill --frames pictures/ --dt 0.5 --dx 0.1 --derivative weak --engine sparse"""


def distill(
    checkpoint: Annotated[Path | None, option("The automaton: a file of `srnca train`.")] = None,
    frames: Annotated[
        list[Path] | None,
        option("A recording: npz, zarr, mat, h5, a folder of pictures, tif, gif, mp4. Again for each of one system."),
    ] = None,
    image: Annotated[
        str | None,
        option("With --species: a picture, or sample:NAME, whose law is searched without an automaton."),
    ] = None,
    size: Annotated[
        int | None, option("With --image: pixels a side that the picture is scaled to.  [default: 64]", min=16)
    ] = None,
    engine: Annotated[
        Literal["auto", "exact", "sparse", "operon", "pysr"],
        typer.Option(help="Who looks for the equations; with --time continuous, for terms beyond the library."),
    ] = "auto",
    out: Annotated[Path | None, option("Folder of the result.  [default: NAME-rule, NAME-equation]")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    species: Annotated[
        str | None,
        option(
            "Only a reaction-diffusion law of 1 to 6 species that makes the picture; auto: 2, 3 and 4 compete; none: "
            "only the automaton's rule.  [default: a law of 2 and the rule]"
        ),
    ] = None,
    terms: Annotated[
        int | None,
        option("Largest number of terms per channel; with --species, of numbers in all, colours included.", min=1),
    ] = None,
    loss: Annotated[float | None, option("The shortest rule of at most this texture loss.")] = None,
    effort: Annotated[
        float, typer.Option(min=LEAST_EFFORT, max=MOST_EFFORT, help="Times the work of searching and refining.")
    ] = 1.0,
    budget: Annotated[
        str | None,
        option("A limit in time, 90s, 5m or 1h: what does not fit is left out, and the report says what."),
    ] = None,
    refine: Annotated[Literal["auto", "none"], typer.Option(help="Tune the constants on rollouts, or not.")] = "auto",
    states: Annotated[
        float | None,
        option("Refine for the automaton's own states too, of this weight: 1 counts them as much as the texture."),
    ] = None,
    update_rate: LegacyRate = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the unfinished one in --out.")] = False,
    derivative: Annotated[
        Literal["auto", "step", "multistep", "weak", "savgol"],
        typer.Option(help="For a recording: how du/dt is estimated. auto chooses by the noise and says what it chose."),
    ] = "auto",
    stencil: Annotated[
        Literal["auto", "lap5", "lap9", "lap9sims", "lap", "lap8", "lapx", "free"],
        typer.Option(help="For a recording: the Laplacian's stencil; free fits the weights of its edges and corners."),
    ] = "auto",
    time: Annotated[
        Literal["auto", "steps", "continuous"],
        typer.Option(help="For a recording: the step of an automaton, or a differential equation; auto looks at it."),
    ] = "auto",
    boundary: Annotated[
        Literal["auto", "periodic", "walls"] | None, option("Of a recording's frames.  [default: auto]")
    ] = None,
    dt: Annotated[
        float | None, typer.Option(help="Time between two frames of the file.  [default: its own, or 1]")
    ] = None,
    dx: Annotated[float | None, typer.Option(help="Width of a cell.  [default: the file's own, or 1]")] = None,
    stride: Annotated[int | None, typer.Option(help="Use every N-th frame only: dt is then N times as long.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="report.json on stdout.")] = False,
    quiet: Quiet = False,
) -> None:
    """Find the equations behind an automaton or a recording."""
    words = dict(locals())  # the options by parameter
    if resume and out is not None and checkpoint is None and not frames and image is None:
        go_on(recall(out, words, {name: p.default for name, p in signature(distill).parameters.items()}))
        return
    source = source_of(checkpoint, frames, image)
    recorded = recording_options(checkpoint, image, derivative, stencil, dt=dt, dx=dx, stride=stride, boundary=boundary)
    name = source.stem.removeprefix("sample:")
    folder = out or Path(f"{name}-rule")
    if image is not None and species in (None, "none"):
        raise InputError("--image: expected it with --species; for an automaton's rule, train one: srnca train IMAGE")
    if size is not None and image is None:
        raise InputError("--size: expected it with --image; an automaton has the size that it was trained at")
    others: dict[str, object] = {"--checkpoint": checkpoint, "--image": image}
    others |= {"--engine": engine != "auto" and time != "continuous"}
    others |= {"--terms": terms, "--species": species, "--update-rate": update_rate}
    others |= {"--loss": loss, "--states": states, "--budget": budget, "--effort": effort != 1, "--resume": resume}
    others |= {"--refine": refine == "none", "--derivative": derivative != "auto", "--stencil": stencil != "auto"}
    units = {"dt": dt, "dx": dx, "stride": 1 if stride is None else stride}
    asked = [flag for flag, value in others.items() if value is not None and value is not False]
    if frames or time == "continuous":
        settled, known = settle_time(time, frames or [], seed, units, asked)
        if settled == "continuous":
            equation = out or Path(f"{name}-equation")  # not among the files of an earlier rule
            find_equation(
                frames or [],
                equation,
                boundary or "auto",
                engine,
                seed,
                units,
                asked,
                known=known,
                as_json=as_json,
                quiet=quiet,
            )
            return
        recorded |= {"loaded": known[0], "timing": known[1]}
    budget_s = parse_duration(budget, "--budget")
    options: dict[str, Any] = {"engine": engine, "seed": seed, "refine": refine != "none", "resume": resume}
    options |= {"effort": effort, "budget_s": budget_s}
    if checkpoint is None and image is None and refine == "none":
        raise InputError("--refine none: expected it with --checkpoint; a recording has no texture to refine for")
    for flag, given, name, why in (
        ("--loss", loss, "max_loss", "which texture losses come from"),
        ("--states", states, "states", "which it is a part of"),
    ):
        if given is not None:
            if (checkpoint is None and image is None) or refine == "none":
                raise InputError(f"{flag}: expected it with --checkpoint and refinement, {why}")
            options[name] = given
    pictured = {"checkpoint": checkpoint is not None, "image": image is not None}
    asked_species = check_species(species, **pictured, engine=engine, refine=refine, states=states)
    if asked_species is not None:
        options["species"] = asked_species
    if terms is not None:
        options["terms"] = terms
    if resume and not (folder / UNFINISHED).exists():
        warn(f"{folder}: nothing unfinished there, starting anew")
    with no_empty_folder(folder), remembered(folder, words), Progress(quiet=quiet) as progress:

        def report(stage: str, fraction: float, detail: str) -> None:
            progress.update(stage, fraction, 1.0, detail)

        try:
            if image is not None:
                result = distill_image(image, size, folder, update_rate, progress=report, **options)
            else:
                result = _distill(
                    checkpoint, frames or [], folder, recorded, update_rate=update_rate, progress=report, **options
                )
        except KeyboardInterrupt:
            if (folder / UNFINISHED).exists():
                warn(f"interrupted; what is done is in {folder}; go on with: srnca distill --resume --out {folder}")
            raise
    for what in result.report.get("left_out", []):
        warn(f"{f'--budget {budget}' if budget else 'an earlier --budget'} was too short: left out {what}")
    for note in result.report.get("notes", []):
        warn(f"note: {note}")
    say_result(result, folder, frames[0] if frames else None, as_json=as_json)
    if result.report.get("verdict") == "none":
        raise typer.Exit(1)
    if asked_species not in (None, "beside"):
        exit_without_law(result)


def _distill(
    checkpoint: Path | None,
    frames: list[Path],
    folder: Path,
    recorded: dict[str, Any],
    *,
    update_rate: float | None,
    **options: Any,
) -> Distillation:
    if checkpoint is not None:
        from srnca.automata import load

        automaton = load(checkpoint, update_rate=update_rate)
        if options.get("species") == "beside" and automaton.loss is None:
            del options["species"]
        for name, flag in (("max_loss", "--loss"), ("species", "--species"), ("states", "--states")):
            if name in options and name in automaton.missing_options:
                raise InputError(f"{flag}: {checkpoint} {automaton.missing_options[name]}; leave it out")
        for note in automaton.notes:
            warn(f"{checkpoint}: {note}")
        return automaton.distill(out=check_folder(folder), **options)
    if update_rate is not None:
        raise InputError("--update-rate: expected it with a legacy checkpoint only, got it with --frames; leave it out")
    from srnca.media.loading import check_there

    for path in frames:  # before the slow import
        check_there(path)
    from srnca.recordings import distill_frames

    del options["refine"]  # there is no picture to refine for
    return distill_frames(frames, out=check_folder(folder), note=warn, **recorded, **options)
