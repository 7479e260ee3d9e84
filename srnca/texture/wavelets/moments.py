"""Weighted moments of filter outputs, with derivatives written by hand: one pass over the pixels each way."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

AMPLITUDE_FLOOR = 3e-5  # added to |f|^2, which keeps the amplitude differentiable at 0


def band_moments(bands: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Amplitudes of complex filter outputs, and what they and the outputs are on average.

    bands: (batch, bands, pixels), complex.
    weights: (pixels,), adding up to 1.
    Returns the amplitudes a = |f| (batch, bands, pixels), their means (batch, bands), the means of the products
    a_i a_j (batch, bands, bands), and the real parts of those of f_i conj(f_j), of the same shape.
    """
    amplitude, mean, product, covariance = _BandMoments.apply(bands, weights)
    return amplitude, mean, product, covariance


class _BandMoments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, bands: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        real, imaginary = bands.real, bands.imag
        amplitude = torch.addcmul(real * real, imaginary, imaginary).add_(AMPLITUDE_FLOOR).sqrt_()
        ctx.save_for_backward(bands, weights, amplitude)
        covariance = _pairs(bands * weights) @ _pairs(bands).transpose(1, 2)
        product = (amplitude * weights) @ amplitude.transpose(1, 2)
        return amplitude, amplitude @ weights, product, covariance

    @staticmethod
    def backward(ctx: Any, *adjoints: Tensor) -> tuple[Tensor, None]:
        bands, weights, amplitude = ctx.saved_tensors
        of_amplitude, of_mean, of_product, of_covariance = adjoints
        inner = (of_product + of_product.transpose(1, 2)) @ amplitude
        inner = inner.add_(of_mean[..., None]).mul_(weights).add_(of_amplitude).div_(amplitude)
        outer = (of_covariance + of_covariance.transpose(1, 2)) @ _pairs(bands)
        outer = torch.view_as_complex(outer.unflatten(-1, (-1, 2)))
        return outer.mul_(weights).addcmul_(bands, inner.to(bands.dtype)), None


def doubled_phase_moments(fine: Tensor, coarse: Tensor, weights: Tensor) -> Tensor:
    """The means (batch, bands) of f conj(c^2 / |c|), complex: do fine details sit at a fixed phase of coarse ones?

    fine, coarse: (batch, bands, pixels), complex; the coarse band turns half as fast, so its phase is doubled.
    weights: (pixels,), adding up to 1.
    """
    moments: Tensor = _DoubledPhaseMoments.apply(fine, coarse, weights)
    return moments


class _DoubledPhaseMoments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, fine: Tensor, coarse: Tensor, weights: Tensor) -> Tensor:
        real, imaginary = coarse.real, coarse.imag
        amplitude = torch.addcmul(real * real, imaginary, imaginary).add_(AMPLITUDE_FLOOR).sqrt_()
        doubled = (coarse * coarse).mul_(weights / amplitude)
        ctx.save_for_backward(fine, coarse, weights, amplitude, doubled)
        return (fine * doubled.conj()).sum(dim=2)

    @staticmethod
    def backward(ctx: Any, adjoint: Tensor) -> tuple[Tensor, Tensor, None]:
        fine, coarse, weights, amplitude, doubled = ctx.saved_tensors
        of_doubled = adjoint[..., None].conj() * fine
        radial = (of_doubled * doubled.conj()).real / (amplitude * amplitude)
        of_coarse = coarse.conj().mul(of_doubled).mul_(2 * weights / amplitude).sub_(coarse * radial)
        return adjoint[..., None] * doubled, of_coarse, None


def _pairs(bands: Tensor) -> Tensor:
    """(batch, bands, pixels), complex -> (batch, bands, 2 pixels): real and imaginary parts in turn."""
    return torch.view_as_real(bands).flatten(-2)
