"""The texture loss: 0 for the target, 1 for its mean colour, blind to shifts, not to shuffling."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from equations.errors import InputError
from srnca.media.samples import SAMPLES, make_sample
from srnca.texture.features import make_bank
from srnca.texture.loss import GramLoss, TextureLoss, gram
from srnca.texture.patches import DIRECTIONS, PatchDistance, balanced
from tests.test_srnca.tiny import stripes


def rgb(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None]


def make_loss(pixels: np.ndarray) -> TextureLoss:
    return GramLoss(make_bank("multiscale", pixels), pixels)


def shuffled(pixels: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).permutation(pixels.reshape(-1, 3)).reshape(pixels.shape)


def test_gram_is_the_mean_of_outer_products() -> None:
    maps = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    wanted = np.einsum("bihw,bjhw->bij", maps.numpy(), maps.numpy()) / 20
    np.testing.assert_allclose(gram(maps).numpy(), wanted, atol=1e-6)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_scale_of_the_loss_is_the_same_for_every_target(name: str) -> None:
    pixels = make_sample(name, 64)
    loss = make_loss(pixels)
    assert float(loss(rgb(pixels))) == pytest.approx(0, abs=1e-9)
    flat = np.broadcast_to(pixels.mean(axis=(0, 1)), pixels.shape)
    assert float(loss(rgb(flat))) == pytest.approx(1, abs=1e-3)
    shift = float(loss(rgb(np.roll(pixels, (3, 5), axis=(0, 1)))))
    mixed = float(loss(rgb(shuffled(pixels))))
    assert shift < 0.06
    assert mixed > 0.4
    assert mixed > 10 * shift


def test_a_flat_picture_of_another_colour_is_worse_than_the_mean_colour() -> None:
    pixels = stripes(32)
    loss = make_loss(pixels)
    other = np.broadcast_to(pixels.mean(axis=(0, 1)) + np.float32(0.3), pixels.shape)
    assert float(loss(rgb(other))) > 1.0


@pytest.mark.parametrize("period", [2, 4])
def test_stripes_that_a_coarse_level_cannot_see_do_not_blow_up_the_loss(period: int) -> None:
    """Averaged 2x2, they are flat: a layer with nothing in it must not rule over the others."""
    pixels = stripes(64, period)
    loss = make_loss(pixels)
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.4 - 0.2
    start = float(loss(noise + torch.tensor(pixels.mean(axis=(0, 1)))[:, None, None]))
    assert 0.3 < start < 30  # training takes 30 for an explosion
    assert float(loss(rgb(pixels))) == pytest.approx(0, abs=1e-6)


class Counting(torch.nn.Module):
    """A bank of the pictures themselves that counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, rgb: torch.Tensor) -> dict[str, torch.Tensor]:
        self.calls += 1
        return {"pixels": rgb}


def test_the_targets_grams_are_computed_once() -> None:
    bank = Counting()
    loss = GramLoss(bank, stripes())
    assert bank.calls == 1
    for _ in range(5):
        loss(torch.rand(2, 3, 16, 16))
    assert bank.calls == 6


def test_the_loss_is_the_relative_error_of_the_gram_matrix() -> None:
    loss, picture = GramLoss(Counting(), stripes()), torch.rand(1, 3, 16, 16)
    wanted, got = gram(rgb(stripes())), gram(picture)
    relative = float((got - wanted).square().sum() / wanted.square().sum())
    assert float(loss(picture)) == pytest.approx(relative, rel=1e-5)


def test_every_picture_of_a_batch_has_its_own_loss() -> None:
    loss = make_loss(stripes())
    pictures = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([loss(picture[None]) for picture in pictures])
    assert alone.shape == (3,)
    torch.testing.assert_close(loss(pictures), alone)


def test_pictures_of_another_size_are_judged_alike() -> None:
    pixels = make_sample("snake", 64)
    big = np.tile(pixels, (2, 2, 1))
    assert float(make_loss(pixels)(rgb(big))) < 0.1


def test_the_targets_numbers_move_with_the_module() -> None:
    names = set(dict(make_loss(stripes()).named_buffers()))
    assert {"target0", "scale0", "bank.mean", "bank.filters3"} <= names


def test_the_gradient_is_torchs_own() -> None:
    """Written by hand, because G is symmetric; here by torch's rules, layer by layer."""
    loss = make_loss(stripes(24))
    pictures = torch.cat([rgb(shuffled(stripes(24))), rgb(stripes(24) ** 2)])
    picture, again = (pictures.clone().requires_grad_() for _ in range(2))
    (loss(picture) * torch.tensor([1.0, -3.0])).sum().backward()
    total = torch.zeros(2)
    for i, maps in enumerate(loss.bank(again).values()):
        apart = gram(maps) - getattr(loss, f"target{i}")
        total = total + apart.square().sum(dim=(1, 2)) / getattr(loss, f"scale{i}")
    (total / len(loss.layers) * torch.tensor([1.0, -3.0])).sum().backward()
    torch.testing.assert_close(picture.grad, again.grad)


