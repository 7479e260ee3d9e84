"""The statistics by which textures are compared: what moves them, and what must not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from srnca.media.samples import make_sample
from srnca.texture.wavelets.loss import WaveletLoss
from srnca.texture.wavelets.pyramid import ORIENTATIONS
from srnca.texture.wavelets.statistics import (
    BANDS,
    BINS,
    DIRECTIONS,
    LEVELS,
    SMALL_STEP,
    Statistics,
    colour_directions,
)
from srnca.texture.weighing import PARTS
from tests.test_srnca.tiny import stripes


def rgb(*pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).copy())


@pytest.fixture(scope="module")
def snake() -> WaveletLoss:
    return WaveletLoss(make_sample("snake", 64))


def named(statistics: Statistics) -> dict[str, Tensor]:
    """Groups by name; of the histograms, which come in two parts, those of blurred pictures."""
    return dict(statistics)


def flattened(statistics: Statistics) -> Tensor:
    return torch.cat([values.flatten(1) for _, values in statistics], dim=1)


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (48, 71), (33, 40)])
def test_pictures_of_any_size_have_the_same_statistics(snake: WaveletLoss, size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    found = snake.statistics(rgb(*random.random((2, *size, 3), dtype=np.float32)))
    pairs = BANDS * (BANDS - 1) // 2
    assert [(group, values.shape) for group, values in found] == [
        ("mean", (2, 1, 3)),
        ("palette", (2, 1, 2 * LEVELS)),
        ("grain", (2, 1, 6)),
        ("histogram", (2, 1, 3 * BINS)),
        ("steps", (2, 1, 2 * 3 * BINS)),
        ("histogram", (2, 3, (3 + DIRECTIONS) * BINS)),
        ("power", (2, 4, BANDS)),
        ("sparsity", (2, 4, BANDS)),
        ("coherence", (2, 4, pairs)),
        ("amplitudes", (2, 4, pairs)),
        ("scales", (2, 3, BANDS * BANDS)),
        ("phases", (2, 3, 2 * ORIENTATIONS)),
    ]
    assert all(bool(values.isfinite().all()) for _, values in found)


def test_every_picture_of_a_batch_is_measured_alone(snake: WaveletLoss) -> None:
    one, two = (make_sample("snake", 64, seed) for seed in (1, 2))
    alone = torch.cat([flattened(snake.statistics(rgb(p))) for p in (one, two)])
    torch.testing.assert_close(flattened(snake.statistics(rgb(one, two))), alone, atol=1e-4, rtol=1e-4)


def test_moving_a_periodic_picture_changes_hardly_anything(snake: WaveletLoss) -> None:
    moved = np.roll(make_sample("snake", 64), (3, 5), axis=(0, 1))
    found = dict(zip(snake.groups, snake.distances(rgb(moved))[0].tolist(), strict=True))
    assert max(found.values()) < 1.5, found  # another piece of the same texture has about 1 in all of them
    assert np.mean(list(found.values())) < 0.5, found
    assert found["mean"] + found["palette"] < 0.02, found


def test_turning_stripes_moves_power_to_the_other_orientation() -> None:
    loss = WaveletLoss(stripes(32))
    lying, standing = (named(loss.statistics(rgb(p)))["power"][0, 0] for p in (stripes(32), np.rot90(stripes(32))))
    across, down = 0, 2  # orientations of the first colour: it changes along x, and along y
    assert float(lying[down] - lying[across]) > 3
    assert float(standing[across] - standing[down]) > 3
    torch.testing.assert_close(lying[[down, across]], standing[[across, down]], atol=0.1, rtol=0.1)


def test_twice_the_contrast_is_four_times_the_power_and_no_other_shape(snake: WaveletLoss) -> None:
    mean = snake.mean.permute(1, 2, 0).numpy()
    flatter = (mean + 0.5 * (make_sample("snake", 64) - mean)).astype(np.float32)
    whole, half = (named(snake.statistics(rgb(p))) for p in (make_sample("snake", 64), flatter))
    first = slice(0, ORIENTATIONS)  # of the colour that varies most
    torch.testing.assert_close(
        (whole["power"] - half["power"])[0, :, first], torch.full((4, ORIENTATIONS), np.log(4)), atol=0.35, rtol=0
    )
    assert float((whole["coherence"] - half["coherence"]).abs().max()) < 0.15
    assert float((whole["histogram"] - half["histogram"])[0, 0, :BINS].abs().max()) < 0.05  # of the same colour


def test_phases_tell_a_picture_from_its_negative_and_power_does_not(snake: WaveletLoss) -> None:
    picture = make_sample("snake", 64)
    negative = (2 * picture.mean(axis=(0, 1)) - picture).astype(np.float32)
    one, other = (named(snake.statistics(rgb(p))) for p in (picture, negative))
    torch.testing.assert_close(one["power"], other["power"], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(one["phases"], -other["phases"], atol=1e-3, rtol=1e-3)
    assert float(one["phases"].abs().max()) > 0.03


def test_the_palette_is_the_hue_at_each_lightness(snake: WaveletLoss) -> None:
    """Turning the second and third colour by half a turn turns the palette, and leaves the first colour alone."""
    colours = (snake.colours @ (rgb(make_sample("snake", 64)) - snake.mean).flatten(2)).unflatten(2, (64, 64))
    turned = colours * torch.tensor([1.0, -1.0, -1.0])[:, None, None]
    back = (torch.linalg.inv(snake.colours) @ turned.flatten(2)).unflatten(2, (64, 64)) + snake.mean
    one, other = named(snake.statistics(rgb(make_sample("snake", 64)))), named(snake.statistics(back))
    torch.testing.assert_close(one["palette"], -other["palette"], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(one["power"], other["power"], atol=1e-3, rtol=1e-3)
    assert float(one["palette"].abs().max()) > 0.005


def test_histograms_have_no_mean_and_no_variance(snake: WaveletLoss) -> None:
    for group, values in snake.statistics(rgb(make_sample("snake", 64, 3))):
        if group == "histogram":
            quantiles = values.unflatten(2, (-1, BINS))
            assert float(quantiles.mean(dim=3).abs().max()) < 1e-5
            assert bool((quantiles.square().mean(dim=3) < 1).all())
            assert float(quantiles[..., 0, :].square().mean(dim=2).min()) > 0.9
            assert bool((quantiles.diff(dim=3) >= 0).all())


def test_steps_are_quantiles_of_the_differences_between_neighbours(snake: WaveletLoss) -> None:
    """A ramp along x: every difference across is one slope, and every difference down is zero."""
    slope = 0.01
    ramp = np.broadcast_to(slope * np.arange(64, dtype=np.float32)[None, :, None], (64, 64, 3))
    steps = named(snake.statistics(rgb(ramp)))["steps"].unflatten(2, (2, 3, BINS))[0, 0]
    wanted = (slope * snake.colours.sum(dim=1) / SMALL_STEP).asinh()
    torch.testing.assert_close(steps[0], wanted[:, None].expand(3, BINS), atol=1e-3, rtol=1e-3)
    assert float(steps[1].abs().max()) < 1e-5
    noisy = ramp.copy()
    noisy[:32, :32] += np.random.default_rng(0).random((32, 32, 3), dtype=np.float32)
    of_part = [dict(snake.statistics(rgb(noisy), part=part))["steps"].unflatten(2, (2, -1)) for part in (0, 8)]
    assert float(of_part[0][0, 0, 1].abs().max()) > 1
    assert float(of_part[1][0, 0, 1].abs().max()) < 1e-5


def test_a_part_is_measured_where_it_lies(snake: WaveletLoss) -> None:
    """Part 0 is the upper left quarter, part 8 the lower right one, part 4 the middle."""
    picture = np.full((64, 64, 3), 0.5, np.float32)
    picture[32:, 32:] = 0.9
    means = [float(snake.statistics(rgb(picture), part=part)[0][1][0, 0, 0]) for part in range(PARTS)]
    assert int(np.argmax(means)) == 8
    assert [means[part] for part in (1, 2, 3, 6)] == pytest.approx([means[0]] * 4, rel=1e-4)
    assert means[0] + 0.5 < means[4] < means[8] - 0.5


def test_directions_of_colour_space_are_unit_vectors_and_the_same_for_ever() -> None:
    directions = colour_directions(torch.tensor([0.9, 0.4, 0.1]))
    assert directions.shape == (3 + DIRECTIONS, 3)
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(3 + DIRECTIONS))
    assert torch.equal(directions[:3], torch.eye(3))
    assert torch.equal(directions, colour_directions(torch.tensor([0.9, 0.4, 0.1])))
