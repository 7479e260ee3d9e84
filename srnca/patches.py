"""The patch term of training: sliced Wasserstein distance between the 5x5 patches of two pictures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

PATCH = 5
PROJECTIONS = 32
LEVELS = 3
QUANTILES = 512


class PatchDistance(nn.Module):
    """Mean squared difference of sorted random projections of patches, on three pyramid levels.

    A Gram loss alone leaves colour noise that it cannot feel; the distribution of small patches forbids it
    (Elnekave & Weiss 2022, arXiv:2203.11862). Projections are drawn anew at each call from `random`.
    Pictures are measured in units of the target's contrast around its mean colour, and may differ from it in size.
    """

    mean: Tensor
    contrast: Tensor
    target: Tensor

    def __init__(self, target: np.ndarray) -> None:
        """target: (h, w, 3) in [0, 1], at least 20 pixels a side for all levels; smaller ones use fewer."""
        super().__init__()
        pixels = torch.tensor(target, dtype=torch.float32).permute(2, 0, 1)
        self.register_buffer("mean", pixels.mean(dim=(1, 2), keepdim=True))
        self.register_buffer("contrast", (pixels - self.mean).square().mean().sqrt().clamp_min(0.02))
        self.register_buffer("target", ((pixels - self.mean) / self.contrast)[None])
        self.levels = sum(min(pixels.shape[1:]) >> level >= PATCH for level in range(LEVELS))

    def forward(self, rgb: Tensor, random: torch.Generator) -> Tensor:
        """(batch, 3, h, w) -> (batch,): 0 when both pictures hold the same patches."""
        ours, target = (rgb - self.mean) / self.contrast, self.target
        total = rgb.new_zeros(rgb.shape[0])
        for level in range(self.levels):
            if level:
                ours, target = functional.avg_pool2d(ours, 2), functional.avg_pool2d(target, 2)
            directions = torch.randn(PROJECTIONS, 3, PATCH, PATCH, generator=random).to(rgb.device)
            directions = directions / directions.flatten(1).norm(dim=1)[:, None, None, None]
            apart = _quantiles(ours, directions) - _quantiles(target, directions)
            total = total + apart.square().mean(dim=(1, 2))
        return total / self.levels


def _quantiles(picture: Tensor, directions: Tensor) -> Tensor:
    """(batch, 3, h, w) -> (batch, projections, QUANTILES): the distribution of each projection of the patches."""
    ordered = functional.conv2d(picture, directions).flatten(2).sort(dim=2).values
    ranks = torch.linspace(0, ordered.shape[2] - 1, QUANTILES, device=picture.device).round().long()
    return ordered[:, :, ranks]
