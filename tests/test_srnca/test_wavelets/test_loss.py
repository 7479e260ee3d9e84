"""The wavelet loss: 0 for the target, 1 for a flat picture, and other pieces of a texture before what imitates them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from equations.errors import InputError
from srnca.media import samples
from srnca.texture.controls import colour_noise, flat, negative, random_phases, shuffled_blocks
from srnca.texture.wavelets import statistics
from srnca.texture.wavelets.loss import WaveletLoss
from srnca.texture.wavelets.pyramid import make_pyramid
from tests.test_srnca.tiny import stripes

make_sample = cache(samples.make_sample)  # nothing here changes a sample


def rgb(*pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.stack(pictures).astype(np.float32).transpose(0, 3, 1, 2).copy())


@pytest.fixture(scope="module", params=["snake", "orchid"])
def sample(request: pytest.FixtureRequest) -> tuple[str, WaveletLoss]:
    return request.param, WaveletLoss(make_sample(request.param, 64))


def grey(seed: int) -> np.ndarray:
    return np.repeat(make_sample("snake", 64, seed).mean(axis=2, keepdims=True), 3, axis=2)


def test_the_target_has_none_and_a_flat_picture_one(sample: tuple[str, WaveletLoss]) -> None:
    name, loss = sample
    target = make_sample(name, 64)
    assert loss(rgb(target)).tolist() == [0]
    assert loss(rgb(flat(target))).tolist() == [1]


def test_other_seeds_of_a_sample_come_before_what_lacks_its_structure(sample: tuple[str, WaveletLoss]) -> None:
    name, loss = sample
    target, random = make_sample(name, 64), np.random.default_rng(0)
    worst = float(loss(rgb(*(make_sample(name, 64, seed) for seed in (1, 2, 3)))).max())
    imitations = [random_phases(target, random, histogram=ranked) for ranked in (False, True)]
    assert worst < 0.1
    assert float(loss(rgb(*imitations)).min()) > 2.5 * worst
    assert float(loss(rgb(colour_noise(target, random)))) > 8 * worst
    assert float(loss(rgb(shuffled_blocks(target, 8, random)))) > 2 * worst
    assert float(loss(rgb(negative(target)))) > 1.5 * worst


def discs(seed: int) -> np.ndarray:
    """Fourteen discs on a torus of 64 x 64, one where they cover it."""
    y, x = np.mgrid[:64, :64]
    centres = 64 * np.random.default_rng(seed).random((14, 2))
    apart = [np.hypot((y - cy + 32) % 64 - 32, (x - cx + 32) % 64 - 32) for cy, cx in centres]
    return np.clip(4.5 - np.min(apart, axis=0), 0, 1)[..., None]


@pytest.mark.parametrize("wavelength", [5, 8])
def test_faint_ripples_on_a_plain_ground_are_worse_than_other_discs(wavelength: float) -> None:
    light = np.array([0.36, 0.6, 0.48])
    target, others = 0.2 + light * discs(0), [0.2 + light * discs(seed) for seed in (1, 2, 3)]
    y, x = np.mgrid[:64, :64]
    ripples = 0.04 * np.sin(2 * np.pi * (x + 2 * y) / wavelength)[..., None]
    loss = WaveletLoss(target)
    assert float(loss(rgb(target + (1 - discs(0)) * ripples))) > 2 * float(loss(rgb(*others)).max())


@pytest.mark.parametrize("shade", [0.2, 0.8])
def test_a_faint_chequerboard_in_stripes_is_seen(shade: float) -> None:
    y, x = np.mgrid[:64, :64]
    target = np.where((x + y) // 8 % 2, 0.2, 0.8)[..., None] * np.ones(3)
    chequered = target + 0.02 * (-1.0) ** x[..., None] * (target == shade)
    loss = WaveletLoss(target)
    assert float(loss(rgb(chequered))) > 2 * float(loss(rgb(np.roll(target, 3, axis=1))))


def test_lightness_counts_although_only_the_faint_colours_of_random_fields_have_another_histogram() -> None:
    y, x = np.mgrid[:64, :64]
    faint = 0.002 * np.random.default_rng(0).normal(size=(64, 64, 3))
    target = np.where((x + y) // 8 % 2, 0.2, 0.7)[..., None] * np.array([0.6, 0.8, 1.0]) + faint
    narrow = 0.2 + 0.5 * (0.5 + 0.5 * np.sin(2 * np.pi * (x + y) / 16)) ** 2.5
    loss = WaveletLoss(target)
    distances = loss.distances(rgb(narrow[..., None] * np.array([0.6, 0.8, 1.0])))[0]
    assert float(distances[loss.groups.index("histogram")]) > 8


def test_moving_and_repeating_a_periodic_target_costs_hardly_anything(sample: tuple[str, WaveletLoss]) -> None:
    name, loss = sample
    target = make_sample(name, 64)
    assert float(loss(rgb(np.roll(target, (3, 5), axis=(0, 1))))) < 0.003
    assert float(loss(rgb(np.tile(target, (2, 2, 1))[:96, :64]))) < 0.01
    assert float(loss(rgb(np.tile(target, (2, 2, 1))[9:57, 4:52]))) < 0.1  # 48 pixels a side: some of it is missing


@pytest.mark.parametrize("size", [(48, 48), (96, 64), (33, 50), (16, 16), (17, 40)])
def test_targets_of_other_sizes_have_the_same_scale(size: tuple[int, int]) -> None:
    target = make_sample("snake", 96)[: size[0], : size[1]]
    loss = WaveletLoss(target)
    noise = np.random.default_rng(0).random((*size, 3))
    assert loss(rgb(target)).tolist() == [0]
    assert loss(rgb(flat(target))).tolist() == [1]
    assert 0.3 < float(loss(rgb(noise))) < 10


def test_a_wrong_mean_colour_is_worse_than_a_flat_picture(sample: tuple[str, WaveletLoss]) -> None:
    name, loss = sample
    target = make_sample(name, 64)
    assert float(loss(rgb(np.clip(flat(target) + 0.3, 0, 1)))) > 1.05


def test_a_grey_target_is_compared_as_well() -> None:
    loss, target = WaveletLoss(grey(0)), grey(0)
    assert loss(rgb(target)).tolist() == [0]
    assert loss(rgb(flat(target))).tolist() == [1]
    other = float(loss(rgb(grey(1))))
    assert other < 0.05
    assert float(loss(rgb(random_phases(target, np.random.default_rng(0), histogram=True)))) > 2 * other
    assert float(loss(rgb(colour_noise(target, np.random.default_rng(0))))) > 5 * other


@pytest.mark.parametrize("contrast", [0, 0.0005, 0.002, 0.01])
def test_a_nearly_flat_target_has_finite_losses_of_the_usual_size(contrast: float) -> None:
    random = np.random.default_rng(0)
    target = 0.4 + contrast * random.normal(size=(32, 32, 3))
    loss, pictures = WaveletLoss(target), rgb(target, flat(target), random.random((32, 32, 3))).requires_grad_()
    values = loss(pictures)
    assert float(values[0].detach()) == pytest.approx(0, abs=1e-6)
    flat_loss = float(values[1].detach())
    assert flat_loss == pytest.approx(1, abs=1e-3) if contrast > 0.001 else 0 <= flat_loss < 0.5  # else nothing is seen
    assert 1 < float(values[2].detach()) < 30  # training takes 30 for an explosion
    (gradient,) = torch.autograd.grad(values.sum(), pictures)
    assert bool(gradient.isfinite().all())


def test_a_flat_picture_and_the_target_have_finite_gradients(sample: tuple[str, WaveletLoss]) -> None:
    name, loss = sample
    pictures = rgb(flat(make_sample(name, 64)), make_sample(name, 64)).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(pictures).sum(), pictures)
    assert bool(gradient.isfinite().all())
    assert float(gradient[1].abs().max()) < 1e-4 < float(gradient[0].abs().max())


def test_the_gradient_is_that_of_differences(sample: tuple[str, WaveletLoss]) -> None:
    name, loss = sample
    picture = rgb(make_sample(name, 64, 1)).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(picture).sum(), picture)
    step = 3e-4 * gradient / gradient.square().mean().sqrt()
    with torch.no_grad():
        rise = float(loss(picture + step) - loss(picture - step))
    assert rise == pytest.approx(2 * float((gradient * step).sum()), rel=0.05)


def test_following_the_gradient_from_noise_lowers_the_loss() -> None:
    loss = WaveletLoss(make_sample("snake", 32))
    start = loss.mean + 0.1 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    picture = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([picture], lr=0.03)
    for _ in range(20):
        optimiser.zero_grad()
        loss(picture).sum().backward()
        optimiser.step()
    assert float(loss(picture.detach())) < 0.5 * float(loss(start))


def test_the_same_picture_has_the_same_bits_and_so_has_a_second_loss(sample: tuple[str, WaveletLoss]) -> None:
    name, loss = sample
    again, picture = WaveletLoss(make_sample(name, 64)), rgb(make_sample(name, 64, 1), make_sample(name, 64, 2))
    for key, tensor in again.state_dict().items():
        assert torch.equal(tensor, loss.state_dict()[key]), key
    gradients = []
    for measure in (loss, loss, again):
        given = picture.clone().requires_grad_()
        gradients.append(torch.autograd.grad(measure(given).sum(), given)[0])
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])
    assert torch.equal(loss(picture), again(picture))


def test_its_numbers_move_with_the_module_and_nothing_is_trained() -> None:
    loss = WaveletLoss(stripes(16))
    kept = {"mean", "colours", "directions", "levels", "target", "weights", "shares", "unit"}
    assert set(loss.state_dict()) == kept
    assert not list(loss.parameters())
    assert all(tensor.dtype == torch.float32 for tensor in loss.state_dict().values())
    assert loss.weights.shape == (loss.target.shape[1], len(loss.groups))
    assert float(loss.shares.sum()) == pytest.approx(1)
    assert bool((loss.weights >= 0).all())


def test_groups_count_equally_and_their_distances_add_up_to_the_loss(sample: tuple[str, WaveletLoss]) -> None:
    name, loss = sample
    shares = dict.fromkeys(loss.groups, 0.0)
    for group, share in zip(loss.groups, loss.shares.tolist(), strict=True):
        shares[group] += share
    assert len(shares) == 11
    assert list(shares.values()) == pytest.approx([1 / 11] * 11)
    distances = loss.distances(rgb(make_sample(name, 64, 1)))
    assert distances.shape == (1, len(loss.groups))
    assert bool((distances >= 0).all())


def test_training_can_follow_what_was_first_measured_without_gradients() -> None:
    loss, picture = WaveletLoss(stripes(16)), rgb(make_sample("snake", 21))
    for kept in (make_pyramid, statistics._above_diagonal, statistics._weights):
        kept.cache_clear()
    with torch.inference_mode():
        value = loss(picture)
    picture.requires_grad_()
    again = loss(picture)
    again.sum().backward()
    assert torch.equal(again.detach(), value.clone())


def test_what_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="'wavelet' needs at least 16 pixels a side, got 15x40"):
        WaveletLoss(np.zeros((15, 40, 3), np.float32))
    loss = WaveletLoss(make_sample("snake", 64))
    assert bool(loss(rgb(make_sample("snake", 32))).isfinite().all())
    with pytest.raises(InputError, match=r"picture: expected at least 32 pixels a side .*, got 64x31"):
        loss(torch.zeros(1, 3, 64, 31))


@pytest.mark.gpu
def test_a_gpu_gives_the_same_losses(sample: tuple[str, WaveletLoss]) -> None:
    name, _ = sample
    loss, pictures = WaveletLoss(make_sample(name, 64)), rgb(make_sample(name, 64, 1), make_sample(name, 64, 2))
    here = loss(pictures)
    torch.testing.assert_close(loss.cuda()(pictures.cuda()).cpu(), here, atol=1e-4, rtol=1e-3)
