"""A pyramid of complex oriented filters, applied in the Fourier domain (after Simoncelli & Freeman 1995).

Scale j holds wavelengths around 4 · 2^j pixels, one octave to either side, and lives on a grid that is 2^j times
coarser: its filters are zero beyond that grid's highest frequency, so nothing is lost. Filters see one half-plane of
frequencies only; their output is complex, and its magnitude is the local amplitude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

ORIENTATIONS = 4
SMALLEST_GRID = 8  # cells: the coarsest scale of a target has at least this side
PEAK = 0.25  # cycles per pixel: the centre of the finest scale


def number_of_scales(side: int) -> int:
    """How many scales a target with this shorter side has: 4 at 64 pixels."""
    return (side // SMALLEST_GRID).bit_length()


@dataclass(frozen=True, eq=False)
class Scale:
    """One scale of the pyramid for pictures of one size.

    size: height and width of its grid.
    rows, columns: the frequencies of the picture's spectrum that its grid keeps.
    oriented: (orientations, h, w), real; the filters.
    round: (h, w), real; what this scale adds without orientation: on scale 0 what is too fine for it, on the others
        the picture, low-pass filtered.
    coarser: the filters of the next coarser scale on this grid, (orientations, h, w), real; None on the last scale.
    """

    size: tuple[int, int]
    rows: Tensor
    columns: Tensor
    oriented: Tensor
    round: Tensor
    coarser: Tensor | None

    def cut(self, spectrum: Tensor) -> Tensor:
        """The spectrum (..., H, W) of a picture on this scale's grid, (..., h, w)."""
        if spectrum.shape[-2:] == self.size:
            return spectrum
        return spectrum.index_select(-2, self.rows).index_select(-1, self.columns)

    def spread(self, spectrum: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
        """A spectrum (..., h, w) on this scale's grid, at its frequencies of a picture of `size`; zero elsewhere."""
        if spectrum.shape[-2:] == size:
            return spectrum
        whole = spectrum.new_zeros(*spectrum.shape[:-2], *size)
        whole[..., self.rows[:, None], self.columns] = spectrum
        return whole


@dataclass(frozen=True, eq=False)
class Pyramid:
    """The filters for pictures of one size.

    scales: fine to coarse.
    """

    scales: tuple[Scale, ...]
    _jump_rows: Tensor
    _jump_columns: Tensor
    _inverse_laplacian: Tensor

    def spectrum(self, picture: Tensor) -> Tensor:
        """The Fourier transform of the periodic part of pictures (..., h, w).

        A photo's opposite edges do not join, and the jump between them would look like a line in every filter. The
        smooth part, which the jumps alone determine, is subtracted (Moisan 2011, doi:10.1007/s10851-010-0227-1);
        where edges do join it is next to nothing.
        """
        down = torch.fft.fft(picture[..., -1, :] - picture[..., 0, :])[..., None, :] * self._jump_rows
        across = torch.fft.fft(picture[..., :, -1] - picture[..., :, 0])[..., :, None] * self._jump_columns
        return torch.fft.fft2(picture) - (down + across) * self._inverse_laplacian


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # kept tensors must also serve calls with gradients
def make_pyramid(height: int, width: int, scales: int, device: torch.device) -> Pyramid:
    """The filters for pictures of height × width pixels."""
    fy = torch.fft.fftfreq(height, dtype=torch.float64)[:, None].expand(height, width)
    fx = torch.fft.fftfreq(width, dtype=torch.float64)[None].expand(height, width)
    laplacian = 2 * torch.cos(2 * math.pi * fy) + 2 * torch.cos(2 * math.pi * fx) - 4
    laplacian[0, 0] = math.inf  # the smooth part has no mean
    turn = 2j * math.pi
    return Pyramid(
        tuple(_scale(fy, fx, j, j + 1 == scales, device) for j in range(scales)),
        _put(1 - torch.exp(turn * fy[:, :1]), device),
        _put(1 - torch.exp(turn * fx[:1]), device),
        _put(1 / laplacian, device),
    )


def _put(tensor: Tensor, device: torch.device) -> Tensor:
    return tensor.to(torch.complex64 if tensor.is_complex() else torch.float32).contiguous().to(device)


def _scale(fy: Tensor, fx: Tensor, j: int, last: bool, device: torch.device) -> Scale:
    height, width = fy.shape
    size = -(-height // 2**j), -(-width // 2**j)
    rows, columns = _kept(height, size[0]), _kept(width, size[1])
    ry, rx = _cut(fy, rows, columns), _cut(fx, rows, columns)
    share = size[0] * size[1] / (height * width)  # a smaller inverse transform divides by fewer pixels
    octaves = math.pi / 2 * _octaves(torch.hypot(ry, rx), j).clamp(0, 1)
    return Scale(
        size,
        rows.to(device),
        columns.to(device),
        _put(_oriented(ry, rx, j) * share, device),
        _put(torch.cos(octaves) * share if j else torch.sin(octaves), device),
        None if last else _put(_oriented(ry, rx, j + 1) * share, device),
    )


def _kept(length: int, wanted: int) -> Tensor:
    """Places of the `wanted` lowest frequencies in a transform of `length`."""
    negative = wanted // 2
    return torch.cat([torch.arange(wanted - negative), torch.arange(length - negative, length)])


def _cut(frequencies: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return frequencies.index_select(0, rows).index_select(1, columns)


def _octaves(radius: Tensor, j: int) -> Tensor:
    """log2 of a frequency over the centre of scale j."""
    return torch.log2((radius / (PEAK / 2**j)).clamp_min(1e-12))


def _oriented(fy: Tensor, fx: Tensor, j: int) -> Tensor:
    """(orientations, h, w): raised cosines in log frequency and in angle, zero in one half-plane.

    The squares of all orientations and scales at a frequency and its opposite add up to a constant: no pattern is
    seen better than another.
    """
    order = ORIENTATIONS - 1
    scaled = 2 ** (2 * order) * math.factorial(order) ** 2 / (ORIENTATIONS * math.factorial(2 * order))
    octaves, angle = _octaves(torch.hypot(fy, fx), j), torch.atan2(fy, fx)
    radial = torch.where(octaves.abs() < 1, torch.cos(math.pi / 2 * octaves), 0.0)
    filters = []
    for k in range(ORIENTATIONS):
        apart = torch.remainder(angle - math.pi * k / ORIENTATIONS + math.pi, 2 * math.pi) - math.pi
        filters.append(2 * math.sqrt(scaled) * radial * torch.cos(apart).clamp_min(0) ** order)
    return torch.stack(filters)
