"""The state of an unfinished training in a checkpoint, checked before the training resumes from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch.optim import Optimizer

from equations.errors import InputError, shorten, shorten_text
from srnca.automata import fields, kinds


def checked_training(
    state: Mapping[str, Any], like: Mapping[str, Any], optimisers: Mapping[str, Optimizer]
) -> dict[str, Any]:
    """`state`, ready to be loaded. Raises InputError where its structure differs from `like`, the state of a new run.

    optimisers: the optimisers whose states it holds, by their keys in it. Their settings, such as the learning rate,
    are taken from the program and not from the file.
    """
    missing = [name for name in like if name not in state]
    if missing:
        raise InputError(f"it lacks {', '.join(missing)}")
    for name, value in like.items():
        if name in optimisers:
            _check_moments(state[name], optimisers[name], name)
        else:
            fields.same_kind(state[name], value, name)
    own = {name: optimiser.state_dict()["param_groups"] for name, optimiser in optimisers.items()}
    return {**state, **{name: {**state[name], "param_groups": groups} for name, groups in own.items()}}


@contextmanager
def checking_training() -> Iterator[None]:
    """Turns errors raised inside into an InputError which says that the training state is damaged."""
    try:
        yield
    except (InputError, LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, AttributeError) as error:
        reason = shorten_text(str(error))
        raise InputError(f"resume: the checkpoint's training state is damaged ({reason}); start anew") from error


def _check_moments(state: Any, optimiser: Optimizer, name: str) -> None:
    """Check Adam's moments: each has its parameter's shape, and its step count is at least 0."""
    if not isinstance(state, Mapping) or "state" not in state:
        raise InputError(f"{name}: expected moments, got {shorten(state)}")
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for index, found in kinds.part(state, "state", Mapping).items():
        if not kinds.fits(index, int) or not 0 <= index < len(parameters) or not isinstance(found, Mapping):
            raise InputError(f"{name}: expected moments of its parameters, got {shorten(index)}")
        for key in ("exp_avg", "exp_avg_sq"):
            fields.numbers(found[key], f"{name}: {key}", tuple(parameters[index].shape))
        if fields.numbers(found["step"], f"{name}: step", ()) < 0:
            raise InputError(f"{name}: expected a number of steps, got {float(found['step']):g}")
