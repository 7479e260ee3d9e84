"""What `srnca simulate` does where torchrun started several of it: one grid, and one voice."""

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
    """Whether this process is rank 0, which writes and speaks; so is a process alone."""
    return world_size() == 1 or os.environ.get("RANK", "0") == "0"


def said_by_first(error: Exception) -> bool:
    """Whether rank 0 says this error: it meets all ranks alike, and this one is another."""
    usage = hasattr(error, "format_message")
    return (usage or isinstance(error, (InputError, MissingPartError, DivergenceError))) and not is_first()


@contextmanager
def sharing(backend: str, decomposition: str) -> Iterator[Callable[..., Any]]:
    """Yield what makes the simulator: `Simulator`, or `DistributedSimulator` while all ranks are joined."""
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
    """What ranks but the first do with a state."""
