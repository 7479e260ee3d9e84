"""The statistics by which textures are compared (after Portilla & Simoncelli 2000, doi:10.1023/A:1026553619983).

mean         average colour.
palette      average of the second and third colour at several levels of the first: which hues light and dark have.
grain        power and sparsity of what is finer than the finest scale.
histogram    distribution of colours along several directions of colour space, without its mean and variance; on the
             picture, and on it blurred to each coarser scale.
steps        distribution of the differences of neighbouring pixels, in each colour. The filters of the finest scale
             ring for several pixels around an edge, so by their outputs a chequerboard beside it passes for the edge.
power        log of the mean square of each filter's output: the spectrum. This and the rest on each scale.
sparsity     mean amplitude over its root mean square: a few strong edges, or many weak ones.
coherence    correlation of the outputs of two filters: colours that vary together, lines that run along each other.
amplitudes   correlation of the amplitudes of two filters: where one sees an edge, which others see it.
scales       correlation of amplitudes on neighbouring scales: an edge is seen on all of them, noise on one.
phases       correlation of a filter's output with that of the next coarser scale at twice its phase: lines or steps,
             light on dark or dark on light.

All but the first three and the steps are ratios: each says something that those before it do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from srnca.texture.wavelets.bands import BANDS, Bands, see
from srnca.texture.wavelets.pyramid import ORIENTATIONS, Pyramid
from srnca.texture.weighing import part_of

POWER_FLOOR = 3e-3  # mean square of an output, in units of the target's contrast squared: below it nothing is seen
MARGIN = 2.0  # cells of a scale's grid: averages fade out over this distance from the border
BINS = 32  # of a histogram, each with the same number of pixels
LEVELS = 6  # of lightness, between the 5 % darkest and lightest pixels
RARE = 0.02  # share of pixels: hues of a lightness that fewer have hardly count
SMALL_STEP = 0.1  # difference of neighbours, in units of the contrast: larger ones count by their logarithm
DIRECTIONS = 5  # of colour space, besides the three decorrelated colours

Statistics = list[tuple[str, Tensor]]  # group and values (batch, scales, values); a group may come in several parts


def measure(
    colours: Tensor, pyramid: Pyramid, directions: Tensor, levels: Tensor, *, part: int | None = None
) -> Statistics:
    """The statistics of pictures.

    colours: (batch, 3, h, w), decorrelated, in units of the target's contrast; the first varies most.
    directions: (directions, 3) of colour space, for the histograms; the first three are the colours themselves.
    levels: (levels,) of the first colour, evenly spaced, for the palette.
    part: measure one of the nine half-size parts of the picture only (0 to 8).
    """
    spectrum = pyramid.spectrum(colours)
    weights = [_weights(scale.size, part, colours.device) for scale in pyramid.scales]
    bands = [see(spectrum, scale, weight) for scale, weight in zip(pyramid.scales, weights, strict=True)]
    pixels = colours.flatten(2)
    found = [
        ("mean", (pixels @ weights[0])[:, None]),
        ("palette", _palette(pixels, levels, weights[0])[:, None]),
        ("grain", _grain(bands[0].round, weights[0])[:, None]),
        ("histogram", _histogram(pixels, directions[:3], weights[0], part)[:, None]),
        ("steps", _steps(colours, part)[:, None]),
    ]
    blurred = [
        _histogram(band.round, directions, weight, part) for band, weight in zip(bands[1:], weights[1:], strict=True)
    ]
    found.append(("histogram", torch.stack(blurred, dim=1)))
    covariance = _stacked([band.covariance for band in bands])
    power = covariance.diagonal(dim1=2, dim2=3) + POWER_FLOOR  # mean squares (batch, scales, bands)
    sizes = [scale.size for scale in pyramid.scales]
    return found + _within(bands, covariance, power) + _between(bands, power.sqrt(), sizes, weights)


def _stacked(of_scales: Sequence[Tensor]) -> Tensor:
    """What each scale has, as (batch, scales, …)."""
    return torch.stack(list(of_scales), dim=1)


def _within(bands: list[Bands], covariance: Tensor, power: Tensor) -> Statistics:
    """What is measured on each scale alone."""
    product, mean = _stacked([band.product for band in bands]), _stacked([band.mean for band in bands])
    deviation = power.sqrt()
    both = deviation[..., None] * deviation[..., None, :]
    upper = _above_diagonal(covariance.device)
    amplitudes = (product - mean[..., None] * mean[..., None, :]) / both
    return [
        ("power", power.log()),
        ("sparsity", mean / deviation),
        ("coherence", (covariance / both).flatten(2).index_select(2, upper)),
        ("amplitudes", amplitudes.flatten(2).index_select(2, upper)),
    ]


def _between(
    bands: list[Bands], deviation: Tensor, sizes: Sequence[tuple[int, int]], weights: Sequence[Tensor]
) -> Statistics:
    """What is measured between neighbouring scales."""
    products, means = [], []
    for j, band in enumerate(bands[1:], start=1):
        finer = functional.adaptive_avg_pool2d(bands[j - 1].amplitude.unflatten(2, sizes[j - 1]), sizes[j]).flatten(2)
        products.append(finer @ (band.amplitude * weights[j]).transpose(1, 2))
        means.append(finer @ weights[j])
    fine, coarse = deviation[:, :-1], deviation[:, 1:]
    mean = _stacked([band.mean for band in bands[1:]])
    scales = _stacked(products) - _stacked(means)[..., None] * mean[..., None, :]
    phases = _stacked([band.phase for band in bands if band.phase is not None])
    return [
        ("scales", (scales / (fine[..., None] * coarse[..., None, :])).flatten(2)),
        ("phases", (phases / (fine * coarse)[..., None, :ORIENTATIONS]).flatten(2)),
    ]


def _grain(rest: Tensor, weights: Tensor) -> Tensor:
    """Log power and sparsity of what is too fine for the finest scale, (batch, 3, pixels)."""
    squares = rest.square()
    power = squares @ weights + 0.3 * POWER_FLOOR
    amplitude = (squares + 0.01 * POWER_FLOOR).sqrt() @ weights
    return torch.cat([power.log(), amplitude / power.sqrt()], dim=1)


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # kept tensors must also serve calls with gradients
def _above_diagonal(device: torch.device) -> Tensor:
    """Places of what is above the diagonal of a flattened (bands, bands) matrix."""
    rows, columns = torch.triu_indices(BANDS, BANDS, 1)
    return (rows * BANDS + columns).to(device)


def _palette(colours: Tensor, levels: Tensor, weights: Tensor) -> Tensor:
    """The mean second and third colour of pixels whose first colour is near each of the levels."""
    apart = (colours[:, :1] - levels[:, None]) / (levels[1] - levels[0])
    near = (-apart.square()).exp() * weights  # (batch, levels, pixels)
    return (near @ colours[:, 1:].transpose(1, 2) / (near.sum(dim=2, keepdim=True) + RARE)).flatten(1)


def _histogram(colours: Tensor, directions: Tensor, weights: Tensor, part: int | None) -> Tensor:
    """Quantiles along each direction of colours (batch, 3, pixels), with mean 0 and mean square 1."""
    if part is not None:
        colours = colours[..., weights > 0]
    ranked = _quantiles(directions @ colours)
    ranked = ranked - ranked.mean(dim=2, keepdim=True)
    return (ranked / (ranked.square().mean(dim=2, keepdim=True) + POWER_FLOOR).sqrt()).flatten(1)


def _steps(colours: Tensor, part: int | None) -> Tensor:
    """Quantiles of the differences between neighbours, across and down, of colours (batch, 3, h, w)."""
    if part is not None:
        row, column = divmod(part, 3)
        colours = colours[..., part_of(colours.shape[2], row), part_of(colours.shape[3], column)]
    here = colours[..., :-1, :-1]
    differences = torch.cat([colours[..., :-1, 1:] - here, colours[..., 1:, :-1] - here], dim=1)
    return (_quantiles(differences.flatten(2)) / SMALL_STEP).asinh().flatten(1)


def _quantiles(values: Tensor) -> Tensor:
    """The means of BINS equal shares of values (batch, n, pixels), from the smallest to the largest."""
    return functional.adaptive_avg_pool1d(values.gather(2, _order(values.detach())), BINS)


def _order(values: Tensor) -> Tensor:
    """argsort along the last dimension, on a CPU to a 65,535th of the range: that takes a third of the time."""
    if values.device.type != "cpu":
        return values.argsort(dim=-1)
    exact = values.numpy()
    low, high = exact.min(axis=-1, keepdims=True), exact.max(axis=-1, keepdims=True)
    levels = (exact - low) * (65535 / np.maximum(high - low, 1e-12))
    return torch.from_numpy(np.argsort(np.nan_to_num(levels).astype(np.uint16), axis=-1, kind="stable"))


def colour_directions(deviations: Tensor) -> Tensor:
    """The directions (3 + DIRECTIONS, 3) of the histograms: each decorrelated colour, and random mixtures of them.

    deviations: (3,), of the target's colours; mixtures weigh colours by 1 / deviation, as far as that can be seen.
    """
    mixtures = torch.tensor(np.random.RandomState(19991201).standard_normal((DIRECTIONS, 3)), dtype=torch.float32)
    mixtures = mixtures / deviations.clamp_min(0.1)
    return torch.cat([torch.eye(3), mixtures / mixtures.norm(dim=1, keepdim=True)])


@lru_cache(maxsize=1000)
@torch.inference_mode(False)  # kept tensors must also serve calls with gradients
def _weights(size: tuple[int, int], part: int | None, device: torch.device) -> Tensor:
    """The weight of each cell of a grid in averages, (h * w,), adding up to 1."""
    inside = torch.ones(size)
    if part is not None:
        inside = torch.zeros(size)
        row, column = divmod(part, 3)
        inside[part_of(size[0], row), part_of(size[1], column)] = 1
    faded = inside * _fade(size[0])[:, None] * _fade(size[1])
    return (faded / faded.sum()).flatten().to(device)


def _fade(length: int) -> Tensor:
    place = torch.arange(length) + 0.5
    return (torch.minimum(place, length - place) / MARGIN).clamp(max=1)
