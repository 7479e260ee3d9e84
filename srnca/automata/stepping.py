"""Runs the network of an automaton on a grid of any size, a band of rows at a time.

Bands keep the memory small. Threads share them, and torch itself works on one thread in each, so the bytes do not
depend on the number of threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from distill.teacher import Teacher, compose
from equations.backends import Real, Stepper, cores, limit_threads
from equations.backends.torch.threads import torch_threads
from equations.divergence import check_finite
from equations.expressions import build
from equations.rule.init import check_size
from equations.rule.mask import check_seed
from equations.rule.rule import Rule
from equations.simulation import Simulator

NUMBERS = 2**22  # that the step of a band computes, about: 16 to 32 MB a thread
LEAST_ROWS = 8  # of a band, since each band computes two more rows, which are thrown away
SIZE = (256, 256)

Step = Callable[[NDArray[Any], NDArray[Any], int, int], None]


class Network(Teacher, Protocol):
    """A teacher whose network can be run.

    dtype: of its states.
    dx: the width of a cell.
    numbers: how many a step computes for each cell, about.
    """

    dtype: Real
    dx: float
    numbers: int

    @property
    def nca(self) -> nn.Module: ...

    def advance(self, state: Tensor, rows: Tensor, seed: int, step: int) -> Tensor:
        """The state (channel, h, w) one step later, on a periodic grid.

        rows: int32, the places of the state's rows in the whole grid, which the update mask is drawn with.
        """
        ...

    def usual_size(self, seed: int) -> tuple[int, int] | None:
        """(h, w) that a run with this seed has where nobody asks for another; None for no such size."""
        ...

    def first_state(self, size: tuple[int, int], seed: int) -> NDArray[Any]:
        """The state (channel, h, w) that a run starts from."""
        ...


def outline(network: Network) -> Rule:
    """All of a network's rule but the updates, which are 0: `Simulator` takes them from `make_stepper` instead.

    "network" in the provenance tells one network from another.
    """
    rule = compose(network, dict.fromkeys(network.channels, build.number(0)))
    return rule.replace(provenance={"network": _fingerprint(network.nca), "dx": network.dx})


def make_simulator(
    network: Network,
    size: int | tuple[int, int] | None = None,
    seed: int = 0,
    *,
    state: NDArray[Any] | None = None,
    threads: int | None = None,
) -> Simulator:
    """A simulator that runs the network; see `Automaton.simulator`."""
    if state is None:
        size = network.usual_size(check_seed(seed)) or SIZE if size is None else check_size(size)
        state = network.first_state(size, seed)
    stepper = make_stepper(network, threads)
    return Simulator(outline(network), seed=seed, backend="torch", state=state, dtype=network.dtype, stepper=stepper)


def make_stepper(network: Network, threads: int | None = None) -> Stepper:
    """What computes the network's steps in a `Simulator`. threads: None for all cores."""
    rule, count = outline(network), limit_threads(threads)

    def stepper(state: Any, step0: int, n: int, seed: int, scratch: Any = None) -> Any:
        here, there = (state.copy(), np.empty_like(state)) if scratch is None else (state, scratch)
        with _stepping(network, count) as step:
            for number in range(step0, step0 + n):
                step(here, there, seed, number)
                check_finite(rule, there, number + 1)
                here, there = there, here
        return here

    return stepper


def roll_out(network: Network, state: NDArray[Any], *, steps: int, seed: int, every: int) -> NDArray[np.float32]:
    """Frames (t, channel, h, w): `state`, and every `every`-th of the `steps` steps after it."""
    frames = [state]
    with _stepping(network, None) as step:
        for number in range(steps):
            state, before = np.empty_like(state), state
            step(before, state, seed, number)
            if (number + 1) % every == 0:
                frames.append(state)
    return np.stack(frames).astype(np.float32, copy=False)


@contextmanager
def _stepping(network: Network, threads: int | None) -> Iterator[Step]:
    """Yield `step(here, there, seed, number)`, which writes into `there` what `here` is one step later."""
    with torch_threads(1) as usual, ThreadPoolExecutor(threads or min(usual, cores())) as pool:

        def step(here: NDArray[Any], there: NDArray[Any], seed: int, number: int) -> None:
            state, result = torch.from_numpy(here), torch.from_numpy(there)

            def write_band(span: tuple[int, int]) -> None:
                _write_band(network, state, result, span, seed, number)

            spans = _spans(here.shape[1], here.shape[2], network.numbers)
            for _ in map(write_band, spans) if len(spans) == 1 else pool.map(write_band, spans):
                pass

        yield step


def _write_band(network: Network, state: Tensor, result: Tensor, span: tuple[int, int], seed: int, number: int) -> None:
    """Write rows span[0] … span[1] − 1 of the next state into `result`.

    The network takes the band for a whole periodic grid, so its first and last row become wrong. These are therefore
    neighbours of the band, and not written.
    """
    (top, bottom), height = span, state.shape[1]
    whole = bottom - top == height
    edge = 0 if whole else 1
    rows = torch.arange(top - edge, bottom + edge, dtype=torch.int32) % height
    with torch.inference_mode():
        later = network.advance(state if whole else state[:, rows], rows, seed, number)
        result[:, top:bottom] = later if whole else later[:, 1:-1]


def _spans(height: int, width: int, numbers: int) -> list[tuple[int, int]]:
    """The bands of a grid, as (first row, one past the last), of about equal height."""
    count = -(-height // max(LEAST_ROWS, NUMBERS // (width * numbers)))
    return [(height * i // count, height * (i + 1) // count) for i in range(count)]


def _fingerprint(nca: nn.Module) -> str:
    """A digest of the weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(nca.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