def test_following_the_gradient_lowers_the_loss() -> None:
    loss = make_loss(stripes())
    picture = rgb(shuffled(stripes())).requires_grad_()
    optimiser, losses = torch.optim.Adam([picture], lr=0.03), []
    for _ in range(25):
        value = loss(picture).sum()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(float(value.detach()))
    assert losses[-1] < 0.3 * losses[0]


def test_a_target_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="expected at least 16 pixels a side, got 4x4"):
        make_loss(stripes(4))


# patches


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_patch_distance_is_zero_for_the_same_patches() -> None:
    distance = PatchDistance(stripes(24))
    assert float(distance(rgb(stripes(24)), draws())) == 0
    assert float(distance(rgb(np.roll(stripes(24), 4, axis=0)), draws())) == pytest.approx(0, abs=1e-9)


def test_patch_distance_sees_shuffling_and_flat_colour() -> None:
    distance, pixels = PatchDistance(stripes(24)), stripes(24)
    flat = np.broadcast_to(pixels.mean(axis=(0, 1)), pixels.shape)
    assert float(distance(rgb(shuffled(pixels)), draws())) > 0.02
    assert float(distance(rgb(flat), draws())) > 0.2


def test_patch_projections_come_from_the_generator() -> None:
    distance, picture = PatchDistance(stripes(24)), torch.rand(2, 3, 24, 24, generator=draws(9))
    one, same, other = (distance(picture, draws(seed)) for seed in (1, 1, 2))
    assert one.shape == (2,)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_without_a_generator_the_directions_are_always_the_same() -> None:
    distance, picture = PatchDistance(stripes(24)), torch.rand(2, 3, 24, 24, generator=draws(9))
    one = distance(picture)
    torch.manual_seed(1)
    assert torch.equal(distance(picture), one)
    assert torch.equal(PatchDistance(stripes(24))(picture), one)
    assert float(distance(rgb(stripes(24)))) == 0
    assert not torch.equal(distance(picture, draws(1)), one)


def test_more_directions_are_the_mean_of_those_that_few_may_draw() -> None:
    distance, picture = PatchDistance(stripes(24)), torch.rand(1, 3, 24, 24, generator=draws(9))
    every = distance(picture, projections=DIRECTIONS)
    torch.testing.assert_close(distance(picture, draws(3), projections=DIRECTIONS), every)  # in another order
    few = torch.cat([distance(picture, draws(seed), projections=8) for seed in range(20)])
    assert float(few.std()) > 0
    assert float(few.mean()) == pytest.approx(float(every), rel=0.1)


def test_every_picture_has_its_own_patch_distance() -> None:
    distance, pictures = PatchDistance(stripes(24)), torch.rand(3, 3, 24, 24, generator=draws(9))
    for random in (None, 4):
        alone = [distance(p[None], None if random is None else draws(random)) for p in pictures]
        torch.testing.assert_close(distance(pictures, None if random is None else draws(random)), torch.cat(alone))


def test_patch_distance_compares_pictures_of_other_sizes() -> None:
    distance = PatchDistance(stripes(24))
    assert float(distance(rgb(stripes(48)))) < 0.01 < float(distance(rgb(shuffled(stripes(48)))))


def test_following_the_patch_distance_lowers_it() -> None:
    distance, picture = PatchDistance(stripes(24)), rgb(shuffled(stripes(24))).requires_grad_()
    optimiser, random = torch.optim.Adam([picture], lr=0.03), draws()
    before = float(distance(picture).detach())
    for _ in range(40):
        optimiser.zero_grad()
        distance(picture, random).sum().backward()
        optimiser.step()
    assert float(distance(picture).detach()) < 0.6 * before


# both


def test_the_texture_loss_counts_twice_as_much_as_the_patches() -> None:
    texture, patches = torch.tensor([1.0, 0.9, 1.0, 8.0]), torch.tensor([0.2, 0.2, 0.81 * 0.2, 0.2])
    whole, less_texture, less_patches, more = balanced(texture, patches).tolist()
    assert less_texture == pytest.approx(less_patches)
    assert whole - less_texture == pytest.approx(-2 / 3 * math.log(0.9))
    assert math.exp(whole) == pytest.approx(0.2 ** (1 / 3))
    assert more - whole == pytest.approx(math.log(4))


def test_losses_of_nothing_are_finite_and_pull_no_more() -> None:
    texture, patches = torch.tensor([0.0, 0.5]).requires_grad_(), torch.tensor([0.5, 0.0]).requires_grad_()
    value = balanced(texture, patches)
    value.sum().backward()
    assert bool(value.isfinite().all())
    for given, zero, share in ((texture, 0, 2 / 3), (patches, 1, 1 / 3)):
        assert given.grad is not None
        assert given.grad[zero] == 0
        assert given.grad[1 - zero] == pytest.approx(2 * share)
