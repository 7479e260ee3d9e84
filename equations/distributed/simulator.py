"""A simulation whose grid is distributed over the ranks, with the same bytes as in one process."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor

from equations.backends import BACKENDS, BlockStepper, check_dtype, limit_threads, resolve
from equations.distributed.decomposition import Decomposition
from equations.distributed.halo import Halo
from equations.distributed.world import asking_others, torch_device
from equations.errors import DivergenceError, InputError, shorten
from equations.rule.init import check_size, make_state
from equations.rule.mask import check_seed
from equations.rule.rule import Rule
from equations.simulation import check_state, check_steps, first_init

_NEVER = 2**62


class DistributedSimulator:
    """One rank's share of a simulation, with the interface of `equations.Simulator`. All ranks make the same calls.

    decomposition: "auto", or the blocks as "ROWSxCOLUMNS".
    halo: steps between two exchanges; None for the decomposition's default.
    state: (channel, h, w), the same on all ranks. Without it each rank makes its own part of the rule's first state,
        and no process holds the whole grid unless it asks for `state`.

    Attributes: `rule`, `seed`, `dtype`, `backend`, `size` (h, w) of the whole grid, `cut` (the Decomposition),
    `part` (the rows and columns of this rank's block) and `steps_done`.
    Raises InputError outside of `joined`, and for invalid arguments.
    """

    def __init__(
        self,
        rule: Rule,
        size: int | tuple[int, int] = 256,
        seed: int = 0,
        backend: str = "auto",
        decomposition: str = "auto",
        dtype: Literal["float32", "float64"] = "float32",
        threads: int | None = None,
        state: npt.ArrayLike | None = None,
        halo: int | None = None,
    ) -> None:
        if not dist.is_initialized():
            raise InputError("expected a DistributedSimulator inside `with joined():`, in processes of torchrun")
        self.rule, self.seed, self.dtype, self.backend = rule, check_seed(seed), check_dtype(dtype), resolve(backend)
        whole = None if state is None else check_state(rule, state, self.dtype)
        self.size = check_size(size) if whole is None else (whole.shape[1], whole.shape[2])
        self.rank = dist.get_rank()
        self.cut = Decomposition.parse(decomposition, self.size, dist.get_world_size())
        self.part = self.cut.part(self.rank)
        self.steps_done = 0
        self.halo = _check_halo(halo, self.cut)
        self._neighbours = Halo(self.cut, self.rank)
        self._device = torch_device(backend)
        self._stepper: BlockStepper = import_module(BACKENDS[self.backend]).make_block_stepper(
            rule, dtype, threads=limit_threads(threads)
        )
        (top, bottom), (left, right) = self.part
        if whole is None:
            own = make_state(first_init(rule), len(rule.channels), self.size, self.seed, self.part)
        else:
            own = whole[:, top:bottom, left:right]
        # two blocks with their halos, which the steppers use alternately; the first holds the present state
        shape = (len(own), own.shape[1] + 2 * self.halo, own.shape[2] + 2 * self.halo)
        real = getattr(torch, self.dtype)
        self._buffers = [torch.empty(shape, dtype=real, device=self._device) for _ in range(2)]
        self._block.copy_(torch.from_numpy(own))

    @property
    def block(self) -> npt.NDArray[Any]:
        """This rank's part (channel, bh, bw) of the present state."""
        result: npt.NDArray[Any] = self._block.cpu().numpy()
        return result

    @property
    def _block(self) -> Tensor:
        return _middle(self._buffers[0], self.halo)

    @property
    def state(self) -> npt.NDArray[Any] | None:
        """The whole state (channel, h, w) on rank 0, None on the others, which send their blocks; all must ask."""
        with asking_others():
            if self.rank != 0:
                dist.send(self._block.contiguous(), 0)
                return None
            whole = np.empty((len(self.rule.channels), *self.size), self.dtype)
            for rank in range(self.cut.rows * self.cut.columns):
                (top, bottom), (left, right) = self.cut.part(rank)
                block = self._block
                if rank:
                    block = block.new_empty((len(whole), bottom - top, right - left))
                    dist.recv(block, rank)
                whole[:, top:bottom, left:right] = block.cpu().numpy()
            return whole

    def step(self, n: int = 1) -> None:
        """Do `n` steps, the same number on all ranks. If one diverges, all ranks raise the same DivergenceError."""
        left = check_steps(n, self.steps_done)
        while left:
            now = min(self.halo, left)
            self._round(now)
            left -= now

    def agree(self, number: int) -> int:
        """The smallest of the numbers that the ranks give, on all ranks."""
        with asking_others():
            smallest = torch.tensor([number], dtype=torch.int64, device=self._device)
            dist.all_reduce(smallest, dist.ReduceOp.MIN)
            return int(smallest)

    def _round(self, n: int) -> None:
        """One exchange, and then n steps; the exchange suffices for up to `halo` steps."""
        padded, scratch = self._buffers
        with asking_others():
            self._neighbours.fill(padded, self.halo)
        error, result = None, padded
        try:
            result = self._stepped(padded, scratch, n)
        except DivergenceError as caught:
            error = caught
        if self.agree(_NEVER if error is None else error.step) != _NEVER:
            raise self._first_of(error)
        if result.data_ptr() == _middle(scratch, n).data_ptr():
            self._buffers.reverse()
        elif result.data_ptr() != _middle(padded, n).data_ptr():
            self._block.copy_(_middle(result, self.halo - n))
        self.steps_done += n

    def _stepped(self, padded: Tensor, scratch: Tensor, n: int) -> Tensor:
        """The inner part of `padded` n steps later. Backends on NumPy arrays work in the memory of the tensors."""
        ys, xs = (
            (np.arange(start - self.halo, stop + self.halo) % length).astype(np.uint32)
            for (start, stop), length in zip(self.part, self.size, strict=True)
        )
        if self.backend == "torch":
            result: Any = self._stepper(padded, ys, xs, self.steps_done, n, self.seed)  # type: ignore[arg-type]
            return result
        arrays = padded.numpy(), scratch.numpy()
        return torch.from_numpy(self._stepper(arrays[0], ys, xs, self.steps_done, n, self.seed, arrays[1]))

    def _first_of(self, error: DivergenceError | None) -> DivergenceError:
        """On all ranks the error of the rank whose divergence comes first, by step, channel and cell."""
        place = [_NEVER] * 4
        if error is not None:
            place = [error.step, self.rule.channels.index(error.channel), error.y, error.x]
        text = str(error or "").encode()
        with asking_others():
            mine = torch.tensor([*place, self.rank, len(text)], device=self._device)
            everyone = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
            dist.all_gather(everyone, mine)
            step, channel, y, x, rank, length = min(found.tolist() for found in everyone)
            said = torch.zeros(length, dtype=torch.uint8, device=self._device)
            if rank == self.rank:
                said = torch.tensor(list(text), dtype=torch.uint8, device=self._device)
            dist.broadcast(said, rank)
        message = bytes(said.tolist()).decode()
        return DivergenceError(message, step=step, channel=self.rule.channels[channel], y=y, x=x)


def _check_halo(halo: object, cut: Decomposition) -> int:
    if halo is None:
        return cut.halo
    if isinstance(halo, bool) or not isinstance(halo, int) or not 1 <= halo <= cut.smallest:
        raise InputError(
            f"expected a halo of 1 to {cut.smallest} cells, the smallest block's side, got {shorten(halo)}"
        )
    return halo


def _middle(padded: Tensor, width: int) -> Tensor:
    return padded[:, width : padded.shape[1] - width, width : padded.shape[2] - width]
