"""The tensors and stencils of a checkpoint, checked before they are used.

Every function raises InputError for a value that is not what it should be; the message names the field and shows the
value, shortened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from equations.errors import InputError, shorten
from equations.rule.stencils import MAX_STENCILS, Stencil
from srnca.automata.kinds import fits, part, words


def numbers(value: object, name: str, shape: tuple[int | None, ...]) -> Tensor:
    """`value`, which must be a tensor of finite real numbers of that shape; None in `shape` is any length above 0."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        got = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"{name}: expected a tensor of real numbers, got {got}")
    long = [n == w if w is not None else n > 0 for n, w in zip(value.shape, shape, strict=False)]
    if value.ndim != len(shape) or not all(long):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InputError(f"{name}: expected the shape ({wanted}), got {tuple(value.shape)}")
    if not bool(value.isfinite().all()):
        raise InputError(f"{name}: expected finite numbers, got NaN or infinity")
    return value.detach()


def stencils(data: Mapping[str, Any], count: int) -> tuple[Stencil, ...]:
    """The stencils of a checkpoint: `count` of them, all of different names."""
    found = part(data, "stencils", list[dict])
    if len(found) != count or count > MAX_STENCILS:
        raise InputError(f"stencils: expected {count}, as the configuration says, got {len(found)}")
    made = []
    for entry in found:
        if not {"name", "kernel"} <= set(entry):
            raise InputError(f"stencils: expected a name and a kernel each, got {shorten(', '.join(map(str, entry)))}")
        kernel = tuple(tuple(row) for row in part(entry, "kernel", list[list[float]]))
        made.append(Stencil(part(entry, "name", str), kernel))  # type: ignore[arg-type]
    if len({stencil.name for stencil in made}) < len(made):
        raise InputError("stencils: expected different names, got some twice")
    return tuple(made)


def weights(data: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights by name, finite real numbers; `put_weights` checks their shapes."""
    return {name: _real(value, name) for name, value in part(data, "weights", dict).items()}


def _real(value: object, name: str) -> Tensor:
    return numbers(value, f"weights: {shorten(name)}", tuple(value.shape) if isinstance(value, Tensor) else ())


def put_weights(network: nn.Module, found: Mapping[str, Tensor]) -> None:
    """Load weights into `network`. Raises InputError where their names or shapes are not the network's."""
    own = network.state_dict()
    if set(own) != set(found):
        odd = sorted(set(own) ^ set(found))[0]
        raise InputError(
            f"weights: expected {len(own)} tensors such as {next(iter(own))}, got {len(found)}: "
            f"{shorten(odd)} is {'missing' if odd in own else 'none of them'}"
        )
    for name, tensor in own.items():
        numbers(found[name].to(tensor.dtype), f"weights: {name}", tuple(tensor.shape))
    network.load_state_dict(found)


def same_kind(value: object, like: object, name: str) -> None:
    """Raises InputError where keys, lengths, types or shapes of `value` differ from those of `like`, at any depth, or
    where its numbers are not finite.
    """
    if isinstance(like, Tensor):
        if not isinstance(value, Tensor) or value.shape != like.shape or value.dtype != like.dtype:
            raise InputError(f"{name}: expected {shorten(like)}, got {shorten(value)}")
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise InputError(f"{name}: expected finite numbers, got NaN or infinity")
    elif isinstance(like, Mapping):
        if not isinstance(value, Mapping) or set(like) != set(value):
            raise InputError(f"{name}: expected the parts {shorten(', '.join(map(str, like)))}, got {shorten(value)}")
        for key in like:
            same_kind(value[key], like[key], f"{name}: {key}")
    elif isinstance(like, (list, tuple)):
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != len(like):
            raise InputError(f"{name}: expected {len(like)} entries, got {shorten(value)}")
        for one, other in zip(value, like, strict=True):
            same_kind(one, other, name)
    elif not fits(value, float if type(like) is float else type(like)):
        raise InputError(f"{name}: expected {words(type(like))}, got {shorten(value)}")


def history(data: Mapping[str, Any]) -> list[float]:
    """The training losses; those of a training that diverged may be infinite."""
    found = data["history"]
    if not isinstance(found, Tensor) or found.ndim != 1 or found.dtype not in (torch.float32, torch.float64):
        raise InputError(f"history: expected a row of real numbers as a tensor, got {shorten(found)}")
    return [float(loss) for loss in found.tolist()]
