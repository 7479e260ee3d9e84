"""Moments with derivatives written by hand: they equal the plain formulas, and the derivatives those of differences."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from srnca.texture.wavelets.bands import AMPLITUDE_FLOOR, BANDS, Bands, see
from srnca.texture.wavelets.pyramid import ORIENTATIONS, Scale, make_pyramid

SIZES = [(12, 16), (11, 9)]
MOMENTS = ("round", "amplitude", "mean", "product", "covariance", "phase")


def scale_of(size: tuple[int, int], j: int) -> Scale:
    """One of two scales, in double precision."""
    made = make_pyramid(*size, 2, torch.device("cpu")).scales[j]
    coarser = None if made.coarser is None else made.coarser.double()
    return replace(made, oriented=made.oriented.double(), round=made.round.double(), coarser=coarser)


def spectra(size: tuple[int, int], batch: int = 2) -> Tensor:
    drawn = torch.randn(batch, 3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return torch.fft.fft2(drawn).requires_grad_()


def weights(scale: Scale) -> Tensor:
    drawn = torch.rand(scale.size[0] * scale.size[1], dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    return drawn / drawn.sum()


def amplitude(outputs: Tensor) -> Tensor:
    return (outputs.abs().square() + AMPLITUDE_FLOOR).sqrt()


def plain(spectrum: Tensor, scale: Scale, w: Tensor) -> Bands:
    """The same by the formulas of the documentation."""
    cut = scale.cut(spectrum)
    f = torch.fft.ifft2(cut[:, :, None] * scale.oriented).flatten(1, 2).flatten(2)
    a, phase = amplitude(f), None
    if scale.coarser is not None:
        c = torch.fft.ifft2(cut[:, :1] * scale.coarser).flatten(2)
        moments = (f[:, :ORIENTATIONS] * (c.square() / amplitude(c)).conj() * w).sum(dim=2)
        phase = torch.stack([moments.real, moments.imag], dim=1)
    return Bands(
        round=torch.fft.ifft2(cut * scale.round).real.flatten(2),
        amplitude=a,
        mean=torch.einsum("bip,p->bi", a, w),
        product=torch.einsum("bip,bjp,p->bij", a, a, w),
        covariance=torch.einsum("bip,bjp,p->bij", f, f.conj(), w.cdouble()).real,
        phase=phase,
    )


@pytest.mark.parametrize("j", [0, 1])
@pytest.mark.parametrize("size", SIZES)
def test_bands_are_the_plain_means_and_have_torchs_gradient(size: tuple[int, int], j: int) -> None:
    scale, spectrum = scale_of(size, j), spectra(size)
    w, random, gradients = weights(scale), torch.Generator().manual_seed(5), []
    seen, wanted = see(spectrum, scale, w), plain(spectrum, scale, w)
    names = [name for name in MOMENTS if getattr(wanted, name) is not None]
    assert (seen.phase is None) == (j == 1)
    factors = {name: torch.randn(getattr(wanted, name).shape, dtype=torch.float64, generator=random) for name in names}
    for bands in (seen, wanted):
        total = sum((getattr(bands, name) * factors[name]).sum() for name in names)
        gradients.append(torch.autograd.grad(total, spectrum)[0])
    for name in names:
        torch.testing.assert_close(getattr(seen, name), getattr(wanted, name))
    torch.testing.assert_close(*gradients)
    assert seen.mean.shape == (2, BANDS)


def test_bands_have_the_derivatives_of_differences() -> None:
    scale = scale_of((6, 5), 0)

    def moments(spectrum: Tensor) -> tuple[Tensor, ...]:
        seen = see(spectrum, scale, weights(scale))
        return tuple(getattr(seen, name) for name in MOMENTS)

    assert torch.autograd.gradcheck(moments, (spectra((6, 5), 1),))


def test_a_line_and_an_edge_have_different_phases() -> None:
    """cos x + cos 2x peaks: lines. sin x + sin 2x rises steeply: edges."""
    x = torch.arange(64, dtype=torch.float64).expand(64, 64) * 2 * torch.pi / 8
    scale = make_pyramid(64, 64, 2, torch.device("cpu")).scales[0]
    w = torch.full((64 * 64,), 1 / 4096)
    found = []
    for grey in (torch.cos(x) + torch.cos(2 * x), torch.cos(x) + torch.sin(2 * x)):
        spectrum = torch.fft.fft2(grey.expand(1, 3, 64, 64)).to(torch.complex64)
        phase = see(spectrum, scale, w).phase
        assert phase is not None
        found.append(phase[0, :, 0])
    line, edge = found
    assert float(line[0]) > 0.3
    assert abs(float(line[1])) < 1e-3
    assert float(edge[1]) < -0.3
    assert abs(float(edge[0])) < 1e-3


def test_a_picture_without_any_contrast_has_finite_derivatives() -> None:
    scale = make_pyramid(16, 16, 2, torch.device("cpu")).scales[0]
    spectrum = torch.zeros(1, 3, 16, 16, dtype=torch.complex64, requires_grad=True)
    seen = see(spectrum, scale, torch.full((256,), 1 / 256))
    total = sum(getattr(seen, name).square().sum() + getattr(seen, name).sum() for name in MOMENTS)
    (gradient,) = torch.autograd.grad(total, spectrum)
    assert bool(gradient.isfinite().all())
