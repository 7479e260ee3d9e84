"""What one scale of the pyramid sees, with derivatives written by hand: recorded operations take twice the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from srnca.texture.wavelets.pyramid import ORIENTATIONS, Scale

AMPLITUDE_FLOOR = 3e-5  # added to |f|^2, which keeps the amplitude differentiable at 0
BANDS = 3 * ORIENTATIONS


@dataclass(frozen=True)
class Bands:
    """The filter outputs f of one scale, averaged; bands are counted colour by colour.

    round: (batch, 3, pixels), the colours through the scale's round filter.
    amplitude: (batch, bands, pixels), a = |f|.
    mean: (batch, bands), of the amplitudes.
    product: (batch, bands, bands), means of a_i a_j.
    covariance: (batch, bands, bands), real parts of the means of f_i conj(f_j).
    phase: (batch, 2, orientations), real and imaginary part of the means of f conj(c^2 / |c|), where c is the first
        colour through the filters of the next coarser scale, which turn half as fast; None on the coarsest scale.
    """

    round: Tensor
    amplitude: Tensor
    mean: Tensor
    product: Tensor
    covariance: Tensor
    phase: Tensor | None


def see(spectrum: Tensor, scale: Scale, weights: Tensor) -> Bands:
    """Filter a picture and take averages over its cells.

    spectrum: (batch, 3, H, W), of the decorrelated colours.
    weights: (h * w,) of the cells of the scale's grid, adding up to 1.
    """
    seen, amplitude, mean, product, covariance, phase = _See.apply(spectrum, scale, weights)
    return Bands(seen, amplitude, mean, product, covariance, None if scale.coarser is None else phase)


class _See(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spectrum: Tensor, scale: Scale, weights: Tensor) -> tuple[Tensor, ...]:
        cut = scale.cut(spectrum)
        filtered = [(cut[:, :, None] * scale.oriented).flatten(1, 2), cut * scale.round]
        if scale.coarser is not None:
            filtered.append(cut[:, :1] * scale.coarser)
        maps = torch.fft.ifft2(torch.cat(filtered, dim=1)).flatten(2)
        f, c = maps[:, :BANDS], maps[:, BANDS + 3 :]
        amplitudes = _amplitude(maps)
        a, c_amplitude = amplitudes[:, :BANDS], amplitudes[:, BANDS + 3 :]
        turned = (c * c).mul_(weights / c_amplitude)
        moments = (f[:, : c.shape[1]] * turned.conj()).sum(dim=2)
        ctx.scale, ctx.size = scale, spectrum.shape[2:]
        twice = weights.repeat_interleave(2)
        ctx.save_for_backward(maps, a, c_amplitude, turned, weights, twice)
        pairs = _pairs(f)
        covariance = (pairs * twice) @ pairs.transpose(1, 2)
        phase = torch.stack([moments.real, moments.imag], dim=1)
        return maps[:, BANDS : BANDS + 3].real, a, a @ weights, (a * weights) @ a.transpose(1, 2), covariance, phase

    @staticmethod
    def backward(ctx: Any, *adjoints: Tensor) -> tuple[Tensor, None, None]:
        maps, a, c_amplitude, turned, weights, twice = ctx.saved_tensors
        of_round, of_a, of_mean, of_product, of_covariance, of_phase = adjoints
        f, c = maps[:, :BANDS], maps[:, BANDS + 3 :]
        inner = (of_product + of_product.transpose(1, 2)) @ a
        inner = inner.add_(of_mean[..., None]).mul_(weights).add_(of_a).div_(a)
        outer = (of_covariance + of_covariance.transpose(1, 2)) @ _pairs(f)
        of_f = torch.view_as_complex(outer.mul_(twice).unflatten(-1, (-1, 2)))
        of_f = of_f.addcmul_(f, inner.to(f.dtype))
        of_moments = torch.complex(of_phase[:, 0], of_phase[:, 1])[..., None]
        of_turned = of_moments.conj() * f[:, : c.shape[1]]
        of_f[:, : c.shape[1]] += of_moments * turned
        radial = (of_turned * turned.conj()).real / (c_amplitude * c_amplitude)
        of_c = c.conj().mul(of_turned).mul_(2 * weights / c_amplitude).sub_(c * radial)
        of_maps = torch.cat([of_f, of_round.to(f.dtype), of_c], dim=1).unflatten(2, ctx.scale.size)
        of_maps = torch.fft.fft2(of_maps, norm="forward")
        of_cut = (of_maps[:, :BANDS].unflatten(1, (3, -1)) * ctx.scale.oriented).sum(dim=2)
        of_cut.add_(of_maps[:, BANDS : BANDS + 3] * ctx.scale.round)
        if ctx.scale.coarser is not None:
            of_cut[:, 0] += (of_maps[:, BANDS + 3 :] * ctx.scale.coarser).sum(dim=1)
        return ctx.scale.spread(of_cut, ctx.size), None, None


def _amplitude(outputs: Tensor) -> Tensor:
    real, imaginary = outputs.real, outputs.imag
    return torch.addcmul(real * real, imaginary, imaginary).add_(AMPLITUDE_FLOOR).sqrt_()


def _pairs(outputs: Tensor) -> Tensor:
    """(batch, bands, pixels), complex -> (batch, bands, 2 pixels): real and imaginary parts in turn."""
    return torch.view_as_real(outputs).flatten(-2)
