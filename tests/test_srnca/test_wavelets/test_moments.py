"""Moments with derivatives written by hand: they equal the plain formulas, and the derivatives those of differences."""

from __future__ import annotations

import torch
from torch import Tensor

from srnca.texture.wavelets.moments import AMPLITUDE_FLOOR, band_moments, doubled_phase_moments


def outputs(*shape: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.complex128, generator=random).requires_grad_()


def weights(pixels: int) -> Tensor:
    drawn = torch.rand(pixels, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    return drawn / drawn.sum()


def amplitude(bands: Tensor) -> Tensor:
    return (bands.abs().square() + AMPLITUDE_FLOOR).sqrt()


def test_band_moments_are_the_plain_means() -> None:
    bands, w = outputs(2, 4, 15), weights(15)
    a, mean, product, covariance = band_moments(bands, w)
    torch.testing.assert_close(a, amplitude(bands))
    torch.testing.assert_close(mean, torch.einsum("bip,p->bi", a, w))
    torch.testing.assert_close(product, torch.einsum("bip,bjp,p->bij", a, a, w))
    torch.testing.assert_close(covariance, torch.einsum("bip,bjp,p->bij", bands, bands.conj(), w.cdouble()).real)


def test_band_moments_have_the_derivatives_of_differences() -> None:
    assert torch.autograd.gradcheck(lambda bands: band_moments(bands, weights(6)), (outputs(2, 3, 6),))


def test_all_four_moments_together_have_torchs_gradient() -> None:
    """An amplitude is used again after its own mean is taken, as the statistics between scales do."""
    bands, w = outputs(2, 3, 7), weights(7)
    again = bands.detach().clone().requires_grad_()
    a = amplitude(again)
    plain = (
        a,
        a @ w,
        (a * w) @ a.transpose(1, 2),
        torch.einsum("bip,bjp,p->bij", again, again.conj(), w.cdouble()).real,
    )
    random = torch.Generator().manual_seed(5)
    factors = [torch.randn(part.shape, dtype=torch.float64, generator=random) for part in plain]
    for moments in (band_moments(bands, w), plain):
        torch.stack([(part * factor).sum() for part, factor in zip(moments, factors, strict=True)]).sum().backward()
    assert bands.grad is not None
    torch.testing.assert_close(bands.grad, again.grad)


def test_doubled_phase_moments_are_the_plain_means() -> None:
    fine, coarse, w = outputs(2, 4, 15), outputs(2, 4, 15, seed=1), weights(15)
    wanted = (fine * (coarse.square() / amplitude(coarse)).conj() * w).sum(dim=2)
    torch.testing.assert_close(doubled_phase_moments(fine, coarse, w), wanted)


def test_doubled_phase_moments_have_the_derivatives_of_differences() -> None:
    given = outputs(2, 2, 6), outputs(2, 2, 6, seed=1)
    assert torch.autograd.gradcheck(lambda fine, coarse: doubled_phase_moments(fine, coarse, weights(6)), given)


def test_a_line_and_an_edge_have_different_doubled_phases() -> None:
    """cos x + cos 2x peaks: lines. cos x + sin 2x rises steeply: edges. The moments are 1 and -i."""
    x = torch.arange(32, dtype=torch.float64) * 2 * torch.pi / 32
    coarse, fine = torch.polar(torch.ones_like(x), x)[None, None], torch.polar(torch.ones_like(x), 2 * x)[None, None]
    w = torch.full_like(x, 1 / 32)
    line, edge = doubled_phase_moments(fine, coarse, w), doubled_phase_moments(-1j * fine, coarse, w)
    torch.testing.assert_close(line, torch.full_like(line, 1), atol=1e-4, rtol=0)
    torch.testing.assert_close(edge, torch.full_like(edge, -1j), atol=1e-4, rtol=0)


def test_outputs_of_zero_have_finite_derivatives() -> None:
    bands = torch.zeros(1, 2, 5, dtype=torch.complex64, requires_grad=True)
    moments = band_moments(bands, torch.full((5,), 0.2))
    sum(part.sum() for part in moments).backward()
    assert bands.grad is not None
    assert bool(bands.grad.isfinite().all())
    bands.grad = None
    doubled_phase_moments(bands, bands, torch.full((5,), 0.2)).abs().square().sum().backward()
    assert bool(bands.grad.isfinite().all())
