"""A texture loss without trained weights: how far a picture's wavelet statistics are from the target's."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from equations.errors import InputError
from srnca.texture.controls import flat, random_phases
from srnca.texture.loss import TextureLoss
from srnca.texture.wavelets.pyramid import make_pyramid, number_of_scales
from srnca.texture.wavelets.statistics import LEVELS, Statistics, colour_directions, measure
from srnca.texture.weighing import OWN, PARTS, SURROGATES, counted, weigh

LEAST_UNIT = 5.0  # of a flat target, from which a flat picture has no distance; of textures the unit is 13 to 20
VISIBLE = {"power": 0.25, "histogram": 0.1, "steps": 0.1}  # differences below these are not seen; others 0.05
# Random fields have these of the target by construction, and what differs all the same is chance: they count equally.
# (The histograms of the blurred picture are another matter, but go with that of the picture.)
SHARED = frozenset({"mean", "histogram", "power", "grain"})


class WaveletLoss(TextureLoss):
    """Distance of the statistics of pictures from the target's; 0 is a perfect match, 1 a flat picture.

    Each statistic is measured in units of its own sampling error, estimated from parts of the target, and weighed by
    how well it tells the target from random fields with its spectrum and histogram, unless these have it too. A
    group's distance d is the mean over its statistics; d² / (d + CHANCE) hardly counts what differs between two pieces
    of the same texture.

    `forward(rgb)` takes (batch, 3, h, w) in [0, 1] and returns (batch,). h and w may differ from the target's. Half of
    its shorter side is always enough; InputError for less than the coarsest scale needs.

    target: (n,), the target's statistics.
    weights: (n, groups) of each statistic in the distance of its group; a group on a scale has a column of its own.
    shares: (groups,) of each column in the loss; those of one kind share equally, and so do the kinds.
    unit: what a flat picture has before it is divided by this.
    """

    mean: Tensor
    colours: Tensor
    directions: Tensor
    levels: Tensor
    target: Tensor
    weights: Tensor
    shares: Tensor
    unit: Tensor

    def __init__(self, target: np.ndarray) -> None:
        """target: (h, w, 3) in [0, 1], at least 16 pixels a side. Raises InputError for a smaller one."""
        super().__init__()
        self.scales = number_of_scales(min(target.shape[:2]))
        if self.scales < 2:
            raise InputError(
                f"target: the bank 'wavelet' needs at least 16 pixels a side, got {target.shape[0]}x{target.shape[1]}"
            )
        with torch.no_grad():
            self._set_colours(target)
            self._weigh(target)
            self.register_buffer("unit", torch.ones(()))
            self.register_buffer("unit", self.forward(_batch(flat(target)))[0].clamp_min(LEAST_UNIT))

    def _set_colours(self, target: np.ndarray) -> None:
        """Axes of colour space by the target's variance, directions of the histograms and levels of the palette."""
        pixels = torch.tensor(target, dtype=torch.float64).reshape(-1, 3)
        mean = pixels.mean(dim=0)
        variances, axes = torch.linalg.eigh((pixels - mean).T @ (pixels - mean) / len(pixels))
        contrast = variances.clamp_min(0).sum().sqrt().clamp_min(0.03)
        axes = axes.flip(1) * torch.where(axes.flip(1).sum(dim=0) < 0, -1, 1)  # the sign of an axis is free
        self.register_buffer("mean", mean.float()[:, None, None])
        self.register_buffer("colours", (axes / contrast).T.float().contiguous())
        self.register_buffer(
            "directions", colour_directions((variances.flip(0).clamp_min(0).sqrt() / contrast).float())
        )
        first = (self.colours[:1] @ (_batch(target)[0] - self.mean).flatten(1))[0]
        low, high = first.quantile(0.05), first.quantile(0.95)
        self.register_buffer("levels", torch.linspace(0, 1, LEVELS) * (high - low).clamp_min(0.1) + low)

    def _weigh(self, target: np.ndarray) -> None:
        """The target's statistics, and how much each of them counts."""
        wanted = self.statistics(_batch(target))
        parts = [self.statistics(_batch(target), part=part) for part in range(PARTS)]
        random = np.random.default_rng(20001010)
        fields = _batch(*(random_phases(target, random, histogram=True) for _ in range(SURROGATES)))
        structureless = self.statistics(fields)
        self.groups: list[str] = []
        columns = []
        for i, (group, values) in enumerate(wanted):
            for scale in range(values.shape[1]):
                weights = weigh(
                    values[0, scale].double().numpy(),
                    np.stack([part[i][1][0, scale].double().numpy() for part in parts]),
                    None if group in SHARED else structureless[i][1][:, scale].double().numpy(),
                    visible=VISIBLE.get(group, 0.05),
                    own=1.0 if group == "mean" else OWN,
                )
                columns.append(torch.tensor(weights[:, None]))
                self.groups.append(group)
        self.register_buffer("target", _flattened(wanted))
        self.register_buffer("weights", torch.block_diag(*columns).float())
        shares = [1 / self.groups.count(group) / len(set(self.groups)) for group in self.groups]
        self.register_buffer("shares", torch.tensor(shares))

    def statistics(self, rgb: Tensor, *, part: int | None = None) -> Statistics:
        """The statistics of pictures (batch, 3, h, w); see `measure`."""
        height, width = rgb.shape[-2:]
        if min(height, width) < 4 << (self.scales - 1):
            raise InputError(
                f"picture: expected at least {4 << (self.scales - 1)} pixels a side to compare it with the target, "
                f"got {height}x{width}"
            )
        colours = (self.colours @ (rgb - self.mean).flatten(2)).unflatten(2, (height, width))
        pyramid = make_pyramid(height, width, self.scales, rgb.device)
        return measure(colours, pyramid, self.directions, self.levels, part=part)

    def distances(self, rgb: Tensor) -> Tensor:
        """(batch, n): the distance of each of `groups`, scale by scale, in units of what chance does."""
        return (_flattened(self.statistics(rgb)) - self.target).square() @ self.weights

    def forward(self, rgb: Tensor) -> Tensor:
        return counted(self.distances(rgb), torch.log1p) @ self.shares / self.unit


def _flattened(statistics: Statistics) -> Tensor:
    return torch.cat([values.flatten(1) for _, values in statistics], dim=1)


def _batch(*pictures: np.ndarray) -> Tensor:
    """Pictures (h, w, 3) as (n, 3, h, w), float32."""
    stacked = np.stack([np.asarray(p, np.float32).transpose(2, 0, 1) for p in pictures])
    return torch.from_numpy(np.ascontiguousarray(stacked))
