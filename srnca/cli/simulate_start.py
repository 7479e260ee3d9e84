"""Where `srnca simulate` starts: at a first state, or with --resume at the last frame of a recording in zarr.

And what it saves at the end, to go on from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError
from srnca.cli.inputs import Source
from srnca.cli.output import warn
from srnca.cli.progress import Progress
from srnca.cli.ranks import is_first
from srnca.cli.simulate_source import network_start

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equations import Simulator
    from srnca.media.writing import Recipe


@dataclass(frozen=True, eq=False)
class Kept:
    """The end of an earlier run.

    frames: how many it has kept.
    state: the last of them, (channel, h, w).
    step: at which step that is.
    seed: of the masks.
    """

    frames: int
    state: NDArray[Any]
    step: int
    seed: int

    def __str__(self) -> str:
        return f"frame {self.frames - 1}, step {self.step}"


def read_kept(
    path: Path, recipe: Recipe, *, init: str | None, size: tuple[int, int] | None, seed: int | None, dtype: str
) -> Kept | None:
    """The end of the recording at `path`; None where it has no frame yet.

    size, seed: None where the command line does not give them.

    Raises InputError for files that cannot be continued, and for a run that was begun with other settings.
    """
    if path.suffix.lower() != ".zarr":
        raise InputError(
            f"--resume: expected a recording that keeps its frames when it is killed, as --out x.zarr, got {path}; "
            "leave out --resume"
        )
    from srnca.media.zarr.run_record import check_same, describe_run, read_run

    found = read_run(path)
    if found is None:
        return None
    stored, frames, state = found
    began = {name: stored.get(name) for name in ("seed", "step")}
    if not all(isinstance(value, int) and 0 <= value < 2**32 for value in began.values()):
        raise InputError(f"{path}: expected whole numbers for seed and step, got {began}; leave out --resume")
    own = {"seed": stored["seed"] if seed is None else seed, "step": stored["step"]}
    check_same(path, stored, describe_run(recipe.rule, every=recipe.every, init=init, **own))
    here = state.shape[1:]
    facts = {"size": f"{here[1]}x{here[0]}", "dtype": str(state.dtype)}
    wanted = facts["size"] if size is None else f"{size[1]}x{size[0]}"
    check_same(path, facts, {"size": wanted, "dtype": dtype})
    return Kept(frames, state, stored["step"] + (frames - 1) * recipe.every, stored["seed"])


def complete_recipe(recipe: Recipe, simulator: Simulator, kept: Kept | None, init: str | None) -> Recipe:
    """The recipe with the number of frames that are there already, or with the settings that a later run must share."""
    from srnca.media.zarr.run_record import describe_run

    if kept is not None:
        return replace(recipe, kept=kept.frames)  # the settings are in the file already
    begun: dict[str, Any] = {"seed": simulator.seed, "step": simulator.steps_done, "init": init}
    return replace(recipe, run=describe_run(recipe.rule, every=recipe.every, **begun))


def make_simulator(
    make: Callable[..., Simulator],
    source: Source,
    init: str | None,
    size: tuple[int, int] | None,
    seed: int | None,
    kept: Kept | None,
    progress: Progress,
    **options: Any,
) -> Simulator:
    """The simulator at its first state, or at the end of an earlier run. What was done to get that state is printed."""
    from equations.rule.init import KINDS
    from srnca.initial import SIZE, init_of_kind, read_start

    rule, usual = source.rule, source.size or SIZE
    if source.network is not None:
        from srnca.automata.stepping import make_stepper

        make = partial(make, stepper=make_stepper(source.network, options["threads"]))
    if kept is not None:
        simulator = make(rule, seed=kept.seed, state=kept.state, **options)
        simulator.steps_done = kept.step
        return simulator
    own = source.seed if seed is None else seed
    if init in KINDS:  # as a part of the rule, since processes that share a grid each make their own block
        rule, init = rule.replace(init=init_of_kind(rule, init)), None
    if init is None and source.network is not None:
        state, note = network_start(source.network, size or usual, own)
        if note is not None:
            progress.note(note)
        return make(rule, seed=own, state=state, **options)
    if init is None:
        return make(rule, size or usual, own, **options)
    start = read_start(rule, init, size, own, usual)
    for note in start.notes if is_first() else ():
        progress.note(note)
    own = start.seed if seed is None and start.seed is not None else own
    simulator = make(rule, seed=own, state=start.state, **options)
    simulator.steps_done = start.step
    return simulator


def limit_to_cores(threads: int | None) -> int | None:
    """At most one thread a core; a warning says where that is fewer than were asked for."""
    from equations.backends import limit_threads

    limit = limit_threads(threads)
    if limit != threads and is_first():
        warn(
            f"--threads {threads}: more than the cores here, {limit}; taking {limit}, which gives the same bytes faster"
        )
    return limit


def save_last(path: Path, simulator: Simulator) -> None:
    from srnca.initial import save_state

    state = simulator.state
    if not is_first():
        return
    try:
        save_state(path, simulator.rule, state, simulator.steps_done, simulator.seed)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
