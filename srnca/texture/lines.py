"""How line-like a picture is on the scale of its pattern: what tells round spots from worms of the same width.

Gram matrices and small patches hardly see the difference, since both have the same edges. The structure tensor does
(J. Bigün, G. H. Granlund, Proc. First ICCV (1987) 433-438): along a line all gradients of a neighbourhood are parallel,
around a spot they point in all directions.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

FINE = 1 / 8  # wavelengths: standard deviation of the smoothing of the picture, below which there is grain
NEAR = (1 / 3, 1 / 2)  # wavelengths: of the neighbourhoods whose gradients are compared
WIDTHS = 3.0  # a kernel ends after this many standard deviations
UNIT = 0.1  # a difference in coherence that counts 1


class LineDistance(nn.Module):
    """Squared difference, in units of 0.1, of the coherence of gradients between pictures and the target.

    Coherence is |E[g²]| / E[|g|²] of the gradients g (as complex numbers) of a neighbourhood: 1 where all are parallel,
    0 where they cancel. It is averaged over the picture by their energy, for two sizes of neighbourhood; and once taken
    of the whole picture, with the direction.

    `forward(rgb)` takes (batch, 3, h, w) of any size and returns (batch,).
    """

    axis: Tensor
    target: Tensor

    def __init__(self, target: np.ndarray, wavelength: float) -> None:
        """target: (h, w, 3) in [0, 1]. wavelength: of its pattern, in pixels."""
        super().__init__()
        pixels = torch.tensor(np.ascontiguousarray(target), dtype=torch.float32)
        apart = (pixels - pixels.mean(dim=(0, 1))).reshape(-1, 3)
        self.register_buffer("axis", torch.linalg.eigh(apart.T @ apart)[1][:, -1].contiguous())
        self.smooth = _kernel(FINE * wavelength)
        self.near = [_kernel(share * wavelength) for share in NEAR]
        with torch.no_grad():
            self.register_buffer("target", self.measure(pixels.permute(2, 0, 1)[None])[0])

    def measure(self, rgb: Tensor) -> Tensor:
        """(batch, 3, h, w) -> (batch, 4): coherence of both neighbourhoods, and of the whole as a vector."""
        field = torch.einsum("c,bchw->bhw", self.axis, rgb)[:, None]
        field = _blurred(field, self.smooth)
        x = (field[..., 1:-1, 2:] - field[..., 1:-1, :-2]) / 2
        y = (field[..., 2:, 1:-1] - field[..., :-2, 1:-1]) / 2
        tensor = torch.cat([x * x - y * y, 2 * x * y, x * x + y * y], dim=1)
        whole = tensor.mean(dim=(2, 3))
        energy = whole[:, 2:].clamp_min(1e-8)
        found = [whole[:, :2] / energy]
        for kernel in self.near:
            seen = _blurred(tensor, kernel)
            length = (seen[:, 0].square() + seen[:, 1].square() + 1e-12).sqrt()
            found.append(length.mean(dim=(1, 2))[:, None] / seen[:, 2].mean(dim=(1, 2))[:, None].clamp_min(1e-8))
        return torch.cat(found, dim=1)

    def forward(self, rgb: Tensor) -> Tensor:
        return ((self.measure(rgb) - self.target) / UNIT).square().mean(dim=1)


def _kernel(deviation: float) -> Tensor:
    reach = max(1, math.ceil(WIDTHS * deviation))
    values = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / max(deviation, 0.1)) ** 2)
    return values / values.sum()


def _blurred(field: Tensor, kernel: Tensor) -> Tensor:
    """Smoothed along both axes; at the edges with the part of the kernel that lies inside."""
    maps, reach = field.shape[1], len(kernel) // 2
    along = kernel.to(field)[None, None, None, :]
    for weights, padding in ((along, (0, reach)), (along.transpose(2, 3), (reach, 0))):
        inside = functional.conv2d(torch.ones_like(field[:1, :1]), weights, padding=padding)
        every = weights.expand(maps, 1, -1, -1)
        field = functional.conv2d(field, every, padding=padding, groups=maps) / inside
    return field
