"""Perception on tensors: `Neighbours` repeats the reference's sums, `perceive_fast` is written for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from equations.rule.stencils import Stencil, nca_stencils

# Written out as slices they cost a fifth of a grouped convolution on a CPU.
_SHARED = nca_stencils(4)

Groups = tuple[tuple[float, tuple[tuple[int, int, int], ...]], ...]


def pad_periodic(state: Tensor) -> Tensor:
    """(..., h, w) -> (..., h + 2, w + 2), wrapped round."""
    return _pad_columns(_pad_rows(state))


def _pad_rows(state: Tensor) -> Tensor:
    return torch.cat([state[..., -1:, :], state, state[..., :1, :]], dim=-2)


def _pad_columns(state: Tensor) -> Tensor:
    return torch.cat([state[..., -1:], state, state[..., :1]], dim=-1)


class Neighbours:
    """A state (batch, channel, h, w) with the neighbours of its cells, summed in the order of the reference.

    source: a padded state (batch, channel, h + 2, w + 2), whose slices a CPU vectorises well; or, with `rolled`, the
        state itself, which compiled code for a GPU reads with wrapped indices, without a copy.
    """

    def __init__(self, source: Tensor, *, rolled: bool = False) -> None:
        self._source, self._rolled = source, rolled
        self.state = source if rolled else source[..., 1:-1, 1:-1]

    def respond(self, channel: int, groups: Groups) -> Tensor:
        """A stencil's response (batch, h, w) on one channel, of its `groups`."""
        total: Tensor | None = None
        for weight, ((_, dy, dx), *cells) in groups:
            part = self._at(channel, dy, dx)
            for sign, dy, dx in cells:
                shifted = self._at(channel, dy, dx)
                part = part + shifted if sign > 0 else part - shifted
            part = part if weight == 1 else weight * part
            total = part if total is None else total + part
        return torch.zeros_like(self.state[:, channel]) if total is None else total

    def _at(self, channel: int, dy: int, dx: int) -> Tensor:
        """The neighbours at (dy, dx) of all cells."""
        if self._rolled:
            own = self._source[:, channel]
            return own if dy == dx == 0 else torch.roll(own, (-dy, -dx), (1, 2))
        h, w = self.state.shape[2:]
        return self._source[:, channel, 1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]


def perceive_fast(state: Tensor, stencils: Sequence[Stencil], kernels: Tensor | None = None) -> Tensor:
    """State (batch, channel, h, w) -> features (batch, channel * filters, h, w), channel-major.

    Row sums that several stencils share are computed once. kernels: the stencils' weights (filters, 3, 3) on the
    state's device, if the caller has them there.
    """
    shared = 0
    while shared < min(4, len(stencils)) and stencils[shared] == _SHARED[shared]:
        shared += 1
    seen = [_SharedStencils.apply(state)[:, :, :shared]] if shared > 1 else []
    if rest := stencils[shared if seen else 0 :]:
        weight = state.new_tensor([s.kernel for s in rest]) if kernels is None else kernels[-len(rest) :]
        channels = state.shape[1]
        more = functional.conv2d(pad_periodic(state), weight[:, None].repeat(channels, 1, 1, 1), groups=channels)
        seen.append(more.unflatten(1, (channels, len(rest))))
    return (seen[0] if len(seen) == 1 else torch.cat(seen, dim=2)).flatten(1, 2)


class _SharedStencils(torch.autograd.Function):
    """`id, lap, dx, dy` of a state (batch, channel, h, w), as (batch, channel, 4, h, w).

    All are products of a row [1 2 1] or [-1 0 1] and a column. Derivatives are written by hand: recorded slices cost
    three times as much.
    """

    @staticmethod
    def forward(ctx: Any, state: Tensor) -> Tensor:
        p = pad_periodic(state)
        smooth = (p[..., :-2] + p[..., 2:]).add_(p[..., 1:-1], alpha=2)
        slope = p[..., 2:] - p[..., :-2]
        lap = (smooth[..., :-2, :] + smooth[..., 2:, :]).add_(smooth[..., 1:-1, :], alpha=2).mul_(1 / 16).sub_(state)
        dx = (slope[..., :-2, :] + slope[..., 2:, :]).add_(slope[..., 1:-1, :], alpha=2).mul_(0.125)
        dy = (smooth[..., 2:, :] - smooth[..., :-2, :]).mul_(0.125)
        return torch.stack([state, lap, dx, dy], dim=2)

    @staticmethod
    def backward(ctx: Any, adjoint: Tensor) -> Tensor:
        own, lap, _, _ = adjoint.unbind(2)
        _, lap_rows, dx_rows, dy_rows = _pad_rows(adjoint).unbind(2)
        smooth = (lap_rows[..., :-2, :] + lap_rows[..., 2:, :]).add_(lap_rows[..., 1:-1, :], alpha=2).mul_(1 / 16)
        smooth.add_(dy_rows[..., :-2, :], alpha=0.125).sub_(dy_rows[..., 2:, :], alpha=0.125)
        slope = (dx_rows[..., :-2, :] + dx_rows[..., 2:, :]).add_(dx_rows[..., 1:-1, :], alpha=2)
        s, d = _pad_columns(smooth), _pad_columns(slope)
        of_state = (own - lap).add_(s[..., :-2]).add_(s[..., 2:]).add_(s[..., 1:-1], alpha=2)
        return of_state.add_(d[..., :-2], alpha=0.125).sub_(d[..., 2:], alpha=0.125)
