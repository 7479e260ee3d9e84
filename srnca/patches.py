"""The patch term of training: sliced Wasserstein distance between the 5x5 patches of two pictures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

PATCH = 5
PROJECTIONS = 32
LEVELS = 3


class PatchDistance(nn.Module):
    """Mean squared difference of sorted random projections of patches, on three pyramid levels.

    A Gram loss alone leaves colour noise that it cannot feel; the distribution of small patches forbids it
    (Elnekave & Weiss 2022, arXiv:2203.11862). Projections are drawn anew at each call from `random`.
    Pictures have the target's size, and are measured in units of its contrast around its mean colour.
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
        both = torch.cat([self.target, (rgb - self.mean) / self.contrast])
        total = rgb.new_zeros(rgb.shape[0])
        for level in range(self.levels):
            if level:
                both = functional.avg_pool2d(both, 2)
            directions = torch.randn(PROJECTIONS, 3, PATCH, PATCH, generator=random).to(rgb.device)
            directions = directions / directions.flatten(1).norm(dim=1)[:, None, None, None]
            ordered = functional.conv2d(both, directions).flatten(2).sort(dim=2).values  # (1 + batch, n, pixels)
            total = total + (ordered[1:] - ordered[:1]).square().mean(dim=(1, 2))
        return total / self.levels
