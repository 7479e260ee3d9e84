"""`srnca simulate`: runs a rule or the network of a checkpoint, and writes a picture, a film or a recording of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from srnca.cli.inputs import Changes
from srnca.cli.options import AsJson, LegacyRate, Quiet, check_folder, check_output, option, parse_size
from srnca.cli.output import say, say_json, warn
from srnca.cli.progress import Progress
from srnca.cli.ranks import ignore, is_first, sharing
from srnca.cli.simulate_source import default_name, read_runnable, zoomed_source
from srnca.cli.simulate_start import complete_recipe, limit_to_cores, make_simulator, read_kept, save_last
from srnca.cli.simulate_text import describe, speed
from srnca.cli.stopping import stopping_politely

if TYPE_CHECKING:
    from equations import Simulator
    from srnca.media.writing import Recipe
    from srnca.running import Outcome

EXAMPLES = """\
srnca simulate snake-rule --size 512x256 --steps 2000 --out snake.png
srnca simulate snake.pt --size 512 --seed 3 --out network.gif     # the network itself, without a rule
srnca simulate gray-scott:coral --out coral.gif --colormap magma
srnca simulate gray-scott:coral --set F=0.03 --set k=0.06 --out other.png
srnca simulate leaf-rule --zoom 2 --size 512             # the same pattern, twice as large
srnca simulate gray-scott --init leaf.png --out leaf.mp4 --fps 30
srnca simulate rule.json --every 10 --steps 500 --out frames.npz
srnca simulate rule.json --steps 100000 --out run.zarr --save-state now.npz
srnca simulate rule.json --steps 100000 --out run.zarr --resume   # after Ctrl-C or a kill
srnca simulate rule.json --init now.npz --steps 100000 --out more.zarr"""

ENDINGS = (".png", ".gif", ".mp4", ".npz", ".zarr")
FRAMES = 50  # how many are kept, about, when --every is not given
INTERRUPTED = 130


def simulate(
    rule: Annotated[
        str,
        typer.Argument(metavar="RULE", help="A rule.json, its folder, a model such as gray-scott, or a checkpoint."),
    ],
    size: Annotated[
        str | None,
        option("Cells: N or WIDTHxHEIGHT.  [default: a state.npz's, a model's or a recording's own, or 256]"),
    ] = None,
    steps: Annotated[int | None, option("Steps of the automaton.  [default: a model's own, or 2000]", min=0)] = None,
    every: Annotated[int | None, option("Steps between frames.  [default: 50 frames]", min=1)] = None,
    seed: Annotated[
        int | None,
        option("Seed of the first state and the mask.  [default: a state.npz's, a model's own, or 0]", min=0),
    ] = None,
    changes: Changes = None,
    zoom: Annotated[
        float | None,
        option("The pattern this many times as large: diffusion × N², drift × N, steps of dt/N²."),
    ] = None,
    init: Annotated[
        str | None,
        option("noise, square, spots, cross, a picture, or a state.npz.  [default: the rule's]", metavar="START"),
    ] = None,
    backend: Annotated[str, typer.Option(help="What computes the steps: auto, llvm, torch or reference.")] = "auto",
    threads: Annotated[
        int | None,
        option("Threads of llvm and torch, at most the cores.  [default: all]", min=1),
    ] = None,
    dtype: Annotated[
        Literal["float32", "float64"] | None,
        option("Precision of the numbers.  [default: float32, or a network's own]"),
    ] = None,
    decomposition: Annotated[
        str, typer.Option(metavar="auto|ROWSxCOLUMNS", help="Blocks of the grid, one a process of torchrun.")
    ] = "auto",
    out: Annotated[
        Path | None,
        option("x.png (the last state), x.gif, x.mp4, x.npz or x.zarr.  [default: NAME.png or NAME-network.png]"),
    ] = None,
    save_state: Annotated[Path | None, option("The last state, to go on from with --init.", metavar="FILE.npz")] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with x.zarr where a run with the same settings was stopped or killed."),
    ] = False,
    fps: Annotated[float | None, option("Frames a second (gif, mp4).  [default: 20]", min=1)] = None,
    scale: Annotated[int | None, option("Pixels a cell.  [default: 1; small films are enlarged]", min=1)] = None,
    colormap: Annotated[
        Literal["grey", "viridis", "magma", "inferno", "coolwarm", "duo"] | None,
        option("Colours of one channel; duo shows two.  [default: the rule's]"),
    ] = None,
    update_rate: LegacyRate = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a rule or a network: a picture, a film, its frames.

    Ctrl-C stops and keeps what was written; a second one stops at once.
    """
    from srnca.media.writing import RECORDINGS, Recipe

    shape = None if size is None else parse_size(size)
    path = _check_out(out or default_name(rule))
    if save_state is not None:
        check_output(save_state, (".npz",), "--save-state")
    options: dict[str, Any] = {"backend": backend, "dtype": dtype, "threads": limit_to_cores(threads)}
    source = read_runnable(rule, changes, options, seed=seed, decomposition=decomposition, update_rate=update_rate)
    source = source if zoom is None else zoomed_source(source, zoom)
    steps = source.steps if steps is None else steps
    stride = every or max(1, -(-steps // FRAMES))
    planned = steps // stride + 1 if path.suffix.lower() in RECORDINGS else -(-steps // stride) + 1
    recipe = Recipe(source.rule, stride, planned, fps, scale, colormap)
    kept = read_kept(path, recipe, init=init, size=shape, seed=seed, dtype=options["dtype"]) if resume else None
    if resume and is_first():
        warn(f"{path}: {'nothing to go on from yet, starting anew' if kept is None else f'going on from {kept}'}")
    started = time.monotonic()
    with (
        Progress(quiet=quiet or not is_first()) as progress,
        stopping_politely() as stopping,
        sharing(backend, decomposition) as make,
    ):
        simulator = make_simulator(make, source, init, shape, seed, kept, progress, **options)
        recipe = complete_recipe(recipe, simulator, kept, init)
        outcome, frames = _drive(simulator, path, recipe, steps, progress, stopping)
        if save_state is not None:
            save_last(save_state, simulator)
    height, width = simulator.size
    facts = {
        "out": path,
        "state": save_state,
        "rule": rule,
        "set": changes or [],
        "zoom": zoom,
        "init": init,
        "size": {"width": width, "height": height},
        "steps": outcome.steps,
        "interrupted": not outcome.complete,
        "frames": frames,
        "kept": recipe.kept,
        "seed": simulator.seed,
        **options,
        "cells_per_s": outcome.rate * height * width,
        "time_s": time.monotonic() - started,
    }
    if is_first() and as_json:
        say_json(facts)
    elif is_first():
        say(describe(facts, steps))
    if not outcome.complete:
        raise typer.Exit(INTERRUPTED)


def _drive(
    simulator: Simulator, path: Path, recipe: Recipe, steps: int, progress: Progress, stopping: Callable[[], bool]
) -> tuple[Outcome, int]:
    """Run the simulation and write its states. Returns how it ended, and the number of frames in the file."""
    from srnca.media.writing import RECORDINGS, writing
    from srnca.running import run

    ending, cells = path.suffix.lower(), math.prod(simulator.size)

    def report(done: int, rate: float) -> None:
        progress.update("simulate", done, steps, speed(rate * cells))

    every, last = None if ending == ".png" else recipe.every, ending not in RECORDINGS
    with writing(path, recipe) if is_first() else nullcontext() as writer:
        keep = ignore if writer is None else writer.add
        agree = getattr(simulator, "agree", int)  # a single process decides alone
        watch: dict[str, Any] = {"stopping": stopping, "report": report, "agree": agree}
        outcome = run(simulator, steps, every, keep, last=last, kept=recipe.kept, **watch)
    return outcome, 0 if writer is None else writer.frames


def _check_out(path: Path) -> Path:
    """As check_output, but for zarr only the parent folder: its writer checks what is there already."""
    if path.suffix.lower() == ".zarr":
        check_folder(path.parent)
        return path
    return check_output(path, ENDINGS)
