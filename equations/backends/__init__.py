"""Backends: ways to step a rule. `reference` (NumPy) defines the result; all others must equal it.

A backend is a module with `make_stepper(rule, dtype=np.float32, *, threads=None) -> Stepper`. Those that can step one
block of a larger grid also have `make_block_stepper`, with the same arguments.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, did_you_mean, shorten

if TYPE_CHECKING:
    from equations.rule.rule import Rule

State = npt.NDArray[Any]
Real = Literal["float32", "float64"]
MAX_THREADS = 4096

BACKENDS: dict[str, str] = {
    "reference": "equations.backends.reference",
    "llvm": "equations.backends.llvm.steppers",
    "torch": "equations.backends.torch.backend",
}
ALIASES = {"numba": "llvm"}  # the compiler under numba, without its front end


class Stepper(Protocol):
    """`stepper(state, step0, n, seed)`: the state (channel, h, w) after steps step0 … step0+n−1, as a new array.

    scratch: an array like `state`. With it both may be overwritten, and one of them is returned, so that a run needs
        the memory of two states only.
    Raises DivergenceError at the first step with a value that is not finite or exceeds `limit_of(rule)`.
    """

    def __call__(self, state: State, step0: int, n: int, seed: int, scratch: State | None = None) -> State: ...


class BlockStepper(Protocol):
    """`block(padded, ys, xs, step0, n, seed)`: a block (channel, bh, bw) of a larger grid after n steps.

    padded: (channel, bh + 2n, bw + 2n), the block with n cells around it.
    ys, xs: uint32, the rows and columns of `padded` in the whole grid, wrapped around its edges.
    scratch: an array like `padded`. With it both may be overwritten, and the result may be the middle of one of them.
    The bytes are those of the whole grid's stepper. Raises DivergenceError as a Stepper does, also for cells around
    the block, with row and column in the whole grid.
    """

    def __call__(
        self, padded: State, ys: State, xs: State, step0: int, n: int, seed: int, scratch: State | None = None
    ) -> State: ...


class Backend(Protocol):
    """A backend module. `threads`: how many it may use, None for all; backends without threads ignore it."""

    def make_stepper(self, rule: Rule, dtype: npt.DTypeLike = np.float32, *, threads: int | None = None) -> Stepper: ...


def resolve(name: str = "auto") -> str:
    """The backend that `name` means: "auto" is llvm where llvmlite is installed, else the reference.

    Raises InputError for an unknown name.
    """
    if name == "auto":
        return "llvm" if find_spec("llvmlite") else "reference"
    name = ALIASES.get(name, name)
    if name not in BACKENDS:
        raise InputError(
            f"unknown backend {name!r}{did_you_mean(name, BACKENDS)}; expected auto, {', '.join(BACKENDS)}"
        )
    return name


def get_backend(name: str = "auto") -> Backend:
    """The backend called `name`, loaded on use; raises InputError for an unknown name."""
    backend: Backend = cast(Any, import_module(BACKENDS[resolve(name)]))
    return backend


def check_dtype(dtype: object) -> Real:
    """`dtype` if it is "float32" or "float64"; raises InputError otherwise."""
    if dtype == "float32":
        return "float32"
    if dtype == "float64":
        return "float64"
    raise InputError(f"expected dtype float32 or float64, got {shorten(dtype)}")


def check_threads(threads: object) -> int | None:
    """`threads` if it is None (all cores) or from 1 to 4096; raises InputError otherwise."""
    whole = isinstance(threads, (int, np.integer)) and not isinstance(threads, bool)
    if threads is not None and not (whole and 1 <= threads <= MAX_THREADS):  # type: ignore[operator]
        raise InputError(f"expected a number of threads from 1 to {MAX_THREADS}, got {shorten(threads)}")
    return None if threads is None else int(threads)  # type: ignore[call-overload]


def limit_threads(threads: object) -> int | None:
    """`check_threads`, limited to the number of cores, because further threads only slow each other down."""
    count = check_threads(threads)
    return None if count is None else min(count, cores())


def cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
