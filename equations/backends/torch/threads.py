"""Torch's own threads, switched off where operations are too short for them. Loads torch on use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from equations.threads import one_blas_thread


@contextmanager
def one_thread() -> Iterator[int]:
    """Torch and BLAS on one thread of the processor; yields how many torch had.

    A step of a grid of some thousand cells gains little by more, and where other programs run its threads wait for each
    other: a rollout then takes 15 times as long with two threads as with one.
    """
    import torch

    before = torch.get_num_threads()
    with one_blas_thread():
        torch.set_num_threads(1)
        try:
            yield before
        finally:
            torch.set_num_threads(before)
