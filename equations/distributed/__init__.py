"""One grid over several processes, on one machine or many: each steps a block and exchanges edges with neighbours.

    from equations.distributed import DistributedSimulator, joined
    with joined():  # in a script that torchrun starts
        simulator = DistributedSimulator(rule, size=(32768, 65536))
        simulator.step(1000)

`world_size` is cheap; the rest loads torch on use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from equations.lazy import lazy_names

if TYPE_CHECKING:
    from equations.distributed.decomposition import Decomposition
    from equations.distributed.simulator import DistributedSimulator
    from equations.distributed.world import LostRankError, joined

_HOMES = {
    "decomposition": ("Decomposition",),
    "simulator": ("DistributedSimulator",),
    "world": ("LostRankError", "joined"),
}

__all__ = ["Decomposition", "DistributedSimulator", "LostRankError", "joined", "world_size"]


def world_size() -> int:
    """How many processes torchrun started together; 1 without it."""
    text = os.environ.get("WORLD_SIZE", "")
    return int(text) if text.isdecimal() and int(text) else 1


__getattr__, __dir__ = lazy_names(globals(), _HOMES)
