"""Joining the processes that torchrun started, and the error when one of them is lost."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

from equations.backends import resolve
from equations.errors import InputError, SrncaError

TIMEOUT = timedelta(minutes=10)  # rank 0 writes frames while the others wait
TORCHRUN = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")

_joins = itertools.count()
# stores are kept: a process that joins again could otherwise meet a store that is closing
_stores: dict[tuple[str, ...], tuple[dist.Store, int, int]] = {}


class LostRankError(SrncaError):
    """Another process has ended or does not answer. The error of the process that failed first gives the reason."""


@contextmanager
def joined(backend: str = "auto", timeout: timedelta = TIMEOUT) -> Iterator[None]:
    """Join the other ranks for as long as the context lasts: over NCCL for torch on GPUs, else over gloo.

    The environment must be that of torchrun (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, LOCAL_RANK). A rank that
    waits longer than `timeout` for another raises LostRankError.
    Raises InputError for an unknown backend, outside of torchrun, or for more processes on a machine than GPUs.
    """
    if not set(TORCHRUN) <= set(os.environ):
        raise InputError("expected processes that torchrun started; see docs/distributed.md")
    device = torch_device(backend)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    with asking_others():
        key = tuple(os.environ[name] for name in TORCHRUN)
        if key not in _stores:
            _stores[key] = next(dist.rendezvous("env://", timeout=timeout))
        store, rank, ranks = _stores[key]
        store.set_timeout(timeout)
        store = dist.PrefixStore(f"join {next(_joins)}", store)  # the store still holds earlier addresses
        over, own = ("nccl", device) if device.type == "cuda" else ("gloo", None)
        dist.init_process_group(over, store=store, rank=rank, world_size=ranks, timeout=timeout, device_id=own)
    try:
        yield
        with asking_others():
            dist.barrier()  # nobody closes a connection that another still reads from
    finally:
        dist.destroy_process_group()


def torch_device(backend: str) -> torch.device:
    """Where this rank's block lives: the GPU of its number on the machine for torch, else the processor."""
    if resolve(backend) != "torch" or not torch.cuda.is_available():
        return torch.device("cpu")
    local, found = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if local >= found:
        raise InputError(f"expected at most one process for each of this machine's {found} GPUs, got more")
    return torch.device("cuda", local)


@contextmanager
def asking_others() -> Iterator[None]:
    """Turn a failed exchange into a LostRankError."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        rank = os.environ.get("RANK", "?")
        first = str(error).strip().partition("\n")[0]
        raise LostRankError(
            f"rank {rank} lost another rank, which has ended or does not answer; see what the others say ({first})"
        ) from error
