"""The pyramid of oriented filters: it loses nothing, counts nothing twice, and does not see a photo's border."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from srnca.media.samples import make_sample
from srnca.texture.wavelets.pyramid import ORIENTATIONS, Pyramid, make_pyramid, number_of_scales

CPU = torch.device("cpu")
SIZES = [(64, 64), (48, 96), (37, 50), (33, 65)]


def noise(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.randn(height, width, generator=torch.Generator().manual_seed(seed))


def spread(values: Tensor, pyramid: Pyramid, j: int, size: tuple[int, int]) -> Tensor:
    """Values (..., h, w) on scale j's grid, at the frequencies of the picture's own grid; zero elsewhere."""
    whole = pyramid.scales[j].spread(values, size)
    assert torch.equal(pyramid.scales[j].cut(whole), values)
    return whole


def share(pyramid: Pyramid, j: int, size: tuple[int, int]) -> float:
    h, w = pyramid.scales[j].size
    return h * w / (size[0] * size[1])


@pytest.mark.parametrize("size", SIZES)
def test_the_squares_of_all_filters_add_up_to_one_at_every_frequency(size: tuple[int, int]) -> None:
    scales = number_of_scales(min(size))
    pyramid = make_pyramid(*size, scales + 1, CPU)
    total = (
        pyramid.scales[0].round.square()
        + (spread(pyramid.scales[-1].round, pyramid, scales, size) / share(pyramid, scales, size)).square()
    )
    for j in range(scales):
        oriented = spread(pyramid.scales[j].oriented, pyramid, j, size) / share(pyramid, j, size)
        squares = oriented.square().sum(dim=0)
        opposite = squares.flip(0, 1).roll((1, 1), (0, 1))  # at minus the frequency
        total = total + (squares + opposite) / 4
    torch.testing.assert_close(total, torch.ones(size), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_the_outputs_have_the_energy_of_the_picture(size: tuple[int, int]) -> None:
    scales = number_of_scales(min(size))
    pyramid, picture = make_pyramid(*size, scales + 1, CPU), noise(*size)
    spectrum = torch.fft.fft2(picture)
    energy = torch.fft.ifft2(spectrum * pyramid.scales[0].round).real.square().mean()
    for scale in pyramid.scales[:-1]:
        outputs = torch.fft.ifft2(scale.cut(spectrum) * scale.oriented)
        energy = (
            energy + outputs.abs().square().sum(dim=0).mean() / 2
        )  # of the real parts: half of the complex outputs'
    last = pyramid.scales[-1]
    energy = energy + torch.fft.ifft2(last.cut(spectrum) * last.round).real.square().mean()
    assert float(energy) == pytest.approx(float(picture.square().mean()), rel=1e-4)


def test_a_coarse_grid_holds_the_outputs_of_the_fine_one_at_its_places() -> None:
    pyramid, spectrum = make_pyramid(64, 32, 3, CPU), torch.fft.fft2(noise(64, 32))
    for j, scale in enumerate(pyramid.scales):
        whole = spread(scale.oriented, pyramid, j, (64, 32)) / share(pyramid, j, (64, 32))
        fine = torch.fft.ifft2(spectrum * whole)
        torch.testing.assert_close(torch.fft.ifft2(scale.cut(spectrum) * scale.oriented), fine[:, :: 2**j, :: 2**j])


def test_a_scale_also_has_the_filters_of_the_coarser_one_on_its_grid() -> None:
    pyramid, spectrum = make_pyramid(64, 48, 3, CPU), torch.fft.fft2(noise(64, 48))
    assert pyramid.scales[-1].coarser is None
    for finer, scale in zip(pyramid.scales, pyramid.scales[1:], strict=False):
        assert finer.coarser is not None
        fine = torch.fft.ifft2(finer.cut(spectrum) * finer.coarser)
        torch.testing.assert_close(fine[:, ::2, ::2], torch.fft.ifft2(scale.cut(spectrum) * scale.oriented))


def test_a_flat_colour_is_seen_by_the_round_filters_of_coarser_scales_alone() -> None:
    pyramid = make_pyramid(40, 40, 3, CPU)
    assert float(pyramid.scales[0].round[0, 0]) == 0
    for j, scale in enumerate(pyramid.scales):
        assert not scale.oriented[:, 0, 0].any()
        assert j == 0 or float(scale.round[0, 0]) == pytest.approx(share(pyramid, j, (40, 40)))


@pytest.mark.parametrize(("turns", "orientation"), [((0, 1), 0), ((1, 1), 1), ((1, 0), 2), ((1, -1), 3)])
def test_a_wave_is_seen_by_the_filter_of_its_direction(turns: tuple[int, int], orientation: int) -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    wave = torch.cos(2 * torch.pi * (turns[0] * y + turns[1] * x) / 8)
    scale = make_pyramid(64, 64, 4, CPU).scales[1]
    power = torch.fft.ifft2(scale.cut(torch.fft.fft2(wave)) * scale.oriented).abs().square().mean(dim=(1, 2))
    assert int(power.argmax()) == orientation
    assert float(power.max()) > 0.7 * float(power.sum())
    assert power.shape == (ORIENTATIONS,)


# the periodic part


@pytest.mark.parametrize("size", SIZES)
def test_the_edges_of_a_ramp_join_and_its_mean_stays(size: tuple[int, int]) -> None:
    y, x = torch.meshgrid(torch.linspace(0, 1, size[0]), torch.linspace(0, 2, size[1]), indexing="ij")
    ramp = y + x
    part = torch.fft.ifft2(make_pyramid(*size, 2, CPU).spectrum(ramp)).real
    assert float(part.mean()) == pytest.approx(float(ramp.mean()), abs=1e-5)
    for edges in (part[0] - part[-1], part[:, 0] - part[:, -1]):
        assert float(edges.abs().max()) < 0.3
    assert float(part.std()) < 0.2 * float(ramp.std())


def test_what_is_subtracted_is_smooth() -> None:
    """Its Laplacian is zero but at the border: that is what Moisan's decomposition asks."""
    picture = noise(20, 33)
    part = torch.fft.ifft2(make_pyramid(20, 33, 1, CPU).spectrum(picture)).real
    smooth = picture - part
    laplacian = sum(smooth.roll(s, d) for s in (1, -1) for d in (0, 1)) - 4 * smooth
    assert float(laplacian[1:-1, 1:-1].abs().max()) < 1e-4
    assert float(laplacian.abs().max()) > 0.1


