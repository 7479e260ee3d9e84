"""What `srnca simulate` runs: a rule, a known model, or the network of a checkpoint itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.distributed import world_size
from equations.errors import InputError
from srnca.cli.inputs import Source, file_name, is_checkpoint, read_source, with_step
from srnca.cli.output import warn

if TYPE_CHECKING:
    from srnca.automata.stepping import Network


def read_runnable(
    text: str,
    changes: Sequence[str] | None,
    options: dict[str, Any],
    *,
    seed: int | None,
    decomposition: str,
    update_rate: float | None,
) -> Source:
    """A rule, a model or the network of a checkpoint.

    options: `backend` and `dtype` as on the command line; they become those that are used.
    decomposition, update_rate: only rules have the first, and only legacy checkpoints the second.

    Raises InputError for options that do not fit, and where `text` names nothing that runs.
    """
    from equations.backends import resolve

    if is_checkpoint(text):
        if changes:
            raise InputError(f"{text}: expected a known model for --set, got a checkpoint; leave --set out")
        return _read_network(text, options, seed, decomposition, update_rate)
    if update_rate is not None:
        raise InputError(f"--update-rate: expected it with a legacy checkpoint only, got it with {text}; leave it out")
    options |= {"backend": resolve(options["backend"]), "dtype": options["dtype"] or "float32"}
    return read_source(text, changes)


def _read_network(
    path: str, options: dict[str, Any], seed: int | None, decomposition: str, update_rate: float | None
) -> Source:
    """The network with the outline of its rule. What a person should know before running it is printed."""
    from srnca.automata.paths import check_checkpoint

    check_checkpoint(path)  # before the slow imports
    from equations.backends import resolve
    from srnca.automata import load
    from srnca.automata.stepping import outline

    instead = f"make a rule of it first: srnca distill --checkpoint {path}"
    backend, dtype = options["backend"], options["dtype"]
    if backend != "auto" and resolve(backend) != "torch":
        raise InputError(f"--backend {backend}: a network runs on torch; leave it out, or {instead}")
    if decomposition != "auto" or world_size() > 1:
        what = f"--decomposition {decomposition}" if decomposition != "auto" else "torchrun"
        raise InputError(f"{what}: a network runs in one process; leave it out, or {instead}")
    automaton = load(path, update_rate=update_rate)
    network = automaton.teacher
    if dtype not in (None, network.dtype):
        raise InputError(f"--dtype {dtype}: this network computes in {network.dtype}; leave it out, or {instead}")
    for note in automaton.notes:
        warn(f"{path}: {note}")
    options |= {"backend": "torch", "dtype": network.dtype}
    return Source(outline(network), size=network.usual_size(seed or 0), network=network)


def zoomed_source(source: Source, factor: float) -> Source:
    """A rule whose patterns are `factor` times as large, and as many more steps as it takes smaller ones.

    Raises InputError for a network, and for a rule that is no differential equation.
    """
    from equations.rule.zoom import substeps, zoomed

    if source.network is not None:
        raise InputError("--zoom: expected a rule that is a differential equation, got a network; leave it out")
    parts = substeps(source.rule, factor)
    rule = zoomed(source.rule, factor)
    # a known model's equations may contain its time step
    own = with_step(source, rule.dt) if parts > 1 and source.size is not None else source.rule
    return replace(source, rule=zoomed(own, factor).replace(dt=rule.dt), steps=source.steps * parts)


def network_start(network: Network, size: tuple[int, int], seed: int) -> tuple[Any, str | None]:
    """The network's own first state (channel, h, w), and a note where that is not what one may expect."""
    own = network.usual_size(seed)
    note = None
    if own not in (None, size):
        note = (
            f"starting from noise like the recording's first frame, which has {own[1]}x{own[0]} cells; leave --size "
            "out to start from that frame, or give a start with --init"
        )
    return network.first_state(size, seed), note


def default_name(text: str) -> Path:
    """The picture that is written where no other file is named; not leaf.png, from which leaf.pt may have learned."""
    return Path(f"{Path(text).stem}-network.png" if is_checkpoint(text) else f"{file_name(text)}.png")
