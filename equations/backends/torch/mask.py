"""The update mask on tensors: the counter hash of `equations.rule.mask` in wrapping int32 arithmetic, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from equations.rule import mask


def _signed(value: int) -> int:
    """The int32 with the bits of a uint32."""
    return value - 2**32 if value >= 2**31 else value


_LOWEST = -(2**31)
_GOLDEN, _MIX_1, _MIX_2 = (_signed(value) for value in (mask.GOLDEN, mask.MIX_1, mask.MIX_2))


def step_keys(seeds: Sequence[int], step0: int, n: int, device: torch.device | str = "cpu") -> Tensor:
    """The hash's keys of steps step0 … step0+n−1 for each seed: int32 (n, seeds), made on the host in one go."""
    with np.errstate(over="ignore"):
        first = mask._mix(np.asarray(seeds, np.uint32) + np.uint32(mask.GOLDEN))
        steps = ((np.arange(n, dtype=np.uint64) + np.uint64(step0)) & np.uint64(mask.MAX_SEED)).astype(np.uint32)
        keys = mask._mix(first ^ steps[:, None])
    return torch.from_numpy(keys.view(np.int32)).to(device)


def draw_mask(limit: int, keys: Tensor, ys: Tensor, xs: Tensor, channels: int | None = None) -> Tensor:
    """Which cells update: bool (batch, channels or 1, h, w).

    limit: `equations.rule.mask.threshold`, below 2³². keys: int32 (batch,), of one step. ys (h,), xs (w,): int32, the
    cells' rows and columns in the whole grid. channels: None for one draw per cell.
    """
    cell = _mix(_mix(keys[:, None, None] ^ ys[:, None]) ^ xs)[:, None]  # (batch, 1, h, w)
    if channels is not None:
        offsets = torch.arange(1, channels + 1, dtype=torch.int32, device=cell.device) * _GOLDEN
        cell = _mix(cell + offsets[:, None, None])
    return (cell ^ _LOWEST) < limit + _LOWEST  # flipping the sign bit makes a signed comparison unsigned


def update_mask_torch(
    rate: float,
    *,
    seed: int,
    step: int,
    shape: tuple[int, int],
    channels: int | None = None,
    device: torch.device | str = "cpu",
    rows: Tensor | None = None,
) -> Tensor:
    """`equations.rule.mask.update_mask` on tensors: bool (h, w) or (channels, h, w).

    rows: int32 (h,), the places of the rows in a larger grid; None: 0 … h−1.
    """
    limit = mask.threshold(rate)
    if limit > mask.MAX_SEED:
        return torch.ones(shape if channels is None else (channels, *shape), dtype=torch.bool, device=device)
    ys, xs = (torch.arange(length, dtype=torch.int32, device=device) for length in shape)
    on = draw_mask(limit, step_keys([seed], step, 1, device)[0], ys if rows is None else rows, xs, channels)
    return on[0, 0] if channels is None else on[0]


def _mix(h: Tensor) -> Tensor:
    """The finaliser of `equations.rule.mask`; int32 products wrap, shifts are made logical by masking."""
    h = (h ^ (h >> 16 & 0xFFFF)) * _MIX_1
    h = (h ^ (h >> 15 & 0x1FFFF)) * _MIX_2
    return h ^ (h >> 16 & 0xFFFF)
