"""Switch torch's own threads off where operations are too short for them. Torch is loaded on use."""

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
    import torch

    before = torch.get_num_threads()
    with one_blas_thread():
        torch.set_num_threads(1)
        try:
            yield before
        finally:
            torch.set_num_threads(before)
