"""Perception on tensors: `Neighbours` repeats the reference's sums, `perceive_fast` is written for training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from equations.rule.stencils import Stencil, nca_stencils

# id, lap, dx, dy written out as slices cost a fifth of a grouped convolution on a CPU.
_SHARED = nca_stencils(4)

Groups = tuple[tuple[float, tuple[tuple[int, int, int], ...]], ...]


def pad_periodic(state: Tensor) -> Tensor:
    """(..., h, w) -> (..., h + 2, w + 2), wrapped round."""
    state = torch.cat([state[..., -1:, :], state, state[..., :1, :]], dim=-2)
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
    views = _row_sums(state)[:shared] if shared > 1 else []
    if rest := stencils[len(views) :]:
        weight = state.new_tensor([s.kernel for s in rest]) if kernels is None else kernels[len(views) :]
        channels = state.shape[1]
        seen = functional.conv2d(pad_periodic(state), weight[:, None].repeat(channels, 1, 1, 1), groups=channels)
        views += list(seen.unflatten(1, (channels, len(rest))).unbind(2))
    return torch.stack(views, dim=2).flatten(1, 2)


def _row_sums(state: Tensor) -> list[Tensor]:
    """`id, lap, dx, dy` of a state, each (batch, channel, h, w)."""
    p = pad_periodic(state)
    smooth = p[..., :-2] + 2 * p[..., 1:-1] + p[..., 2:]  # rows of [1 2 1]
    slope = p[..., 2:] - p[..., :-2]  # rows of [-1 0 1]
    lap = (smooth[..., :-2, :] + 2 * smooth[..., 1:-1, :] + smooth[..., 2:, :]) * (1 / 16) - state
    dx = (slope[..., :-2, :] + 2 * slope[..., 1:-1, :] + slope[..., 2:, :]) * 0.125
    dy = (smooth[..., 2:, :] - smooth[..., :-2, :]) * 0.125
    return [state, lap, dx, dy]
