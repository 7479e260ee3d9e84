"""The procedural plants look like their kinds, by measurement; each measure rejects another kind."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from equations.errors import InputError
from srnca.media.samples import SAMPLES, make_sample

Mask = NDArray[np.bool_]


@cache
def plant(name: str, seed: int = 0, size: int = 256) -> NDArray[np.float32]:
    return make_sample(name, size, seed)


def upright_over_level(picture: NDArray[np.float32]) -> float:
    """Gradient energy up and down over that sideways: above 1 for bands across, below for veins upright."""
    grey = ndimage.gaussian_filter(picture.mean(axis=2), 5, mode="wrap")  # without fibres and fine veins
    down, right = np.gradient(grey)
    return float((down**2).sum() / (right**2).sum())


def pieces(mask: Mask, least: int) -> list[Mask]:
    """Connected parts (8 neighbours) of at least `least` pixels."""
    label, count = ndimage.label(mask, structure=np.ones((3, 3)))
    return [part for i in range(1, count + 1) if (part := label == i).sum() >= least]


def connected_share(mask: Mask) -> float:
    """The largest connected part's share of the mask, on the torus seen as 2 x 2 tiles."""
    tiled = np.tile(mask, (2, 2))
    return float(max(p.sum() for p in pieces(tiled, 50)) / tiled.sum())


def roundness(part: Mask) -> tuple[float, float]:
    """Long over short axis (1: a disc), and area over that of the ellipse of the same moments (1: solid)."""
    moments = np.linalg.eigvalsh(np.cov(np.argwhere(part).T.astype(float)))
    return float(np.sqrt(moments[1] / moments[0])), float(part.sum() / (4 * np.pi * np.sqrt(moments.prod())))


def spots(picture: NDArray[np.float32]) -> list[Mask]:
    """Yellow parts that do not touch the frame."""
    yellow = (picture[..., 0] > 0.55) & (picture[..., 0] > picture[..., 2] + 0.15)
    frame = np.ones_like(yellow)
    frame[1:-1, 1:-1] = False
    return [part for part in pieces(yellow, 60) if not (part & frame).any()]


def veins(name: str, seed: int) -> Mask:
    picture = plant(name, seed)
    return picture[..., 1] > 0.55 if name == "alocasia" else picture[..., 1] < 0.42


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("size", [16, 64, 100])
def test_shape_range_and_type(name: str, size: int) -> None:
    picture = make_sample(name, size)
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.float32
    assert 0 <= picture.min() < picture.max() <= 1


@pytest.mark.parametrize("name", SAMPLES)
def test_same_seed_same_bytes_other_seed_other_picture_of_the_same_kind(name: str) -> None:
    first, again, other = plant(name), make_sample(name, 256, 0), plant(name, 1)
    assert first.tobytes() == again.tobytes()
    alike = np.corrcoef(first.mean(axis=2).ravel(), other.mean(axis=2).ravel())[0, 1]
    assert abs(alike) < 0.5
    np.testing.assert_allclose(first.mean(axis=(0, 1)), other.mean(axis=(0, 1)), atol=0.05)
    np.testing.assert_allclose(first.std(axis=(0, 1)), other.std(axis=(0, 1)), atol=0.05)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_small_picture_is_the_large_one_averaged(name: str) -> None:
    blocks = plant(name).reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(make_sample(name, 64), blocks, atol=1e-6)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("seed", range(3))
def test_opposite_edges_join(name: str, seed: int) -> None:
    picture = plant(name, seed)
    for axis in (0, 1):
        step = np.abs(np.diff(picture, axis=axis, append=picture.take([0], axis))).mean(axis=(1 - axis, 2))
        assert step[-1] < step.mean() + 4 * step[:-1].std(), "a seam stands out from the steps inside"
        cut = np.delete(picture, range(90), axis=axis)  # the same measure sees the seam of a cut picture
        step = np.abs(np.diff(cut, axis=axis, append=cut.take([0], axis))).mean(axis=(1 - axis, 2))
        assert step[-1] > step[:-1].mean() + 4 * step[:-1].std()


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("seed", range(3))
def test_no_quarter_differs_much_from_the_whole(name: str, seed: int) -> None:
    picture = plant(name, seed)
    quarters = picture.reshape(2, 128, 2, 128, 3).mean(axis=(1, 3))
    assert np.abs(quarters - picture.mean(axis=(0, 1))).max() < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_snake_bands_run_across_and_repeat(seed: int) -> None:
    picture = plant("snake", seed)
    assert upright_over_level(picture) > 3
    assert upright_over_level(picture.transpose(1, 0, 2)) < 1 / 3  # the measure tells up from sideways
    green = picture[..., 1] - picture[..., 1].mean()
    power = (np.abs(np.fft.rfft(green, axis=0)) ** 2).sum(axis=1)
    assert 4 <= int(power.argmax()) <= 8, "bands down the picture"
    assert (picture[..., 1] >= picture[..., 0] - 0.02).mean() > 0.99
    assert np.ptp(np.quantile(picture[..., 1], [0.1, 0.9])) > 0.25


