"""What a cell sees: every channel through every stencil, in one pass (periodic boundary)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from equations.backends.torch.perceive import perceive_fast
from equations.rule.stencils import Stencil


class Perception(nn.Module):
    """(batch, channel, h, w) -> (batch, channel * filters, h, w), channel-major.

    The kernels are a registered buffer `kernels` (filters, 3, 3): they are saved with the weights, so that a reloaded
    model has the same perception as the saved one.
    """

    kernels: Tensor

    def __init__(self, stencils: Sequence[Stencil]) -> None:
        super().__init__()
        self.stencils = tuple(stencils)
        self.register_buffer("kernels", torch.tensor([s.kernel for s in self.stencils], dtype=torch.float32))

    def forward(self, state: Tensor) -> Tensor:
        return perceive_fast(state, self.stencils, self.kernels)
