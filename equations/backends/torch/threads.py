"""How many threads torch runs on: none of its own where operations are too short for them. Torch is loaded on use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from equations.threads import one_blas_thread


@contextmanager
def one_thread() -> Iterator[int]:
    """Run torch and BLAS on one thread in this context; yields the number of threads that torch had before.

    A step of a grid of some thousand cells gains little from more threads. Where other programs run, the threads wait
    for each other: a rollout then takes 15 times as long with two threads as with one.
    """
    with one_blas_thread(), torch_threads(1) as before:
        yield before


@contextmanager
def torch_threads(count: int | None) -> Iterator[int]:
    """Run torch on `count` threads in this context, None for as many as it has; yields how many it had before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield before
    finally:
        torch.set_num_threads(before)