@pytest.mark.parametrize("seed", range(4))
def test_snake_band_edges_are_jagged(seed: int) -> None:
    """A band's edge moves up or down by pixels between neighbouring fibres; a smooth wave's does not."""

    def steepness(picture: NDArray[np.float32]) -> float:
        light = (picture[..., 1] > 0.38).astype(int)
        return float(np.abs(np.diff(light, axis=1)).sum() / np.abs(np.diff(light, axis=0)).sum())

    picture = plant("snake", seed)
    assert steepness(picture) > 0.75
    assert steepness(ndimage.gaussian_filter1d(picture, 8, axis=1, mode="wrap")) < 0.4


@pytest.mark.parametrize("seed", range(4))
def test_roundleaf_has_many_round_solid_spots(seed: int) -> None:
    found = spots(plant("roundleaf", seed))
    assert 10 <= len(found) <= 24
    ratios, solid = zip(*(roundness(part) for part in found), strict=True)
    assert np.median(ratios) < 1.2
    assert np.median(np.abs(np.array(solid) - 1)) < 0.03
    diameter = np.sqrt(np.median([p.sum() for p in found]) * 4 / np.pi) / 4
    assert 5 < diameter < 10, "in pixels of the 64 x 64 picture"
    assert 0.6 < upright_over_level(plant("roundleaf", seed)) < 1.6


def test_roundness_rejects_bands_and_nets() -> None:
    light = plant("snake")[..., 1] > 0.42
    ratios = [roundness(part)[0] for part in pieces(light, 400)]
    assert np.median(ratios) > 2
    assert roundness(veins("alocasia", 0))[1] < 0.7


@pytest.mark.parametrize("name", ["orchid", "alocasia"])
@pytest.mark.parametrize("seed", range(4))
def test_veins_make_one_net_round_many_areoles(name: str, seed: int) -> None:
    net = veins(name, seed)
    assert 0.08 < net.mean() < 0.45
    assert connected_share(net) > 0.9
    assert len(pieces(~ndimage.binary_dilation(net), 60)) > 20


def test_connectedness_rejects_scattered_spots() -> None:
    picture = plant("roundleaf")
    assert connected_share(picture[..., 0] > 0.55) < 0.3


@pytest.mark.parametrize("seed", range(4))
def test_orchid_is_magenta_on_pale_with_upright_veins(seed: int) -> None:
    picture, net = plant("orchid", seed), veins("orchid", seed)
    red, green, blue = picture[net].mean(axis=0)
    assert red > blue > green + 0.2
    assert picture[~net].mean() > 0.7
    assert upright_over_level(picture) < 0.7


@pytest.mark.parametrize("seed", range(4))
def test_alocasia_veins_are_pale_on_dark_and_of_several_widths(seed: int) -> None:
    picture, net = plant("alocasia", seed), veins("alocasia", seed)
    assert picture[~ndimage.binary_dilation(net, iterations=4)].mean() < 0.25
    assert picture[net].mean() > 0.55
    depth = ndimage.distance_transform_edt(net)
    ridge = depth[(depth == ndimage.maximum_filter(depth, 3)) & net]
    assert np.quantile(ridge, 0.95) > 2.2 * np.quantile(ridge, 0.4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("snaek",), 'did you mean "snake"'),
        (("tulip",), "expected one of snake, roundleaf, orchid, alocasia, got 'tulip'"),
        (("snake", 8), "expected 16 to 2048 pixels, got 8"),
        (("snake", 5000), "got 5000"),
        (("snake", 64, -1), "expected 0 or more, got -1"),
    ],
)
def test_errors_say_what_was_expected(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_sample(*arguments)  # type: ignore[arg-type]
