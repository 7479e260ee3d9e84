"""What checkpoint files of both kinds share: their format, how a file's kind is recognised, and their common fields.

The fields of one kind alone are read by `srnca.texture.checkpoint` and `srnca.dynamics.checkpoint`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch

from equations.errors import InputError, shorten, shorten_text
from equations.files import write_bytes
from equations.rule.stencils import Stencil
from srnca.automata import fields, kinds
from srnca.automata.paths import check_checkpoint
from srnca.automata.tensorfile import read_tensors

FORMAT = "srnca.nca/1"
PICTURE, RECORDING = "picture", "recording"  # kinds: what the automaton was trained on
LEGACY_WEIGHTS = ("conv_0.weight", "conv_1.weight")  # what every checkpoint of the first implementation holds
Built = TypeVar("Built")
_ORIGIN = {  # types of the provenance entries that the commands use, where they are present
    "target": str, "notes": list, "vgg_weights": str | None, "recordings": list[str], "given": dict, "fingerprint": str,
}  # fmt: skip


def read_kind(path: Path | str) -> tuple[str, Any]:
    """What the automaton in a checkpoint was trained on, `picture` or `recording`, and the file's data.

    Raises InputError when the file is missing, cut short, a pickle of something else, or of another format.
    """
    path = check_checkpoint(path)
    data = read_tensors(path, "a checkpoint")
    if is_legacy(data):
        return PICTURE, data
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        got = type(data).__name__
        if isinstance(data, dict):
            got = shorten(data["format"]) if "format" in data else "no format"
        raise InputError(f"{path}: expected a checkpoint of format {FORMAT}, got {got}; make one with `srnca train`")
    kind = data.get("kind", PICTURE)
    if kind not in (PICTURE, RECORDING):
        raise InputError(f"{path}: expected a checkpoint of kind {PICTURE} or {RECORDING}, got {shorten(kind)}")
    return kind, data


def is_legacy(data: object) -> bool:
    """Whether a file's data is, or tries to be, a state dict of the first implementation (`srnca.texture.legacy`)."""
    return isinstance(data, dict) and "format" not in data and any(name in data for name in LEGACY_WEIGHTS)


def build_from(
    path: Path | str, data: dict[str, Any], keys: Sequence[str], build: Callable[[dict[str, Any]], Built]
) -> Built:
    """What `build` makes of a checkpoint's data; InputError where one of `keys` is missing or parts do not fit."""
    missing = [key for key in keys if key not in data]
    if missing:
        raise InputError(f"{path}: the checkpoint lacks {', '.join(missing)}; train it again")
    try:
        return build(data)
    except (InputError, LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, AttributeError) as error:
        reason = shorten_text(str(error))
        raise InputError(f"{path}: the parts of this checkpoint do not fit each other ({reason})") from error


def write_checkpoint(
    path: Path | str, checkpoint: Any, stencils: Sequence[Stencil], head: dict[str, Any], own: dict[str, Any]
) -> None:
    """Write a checkpoint of either kind atomically: a killed process leaves the old file or the new one.

    head: its configuration, and its kind where that is not a picture's.
    own: the fields that only this kind has, as tensors and plain data.
    """
    data = {
        "format": FORMAT,
        **head,
        "weights": {k: v.detach().cpu() for k, v in checkpoint.nca.state_dict().items()},
        "stencils": [{"name": s.name, "kernel": [list(row) for row in s.kernel]} for s in stencils],
        **own,
        "history": torch.tensor(checkpoint.history, dtype=torch.float64),
        "iteration": checkpoint.iteration,
        "provenance": checkpoint.provenance,
        "training": checkpoint.training,
    }
    buffer = io.BytesIO()
    torch.save(data, buffer)
    write_bytes(Path(path), buffer.getvalue())


def record_of(data: dict[str, Any]) -> dict[str, Any]:
    """`history`, `iteration`, `provenance` and `training`, the fields of every checkpoint. Raises InputError."""
    origin, iteration = kinds.part(data, "provenance", dict), kinds.part(data, "iteration", int)
    kinds.plain(origin, "provenance")
    for name, kind in _ORIGIN.items():
        if name in origin:
            kinds.part(origin, name, kind)
    if iteration < 0:
        raise InputError(f"iteration: expected at least 0, got {iteration}")
    return {
        "history": fields.history(data),
        "iteration": iteration,
        "provenance": origin,
        "training": kinds.part(data, "training", dict) if "training" in data else {},
    }
