"""The feature bank `multiscale`: fixed random filters of several sizes on an image pyramid. No download."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from srnca.texture.features.convolve import convolve

SIZES = (3, 5, 7, 11)
MAPS = 48
LEVELS = 3
MEAN_FREE = 0.75  # the share of filters blind to a flat colour; the rest see it


class MultiScale(nn.Module):
    """(batch, 3, h, w) -> 12 layers: ReLU of unit-norm random filters, 4 sizes on each of 3 pyramid levels.

    Random filters are enough for a texture model (Ustyuzhaninov et al. 2017, arXiv:1702.00783); the pyramid
    gives them reach. Filters come from NumPy's frozen Mersenne Twister stream: the same numbers for ever.
    Pictures are measured in units of the target's contrast around its mean colour: otherwise a low-contrast
    target is matched by any picture of its mean colour (a flat one then scores 0.2 instead of 1).
    A level smaller than 1.5 x the filter is left out, so small pictures have fewer layers.
    """

    mean: Tensor
    contrast: Tensor
    floor = 1.0  # |G|^2 of a layer in which the target is nearly flat; textures have 7 to 400

    def __init__(self, target: np.ndarray) -> None:
        """target: (h, w, 3) in [0, 1]; only its mean colour and standard deviation are used."""
        super().__init__()
        pixels = torch.tensor(target, dtype=torch.float32)
        mean = pixels.mean(dim=(0, 1))
        self.register_buffer("mean", mean[:, None, None])
        self.register_buffer("contrast", (pixels - mean).square().mean().sqrt().clamp_min(0.02))
        stream = np.random.RandomState(20170503)
        for size in SIZES:
            filters = stream.standard_normal((MAPS, 3, size, size))
            blind = int(MAPS * MEAN_FREE)
            filters[:blind] -= filters[:blind].mean(axis=(2, 3), keepdims=True)
            filters /= np.sqrt((filters**2).sum(axis=(1, 2, 3), keepdims=True))
            self.register_buffer(f"filters{size}", torch.tensor(filters, dtype=torch.float32))

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        layers = {}
        image = (rgb - self.mean) / self.contrast
        for level in range(LEVELS):
            if level:
                image = functional.avg_pool2d(image, 2)
            for size in SIZES:
                if 2 * min(image.shape[-2:]) >= 3 * size:
                    layers[f"level{level}/size{size}"] = convolve(image, getattr(self, f"filters{size}"), rectify=True)
        return layers
