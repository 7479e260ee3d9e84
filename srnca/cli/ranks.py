"""`srnca simulate` in several processes of torchrun: they share one grid, and only the first one prints and writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from equations.distributed import world_size
from equations.errors import DivergenceError, InputError, MissingPartError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_first() -> bool:
    """Whether this process is rank 0, which prints and writes. A single process is rank 0."""
    return world_size() == 1 or os.environ.get("RANK", "0") == "0"


def said_by_first(error: Exception) -> bool:
    """Whether rank 0 prints this error, because all ranks meet it alike and this one is not rank 0."""
    usage = hasattr(error, "format_message")
    return (usage or isinstance(error, (InputError, MissingPartError, DivergenceError))) and not is_first()


@contextmanager
def sharing(backend: str, decomposition: str) -> Iterator[Callable[..., Any]]:
    """Yield what makes the simulator: `Simulator`, or `DistributedSimulator` while all ranks are connected."""
    if world_size() == 1:
        from equations.distributed.decomposition import Decomposition
        from equations.simulation import Simulator

        if decomposition != "auto":
            Decomposition.parse(decomposition, (1, 1), 1)
        yield Simulator
        return
    from equations.distributed import DistributedSimulator, joined

    with joined(backend):
        yield partial(DistributedSimulator, decomposition=decomposition)


def ignore(state: NDArray[Any] | None) -> None:
    """The `keep` of ranks other than the first, which write nothing."""
