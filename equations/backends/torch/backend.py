"""The torch backend: batches of states on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from equations.backends import BlockStepper, State, Stepper
from equations.backends.torch.advance import PAYS_AFTER, Advance
from equations.backends.torch.mask import step_keys
from equations.backends.torch.perceive import Neighbours
from equations.backends.torch.threads import torch_threads
from equations.divergence import check_finite, limit_of
from equations.errors import InputError
from equations.rule.mask import check_seed
from equations.rule.rule import Rule

_BURST = 64  # steps between two checks for divergence, each of which waits for the device


def make_stepper(rule: Rule, dtype: npt.DTypeLike = np.float32, *, threads: int | None = None) -> Stepper:
    """A stepper of the rule on arrays, on the GPU where there is one; threads: of the CPU, None for torch's own."""
    batch = BatchStepper(rule, dtype)

    def stepper(state: State, step0: int, n: int, seed: int, scratch: State | None = None) -> State:
        with torch_threads(threads):
            result: State = batch(batch.tensor(state)[None], step0, n, [seed])[0].cpu().numpy()
        return result

    return stepper


def make_block_stepper(rule: Rule, dtype: npt.DTypeLike = np.float32, *, threads: int | None = None) -> BlockStepper:
    """A stepper of one block of a larger grid; for a tensor `padded` it returns a tensor."""
    batch = BatchStepper(rule, dtype)

    def block(padded: Any, ys: State, xs: State, step0: int, n: int, seed: int, scratch: State | None = None) -> Any:
        with torch_threads(threads):
            result = batch.block(batch.tensor(padded), ys, xs, step0, n, seed)
        return result if isinstance(padded, Tensor) else result.cpu().numpy()

    return block


class BatchStepper:
    """`stepper(states, step0, n, seeds)`: (batch, channel, h, w) states after steps step0 … step0+n−1.

    Each sample has its own seed. `states` is not changed. The result is on `device` ("auto": the GPU where there is
    one), in `dtype`. Divergence is checked once every 64 steps; the error still names the exact step.
    compiled, pays_after: whether and when steps go through torch.compile, see `Advance`.
    Raises DivergenceError for the sample that diverges first, InputError for a wrong shape or number of seeds.
    """

    def __init__(
        self,
        rule: Rule,
        dtype: npt.DTypeLike = np.float32,
        device: str = "auto",
        compiled: bool | None = None,
        *,
        pays_after: float = PAYS_AFTER,
    ) -> None:
        self.rule = rule
        self.dtype = torch.float64 if np.dtype(dtype) == np.float64 else torch.float32
        self.device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        self._advance = Advance(rule, compiled, pays_after=pays_after)

    def tensor(self, state: Any) -> Tensor:
        """An array (copied) or a tensor as a tensor of this stepper's type and device."""
        if isinstance(state, Tensor):
            return state.to(self.device, self.dtype)
        return torch.tensor(np.asarray(state), dtype=self.dtype, device=self.device)

    def __call__(self, states: Tensor, step0: int, n: int, seeds: Sequence[int]) -> Tensor:
        channels = len(self.rule.channels)
        if states.ndim != 4 or states.shape[1] != channels or len(seeds) != len(states):
            raise InputError(
                f"expected states (batch, {channels}, h, w) and a seed for each, "
                f"got shape {tuple(states.shape)} and {len(seeds)} seeds"
            )
        states, seeds = self.tensor(states), [check_seed(seed) for seed in seeds]
        ys, xs = (torch.arange(length, dtype=torch.int32, device=self.device) for length in states.shape[2:])
        with torch.no_grad():
            for done in range(0, n, _BURST):
                first, keys = states, step_keys(seeds, step0 + done, min(_BURST, n - done), self.device)
                states, fine = self._burst(first, ys, xs, keys)
                if not fine:
                    self._find(first, ys, xs, keys, step0 + done)
        return states

    def block(self, padded: Tensor, ys: State, xs: State, step0: int, n: int, seed: int) -> Tensor:
        """See `equations.backends.BlockStepper`; `padded` (channel, bh + 2n, bw + 2n) on this stepper's device."""
        rows, columns = (_indices(cells, self.device) for cells in (ys, xs))
        keys = step_keys([check_seed(seed)], step0, n, self.device)
        with torch.no_grad():
            # cells at the rim have wrong neighbours; this error moves inwards a cell a step and misses the block
            done, fine = self._burst(padded[None], rows, columns, keys)
            if not fine:
                self._find_in_block(padded[None], ys, xs, keys, step0)
        h, w = padded.shape[1:]
        return done[0, :, n : h - n, n : w - n]

    def _burst(self, states: Tensor, ys: Tensor, xs: Tensor, keys: Tensor) -> tuple[Tensor, bool]:
        """The states after len(keys) steps, and whether all values on the way were within bounds."""
        peaks = []
        with self._advance.timed():
            for key in keys.unbind():
                states, peak = self._advance(states, ys, xs, key)
                peaks.append(peak)
            fine = not peaks or bool(
                torch.stack(peaks).amax() <= limit_of(self.rule)
            )  # false for NaN; waits for the device
        return states, fine

    def _find(self, states: Tensor, ys: Tensor, xs: Tensor, keys: Tensor, step0: int) -> None:
        """Repeat a burst step by step and raise at the first value out of bounds."""
        for index, key in enumerate(keys.unbind()):
            states, _ = self._advance(states, ys, xs, key)
            for sample in states:
                check_finite(self.rule, sample.cpu().numpy(), step0 + index + 1)

    def _find_in_block(self, padded: Tensor, ys: State, xs: State, keys: Tensor, step0: int) -> None:
        """The same for a block, checking only the cells that still have correct neighbours."""
        for index, key in enumerate(keys.unbind()):
            ys, xs = ys[1:-1], xs[1:-1]
            rows, columns = (_indices(cells, self.device) for cells in (ys, xs))
            padded = self._advance.step(Neighbours(padded), rows, columns, key)
            check_finite(self.rule, padded[0].cpu().numpy(), step0 + index + 1, ys, xs)


def _indices(cells: State, device: torch.device) -> Tensor:
    return torch.from_numpy(np.array(cells, np.int32)).to(device)
