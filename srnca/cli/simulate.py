"""`srnca simulate`: a rule runs and is shown."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from srnca.cli.inputs import read_rule
from srnca.cli.options import check_output, parse_size
from srnca.cli.output import say, say_json
from srnca.cli.progress import Progress, short_time

if TYPE_CHECKING:
    import numpy as np

    from equations import Rule

EXAMPLES = """\
srnca simulate snake-rule/rule.json --size 512x256 --steps 2000 --out snake.png
srnca simulate gray-scott:coral --steps 10000 --out coral.gif
srnca simulate rule.json --every 10 --steps 500 --out frames.npz"""

ENDINGS = (".png", ".gif", ".npz")
FRAMES = 50  # kept when --every is not given
GIF_SIDE = 256  # small grids are enlarged to about this for an animation


def simulate(
    rule: Annotated[
        str,
        typer.Argument(metavar="RULE", help="A rule.json, its folder, or a model such as gray-scott:coral."),
    ],
    size: Annotated[str, typer.Option(help="Cells: N or WIDTHxHEIGHT.")] = "256",
    steps: Annotated[int, typer.Option(min=0, help="Steps of the automaton.")] = 2000,
    every: Annotated[
        int | None,
        typer.Option(min=1, help="Steps between frames.  [default: 50 frames]", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="First state and update mask.")] = 0,
    backend: Annotated[Literal["auto", "reference", "numba", "torch"], typer.Option(help="What runs it.")] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(help="x.png (the last state), x.gif or x.npz.  [default: NAME.png]", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Run a rule and write a picture, an animation or its frames."""
    shape = parse_size(size)
    path = check_output(out or Path(f"{_name(rule)}.png"), ENDINGS)
    law = read_rule(rule)
    kind = path.suffix.lower()
    stride = every or max(1, -(-steps // FRAMES))
    started = time.monotonic()
    with Progress(quiet=quiet) as progress:
        # A recording has one time step between all its frames; a picture or a film wants the last state too.
        states = _states(law, shape, steps, stride, seed, backend, progress, last=kind != ".npz")
        count = {".png": _write_png, ".gif": _write_gif, ".npz": _write_npz}[kind](law, states, path, stride)
    seconds = time.monotonic() - started
    if as_json:
        say_json(
            {
                "out": path,
                "rule": rule,
                "size": {"width": shape[1], "height": shape[0]},
                "steps": steps,
                "frames": count,
                "seed": seed,
                "backend": backend,
                "time_s": seconds,
            }
        )
        return
    frames = "1 frame" if count == 1 else f"{count} frames"
    say(f"{path}: {frames} of {shape[1]}x{shape[0]} cells, {steps} steps in {short_time(seconds)}")


def _name(rule: str) -> str:
    """`run/rule.json` and `run` -> run; `gray-scott:coral` -> gray-scott-coral; `zebra.json` -> zebra."""
    path = Path(rule)
    if path.name == "rule.json" and path.parent.name:
        return path.parent.name
    return (path.name.removesuffix(".json") or "rule").replace(":", "-")


def _states(
    rule: Rule,
    shape: tuple[int, int],
    steps: int,
    stride: int,
    seed: int,
    backend: str,
    progress: Progress,
    *,
    last: bool,
) -> Iterator[np.ndarray]:
    """The states (channel, h, w) at step 0, stride, 2 stride, … and, if `last`, at the end.

    Raises DivergenceError when the rule blows up.
    """
    from equations.simulation import Simulator

    simulator = Simulator(rule, size=shape, seed=seed, backend=backend)
    yield simulator.state
    while simulator.steps_done < steps:
        step = min(stride, steps - simulator.steps_done)
        simulator.step(step)
        progress.update("simulate", simulator.steps_done, steps)
        if step == stride or last:
            yield simulator.state


def _write_png(rule: Rule, states: Iterator[np.ndarray], path: Path, stride: int) -> int:
    from equations.rendering import render
    from srnca.images import save_png

    for state in states:
        final = state
    save_png(path, render(rule, final))
    return 1


def _write_gif(rule: Rule, states: Iterator[np.ndarray], path: Path, stride: int) -> int:
    from equations.rendering import render
    from srnca.images import save_gif

    pictures = [render(rule, state) for state in states]
    save_gif(path, pictures, scale=max(1, GIF_SIDE // max(pictures[0].shape[:2])))
    return len(pictures)


def _write_npz(rule: Rule, states: Iterator[np.ndarray], path: Path, stride: int) -> int:
    """`frames (t, channel, h, w)`, `dt` (time between two frames), `dx`, `channels`: docs/formats.md."""
    import numpy as np

    from equations.files import write_bytes

    frames = np.stack([state.copy() for state in states]).astype(np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frames=frames, dt=rule.dt * stride, dx=1.0, channels=np.array(rule.channels))
    write_bytes(path, buffer.getvalue())
    return len(frames)
