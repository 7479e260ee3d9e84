"""What a cell sees: every channel through every stencil, in one pass (periodic boundary)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from equations.stencils import Stencil, nca_stencils

# id, lap, dx, dy share their row sums; written out they cost a fifth of a grouped convolution on a CPU.
_SHARED = nca_stencils(4)


def pad_periodic(state: Tensor) -> Tensor:
    """(batch, channel, h, w) -> (batch, channel, h + 2, w + 2), wrapped round."""
    state = torch.cat([state[..., -1:, :], state, state[..., :1, :]], dim=-2)
    return torch.cat([state[..., -1:], state, state[..., :1]], dim=-1)


def shared_stencils(state: Tensor) -> list[Tensor]:
    """`id, lap, dx, dy` of a state, each (batch, channel, h, w); the same numbers as the 3x3 kernels."""
    p = pad_periodic(state)
    smooth = p[..., :-2] + 2 * p[..., 1:-1] + p[..., 2:]  # rows of [1 2 1]
    slope = p[..., 2:] - p[..., :-2]  # rows of [-1 0 1]
    lap = (smooth[..., :-2, :] + 2 * smooth[..., 1:-1, :] + smooth[..., 2:, :]) * (1 / 16) - state
    dx = (slope[..., :-2, :] + 2 * slope[..., 1:-1, :] + slope[..., 2:, :]) * 0.125
    dy = (smooth[..., 2:, :] - smooth[..., :-2, :]) * 0.125
    return [state, lap, dx, dy]


class Perception(nn.Module):
    """(batch, channel, h, w) -> (batch, channel * filters, h, w), channel-major.

    The kernels are a registered buffer `kernels` (filters, 3, 3): they travel with the weights, and a
    reloaded model sees what the saved one saw.
    """

    kernels: Tensor

    def __init__(self, stencils: Sequence[Stencil]) -> None:
        super().__init__()
        self.stencils = tuple(stencils)
        self.register_buffer("kernels", torch.tensor([s.kernel for s in self.stencils], dtype=torch.float32))
        self._shared = 0
        while self._shared < min(4, len(self.stencils)) and self.stencils[self._shared] == _SHARED[self._shared]:
            self._shared += 1

    def forward(self, state: Tensor) -> Tensor:
        views = shared_stencils(state)[: self._shared] if self._shared > 1 else []
        rest = self.kernels[len(views) :]
        if len(rest):
            channels, filters = state.shape[1], len(rest)
            weight = rest[:, None].repeat(channels, 1, 1, 1)
            seen = functional.conv2d(pad_periodic(state), weight, groups=channels)
            views += list(seen.unflatten(1, (channels, filters)).unbind(2))
        return torch.stack(views, dim=2).flatten(1, 2)  # (batch, channel * filters, h, w)