@pytest.mark.parametrize("name", ["snake", "orchid"])
def test_a_periodic_picture_is_nearly_its_own_periodic_part(name: str) -> None:
    picture = torch.from_numpy(make_sample(name, 64).transpose(2, 0, 1).copy())
    part = torch.fft.ifft2(make_pyramid(64, 64, 4, CPU).spectrum(picture)).real
    assert float((part - picture).std()) < 0.15 * float(picture.std())
    joined = np.pad(make_sample(name, 64), ((0, 1), (0, 1), (0, 0)), mode="wrap")  # its last row is its first
    picture = torch.from_numpy(joined.transpose(2, 0, 1).copy())
    part = torch.fft.ifft2(make_pyramid(65, 65, 4, CPU).spectrum(picture)).real
    torch.testing.assert_close(part, picture, atol=1e-5, rtol=0)


@given(st.integers(0, 5000))
def test_the_coarsest_scale_has_eight_cells_or_more(side: int) -> None:
    scales = number_of_scales(side)
    assert (scales == 0) == (side < 8)
    assert side < 8 << scales
    assert scales == 0 or side >= 8 << (scales - 1)
    assert number_of_scales(64) == 4


def test_a_pyramid_is_made_once_and_serves_gradients_whoever_asked_first() -> None:
    with torch.inference_mode():
        first = make_pyramid(22, 26, 2, CPU)
    assert make_pyramid(22, 26, 2, CPU) is first
    assert not first.scales[0].round.is_inference()
    picture = noise(22, 26).requires_grad_()
    first.spectrum(picture).abs().square().sum().backward()
    assert picture.grad is not None
