"""The patch term of training: sliced Wasserstein distance between the 5x5 patches of two pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from srnca.texture.features.convolve import convolve
from srnca.texture.loss import logarithm

PATCH = 5
DIRECTIONS = 128  # fixed random projections; every call uses some of them
PROJECTIONS = 32
LEVELS = 3
QUANTILES = 512
TEXTURE_SHARE = 2 / 3  # exponent of the Gram loss in `balanced`; the patch distance has 1 / 3


class PatchDistance(nn.Module):
    """Mean squared difference of sorted random projections of patches, on three pyramid levels.

    A Gram loss alone does not see colour noise; the distribution of small patches does (Elnekave & Weiss 2022,
    arXiv:2203.11862). The target's projections are sorted once.
    Pictures are measured in units of the target's contrast around its mean colour, and may differ from it in size.
    """

    mean: Tensor
    contrast: Tensor
    directions: Tensor
    target: Tensor

    def __init__(self, target: np.ndarray, *, patch: int = PATCH, stream: int = 20220322) -> None:
        """target: (h, w, 3) in [0, 1]; below 20 pixels a side fewer levels are used.

        patch: side of the patches, in pixels.
        stream: seed of the projections; another seed gives another measure.
        """
        super().__init__()
        pixels = torch.tensor(target, dtype=torch.float32).permute(2, 0, 1)
        self.register_buffer("mean", pixels.mean(dim=(1, 2), keepdim=True))
        self.register_buffer("contrast", (pixels - self.mean).square().mean().sqrt().clamp_min(0.02))
        self.levels = sum(min(pixels.shape[1:]) >> level >= patch for level in range(LEVELS))
        drawn = np.random.RandomState(stream).standard_normal((DIRECTIONS, 3, patch, patch))
        directions = torch.tensor(drawn, dtype=torch.float32)
        self.register_buffer("directions", directions / directions.flatten(1).norm(dim=1)[:, None, None, None])
        picture = ((pixels - self.mean) / self.contrast)[None]
        sorted_once = [_quantiles(level, self.directions)[0] for level in self._pyramid(picture)]
        self.register_buffer("target", torch.stack(sorted_once))  # (levels, directions, QUANTILES)

    def forward(self, rgb: Tensor, random: torch.Generator | None = None, projections: int = PROJECTIONS) -> Tensor:
        """(batch, 3, h, w) -> (batch,): 0 when both pictures have the same patches.

        random: draws the projections of this call; None always takes the first ones.
        projections: how many are used.
        """
        total = rgb.new_zeros(rgb.shape[0])
        for ours, target in zip(self._pyramid((rgb - self.mean) / self.contrast), self.target, strict=True):
            order = torch.arange(DIRECTIONS) if random is None else torch.randperm(DIRECTIONS, generator=random)
            chosen = order[:projections].to(rgb.device)
            apart = _quantiles(ours, self.directions[chosen]) - target[chosen]
            total = total + apart.square().mean(dim=(1, 2))
        return total / self.levels

    def _pyramid(self, picture: Tensor) -> Iterator[Tensor]:
        for level in range(self.levels):
            picture = functional.avg_pool2d(picture, 2) if level else picture
            yield picture


def _quantiles(picture: Tensor, directions: Tensor) -> Tensor:
    """(batch, 3, h, w) -> (batch, projections, QUANTILES): the distribution of each projection of the patches."""
    seen = convolve(picture, directions).flatten(2)
    ranks = torch.linspace(0, seen.shape[2] - 1, QUANTILES, device=picture.device).round().long()
    return seen.gather(2, order(seen.detach())[:, :, ranks])


def order(values: Tensor) -> Tensor:
    """argsort along the last dimension. NumPy's uses vector instructions and takes 0.4 of the time of torch's."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.argsort(values.numpy(), axis=-1))
    return values.argsort(dim=-1)


def balanced(texture: Tensor, patches: Tensor) -> Tensor:
    """log of the mean (texture loss)^2/3 · (patch distance)^1/3: what refinement lowers and judges by, (batch,).

    Lowering the texture loss by 10 % counts as much as lowering the patch distance by about 20 %. In the plain sum,
    which training lowers, the patch distance is a fifth of the texture loss and hardly matters: among rules of equal
    sums, this measure prefers those with bands to those with blocks and colour fringes.
    """
    return TEXTURE_SHARE * logarithm(texture) + (1 - TEXTURE_SHARE) * logarithm(patches)
