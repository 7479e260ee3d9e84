"""Texture losses: dimensionless, with all that concerns the target alone computed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equations.errors import InputError
from srnca.texture.features import make_bank


class TextureLoss(nn.Module):
    """Distance of pictures (batch, 3, h, w) in [0, 1] from a target, as (batch,): 0 is perfect, 1 about a flat picture.

    with_patches: whether training adds the patch distance (patches.py), which sees what this loss does not.
    """

    with_patches = False


def build_loss(
    bank: str, target: np.ndarray, *, vgg_weights: Path | None = None, download: bool = False
) -> TextureLoss:
    """The texture loss on a bank.

    target: (h, w, 3) in [0, 1].
    Raises InputError for an unknown bank or a target too small for it, MissingPartError when `vgg16` has no weights.
    """
    if bank == "wavelet":
        from srnca.texture.wavelets.loss import WaveletLoss

        return WaveletLoss(target)
    return GramLoss(make_bank(bank, target, vgg_weights=vgg_weights, download=download), target)


def gram(maps: Tensor) -> Tensor:
    """(batch, maps, h, w) -> (batch, maps, maps), divided by h * w (Gatys et al. 2015, eq. 3)."""
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


class GramLoss(TextureLoss):
    """Mean over feature layers of |G - G*|^2 / |G*|^2 (Frobenius), per picture: 0 is a perfect match.

    `forward(rgb)` takes (batch, 3, h, w) in [0, 1] and returns (batch,). h and w may differ from the target's.
    """

    with_patches = True

    def __init__(self, bank: nn.Module, target: np.ndarray) -> None:
        """target: (h, w, 3) in [0, 1]."""
        super().__init__()
        self.bank = bank
        with torch.no_grad():
            pixels = torch.as_tensor(np.ascontiguousarray(target), dtype=torch.float32)
            grams = {name: gram(maps) for name, maps in bank(pixels.permute(2, 0, 1)[None]).items()}
        if not grams:
            raise InputError(f"target: expected at least 16 pixels a side, got {target.shape[0]}x{target.shape[1]}")
        self.layers = tuple(grams)
        for i, g in enumerate(grams.values()):
            self.register_buffer(f"target{i}", g)
            self.register_buffer(f"scale{i}", g.square().sum().clamp_min(getattr(bank, "floor", 1e-12)))

    def forward(self, rgb: Tensor) -> Tensor:
        total = rgb.new_zeros(rgb.shape[0])
        maps = self.bank(rgb)
        for i, name in enumerate(self.layers):
            apart: Tensor = _GramDistance.apply(maps[name], getattr(self, f"target{i}"))
            total = total + apart / getattr(self, f"scale{i}")
        return total / len(self.layers)


class _GramDistance(torch.autograd.Function):
    """|G - G*|^2 of maps (batch, maps, h, w), as (batch,).

    G is symmetric, so the derivative takes one matrix product, where torch's automatic one takes two.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, target: Tensor) -> Tensor:
        difference = gram(maps) - target
        ctx.save_for_backward(maps, difference)
        return difference.square().sum(dim=(1, 2))

    @staticmethod
    def backward(ctx: Any, adjoint: Tensor) -> tuple[Tensor, None]:
        maps, difference = ctx.saved_tensors
        flat = maps.flatten(2)
        weights = difference * (4 / flat.shape[2] * adjoint)[:, None, None]
        return (weights @ flat).view_as(maps), None


def logarithm(loss: Tensor) -> Tensor:
    """log of a loss; below 1e-6 it is log 1e-6 and has no gradient, so a perfect picture has a finite objective."""
    return loss.clamp_min(1e-6).log()
