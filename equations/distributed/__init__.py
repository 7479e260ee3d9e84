"""One grid over several processes, on one machine or many: each steps a block and exchanges edges with neighbours.

    from equations.distributed import DistributedSimulator, joined
    with joined():  # in a script that torchrun starts
        simulator = DistributedSimulator(rule, size=(32768, 65536))
        simulator.step(1000)

`world_size` is cheap; the rest loads torch on use.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equations.distributed.decomposition import Decomposition
    from equations.distributed.simulator import DistributedSimulator
    from equations.distributed.world import LostRankError, joined

_HOMES = {
    "Decomposition": "decomposition",
    "DistributedSimulator": "simulator",
    "LostRankError": "world",
    "joined": "world",
}

__all__ = ["Decomposition", "DistributedSimulator", "LostRankError", "joined", "world_size"]


def world_size() -> int:
    """How many processes torchrun started together; 1 without it."""
    text = os.environ.get("WORLD_SIZE", "")
    return int(text) if text.isdecimal() and int(text) else 1


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'equations.distributed' has no attribute {name!r}")
    return getattr(import_module(f"equations.distributed.{_HOMES[name]}"), name)
