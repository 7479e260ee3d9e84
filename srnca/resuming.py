"""What a checkpoint holds of an unfinished training, looked at before the training goes on from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch.optim import Optimizer

from equations.errors import InputError, shorten, shorten_text
from srnca import fields, kinds

_GROUP: dict[str, Any] = {"lr": float, "betas": tuple[float, float], "eps": float, "params": list[int]}  # of Adam


def check_training(state: Mapping[str, Any], like: Mapping[str, Any], optimisers: Mapping[str, Optimizer]) -> None:
    """Raises InputError where `state` is built otherwise than `like`, the state of a training that begins.

    optimisers: those whose state is in it, by its key there.
    """
    missing = [name for name in like if name not in state]
    if missing:
        raise InputError(f"it lacks {', '.join(missing)}")
    for name, value in like.items():
        if name in optimisers:
            _check_adam(state[name], optimisers[name], name)
        else:
            fields.same_kind(state[name], value, name)


@contextmanager
def checking_training() -> Iterator[None]:
    """Says of whatever goes wrong inside that the training state is damaged."""
    try:
        yield
    except (InputError, LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, AttributeError) as error:
        reason = shorten_text(str(error))
        raise InputError(f"resume: the checkpoint's training state is damaged ({reason}); start anew") from error


def _check_adam(state: Any, optimiser: Optimizer, name: str) -> None:
    """The groups of the fresh optimiser, and moments of the shapes of its parameters."""
    (own,) = optimiser.param_groups
    groups, moments = kinds.part(state, "param_groups", list[dict]), kinds.part(state, "state", Mapping)
    if len(groups) != 1 or not set(_GROUP) <= set(groups[0]):
        raise InputError(f"{name}: expected one group of {', '.join(_GROUP)}, got {shorten(groups)}")
    for key, kind in _GROUP.items():
        kinds.part(groups[0], key, kind)
    if groups[0]["params"] != list(range(len(own["params"]))):
        raise InputError(f"{name}: expected {len(own['params'])} parameters, got {shorten(groups[0]['params'])}")
    for index, found in moments.items():
        if not kinds.fits(index, int) or not 0 <= index < len(own["params"]) or not isinstance(found, Mapping):
            raise InputError(f"{name}: expected moments of its parameters, got {shorten(index)}")
        shape = tuple(own["params"][index].shape)
        for key in ("exp_avg", "exp_avg_sq"):
            fields.numbers(found[key], f"{name}: {key}", shape)
        fields.numbers(found["step"], f"{name}: step", ())
