"""Backends: ways to step a rule. `reference` (NumPy) is the judge; all others must equal it.

A backend module has `make_stepper(rule, dtype=np.float32) -> Stepper`. A stepper takes a state
(channel, h, w), the number of steps already done, how many to do, and the seed, and returns a new state.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from equations.rule import Rule

State = npt.NDArray[Any]

BACKENDS: dict[str, str] = {
    "reference": "equations.backends.reference",
    "numba": "equations.backends.fused",
    "torch": "equations.backends.torch_backend",
}


class Stepper(Protocol):
    """`stepper(state, step0, n, seed)`: the state after steps step0 … step0+n−1, as a new array."""

    def __call__(self, state: State, step0: int, n: int, seed: int) -> State: ...


class Backend(Protocol):
    """A backend module."""

    def make_stepper(self, rule: Rule, dtype: npt.DTypeLike = np.float32) -> Stepper: ...


def backend_names() -> tuple[str, ...]:
    """The names of all backends; "auto" picks numba where it is installed, else the reference."""
    return tuple(BACKENDS)


def get_backend(name: str = "auto") -> Backend:
    """The backend called `name`, loaded on use; raises InputError for an unknown name."""
    if name == "auto":
        name = "numba" if find_spec("numba") else "reference"
    if name not in BACKENDS:
        raise InputError(
            f"unknown backend {name!r}{did_you_mean(name, BACKENDS)}; expected auto, {', '.join(BACKENDS)}"
        )
    backend: Backend = cast(Any, import_module(BACKENDS[name]))
    return backend
