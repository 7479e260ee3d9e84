"""Convolution with few input channels, differentiable in the picture and quick at it on a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def convolve(image: Tensor, filters: Tensor, *, rectify: bool = False) -> Tensor:
    """conv2d(image, filters), then relu if `rectify`: (batch, c, h, w), (maps, c, k, k) -> (batch, maps, h-k+1, w-k+1).

    The values and gradients of torch's own; the filters are taken as constants. Torch's gradient by three input
    channels runs at a fifth of the speed of its convolution (11 × 11, 48 maps, one core: 4.9 ms against 1.0).
    """
    maps: Tensor = _Convolve.apply(image, filters, rectify)
    return maps


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, filters: Tensor, rectify: bool) -> Tensor:
        maps = functional.conv2d(image, filters)
        if rectify:
            maps.relu_()
        ctx.save_for_backward(maps if rectify else None, filters)
        return maps

    @staticmethod
    def backward(ctx: Any, adjoint: Tensor) -> tuple[Tensor, None, None]:
        maps, filters = ctx.saved_tensors
        if maps is not None:
            adjoint = torch.ops.aten.threshold_backward(adjoint, maps, 0)
        _, c, k, _ = filters.shape
        # one convolution along the rows for every row of the kernels, then the rows are put where they belong
        lines = filters.permute(1, 2, 0, 3).flip(3).reshape(c * k, len(filters), 1, k)
        parts = functional.conv2d(adjoint, lines, padding=(0, k - 1)).unflatten(1, (c, k))
        h = adjoint.shape[2]
        total = adjoint.new_zeros(*parts.shape[:2], h + k - 1, parts.shape[-1])
        for row in range(k):
            total[:, :, row : row + h] += parts[:, :, row]
        return total, None, None
