"""The texture losses of the published recipes, without trained weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from srnca.texture.controls import flat
from srnca.texture.features.vgg16 import VGG16
from srnca.texture.loss import build_loss, gram

Loss = Callable[[Tensor, torch.Generator], Tensor]  # pictures (batch, 3, h, w), random numbers -> (batch,)

# The published loss on a trained VGG16 ended at 6.6, and a good texture has about 0.05 to 0.1 of the loss of a flat
# picture. Other losses are scaled to that, because the penalty on overflowing states is added to them.
FLAT = 100.0
LEVELS, PATCH, DIRECTIONS = 5, 5, 64


def random_vgg16() -> VGG16:
    """VGG16 with random weights that keep the signal's size through its layers."""
    bank = VGG16()
    random = torch.Generator().manual_seed(0)
    for layer in bank.features:
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.kaiming_normal_(layer.weight, generator=random)
            nn.init.zeros_(layer.bias)
    return bank


class VGGLoss(nn.Module):
    """Sum over the five layers of the mean squared difference of Gram matrices, as published, on random weights."""

    def __init__(self, target: np.ndarray) -> None:
        super().__init__()
        self.bank = random_vgg16()
        with torch.no_grad():
            for i, wanted in enumerate(self._grams(as_batch(target))):
                self.register_buffer(f"wanted{i}", wanted)

    def forward(self, rgb: Tensor) -> Tensor:
        apart = [ours - getattr(self, f"wanted{i}") for i, ours in enumerate(self._grams(rgb))]
        return torch.stack([a.square().mean(dim=(1, 2)) for a in apart]).sum(dim=0)

    def _grams(self, rgb: Tensor) -> list[Tensor]:
        return [gram(maps) for maps in self.bank(rgb).values()]


class TransportLoss(nn.Module):
    """Optimal transport between the 5x5 patches of two sharpened pictures, on up to five pyramid levels.

    The published loss is a Sinkhorn divergence with cost |x − y|² / 2 between 1,024 patches of the picture and 2,048 of
    the target. Here it is the sliced distance in 64 new random directions, of all patches, times dimensions / 2: both
    agree where the distance is the same in all directions.
    """

    target: Tensor
    blur: Tensor

    def __init__(self, target: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("target", as_batch(target))
        reach = torch.exp(-0.5 * torch.arange(-2.0, 3.0).square())
        self.register_buffer("blur", (reach[:, None] * reach / reach.sum() ** 2).expand(3, 1, 5, 5).contiguous())

    def forward(self, rgb: Tensor, random: torch.Generator) -> Tensor:
        """(batch, 3, h, w) of the target's size -> (batch,)."""
        total = rgb.new_zeros(len(rgb))
        for ours, wanted in zip(self._levels(rgb), self._levels(self.target), strict=True):
            drawn = torch.randn(DIRECTIONS, 3 * PATCH**2, generator=random, device=rgb.device)
            kernels = functional.normalize(drawn).reshape(DIRECTIONS, 3, PATCH, PATCH)
            with torch.no_grad():
                places = functional.conv2d(wanted, kernels).flatten(2).sort(dim=2).values
            apart = functional.conv2d(ours, kernels).flatten(2).sort(dim=2).values - places
            total = total + apart.square().mean(dim=(1, 2)) * (3 * PATCH**2 / 2)
        return total

    def _levels(self, picture: Tensor) -> Iterator[Tensor]:
        for _ in range(LEVELS):
            if picture.shape[2] < PATCH:
                return
            blurred = functional.conv2d(functional.pad(picture, (2,) * 4, mode="reflect"), self.blur, groups=3)
            yield picture + 2 * (picture - blurred)
            picture = blurred[:, :, ::2, ::2]


def make_loss(name: str, target: np.ndarray, device: torch.device) -> Loss:
    """`transport`; or `vgg` or a bank of `srnca train`, scaled so that a flat picture has the loss FLAT."""
    if name == "transport":
        return TransportLoss(target).to(device)
    loss = VGGLoss(target) if name == "vgg" else build_loss(name, target)
    with torch.no_grad():
        scale = FLAT / float(loss(as_batch(flat(target))))
    loss.to(device)
    return lambda rgb, random: scale * loss(rgb)


def as_batch(picture: np.ndarray) -> Tensor:
    """(h, w, 3) -> (1, 3, h, w)."""
    return torch.tensor(picture, dtype=torch.float32).permute(2, 0, 1)[None].contiguous()
