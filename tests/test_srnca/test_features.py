"""The feature banks: deterministic filters, and VGG16 with torchvision's keys and nothing fetched unasked."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from equations.errors import InputError, MissingPartError
from srnca.texture.features import make_bank, vgg16
from srnca.texture.features.convolve import convolve
from srnca.texture.features.multiscale import MAPS, SIZES, MultiScale
from srnca.texture.features.vgg16 import FILE, LAYERS, VGG16, load_vgg16
from tests.test_srnca.tiny import stripes


def picture(size: int = 48) -> torch.Tensor:
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))


GOLDEN_ROW = [0.03728821501135826, 0.1919112503528595, 0.01900472119450569]


# multiscale


def test_filters_are_the_same_for_ever() -> None:
    bank = MultiScale(stripes())
    filters = bank.filters3
    assert isinstance(filters, torch.Tensor)
    np.testing.assert_allclose(filters[0, 0, 0].numpy(), GOLDEN_ROW, atol=1e-7)
    for name, tensor in MultiScale(stripes()).state_dict().items():
        assert torch.equal(tensor, bank.state_dict()[name])


def test_filters_have_unit_norm_and_most_are_blind_to_flat_colour() -> None:
    for size in SIZES:
        filters = getattr(MultiScale(stripes()), f"filters{size}")
        assert filters.shape == (MAPS, 3, size, size)
        torch.testing.assert_close(filters.square().sum(dim=(1, 2, 3)), torch.ones(MAPS))
        blind = (filters.sum(dim=(2, 3)).abs() < 1e-4).all(dim=1)
        assert int(blind.sum()) == 36


def test_layers_are_responses_on_a_pyramid() -> None:
    bank, rgb = MultiScale(stripes()), picture(88)
    layers = bank(rgb)
    assert len(layers) == 12
    image = (rgb - torch.tensor(stripes().mean(axis=(0, 1)))[:, None, None]) / float(
        (stripes() - stripes().mean(axis=(0, 1))).std()
    )
    half = functional.avg_pool2d(image, 2)
    wanted = functional.conv2d(half, bank.filters5).clamp_min(0)  # type: ignore[arg-type]
    torch.testing.assert_close(layers["level1/size5"], wanted, atol=1e-5, rtol=1e-4)


def test_a_small_picture_has_fewer_layers() -> None:
    names = ["level0/size3", "level0/size5", "level0/size7", "level1/size3", "level1/size5"]
    assert list(MultiScale(stripes())(picture(16))) == names


def test_a_flat_target_does_not_divide_by_zero() -> None:
    layers = MultiScale(np.full((16, 16, 3), 0.4, np.float32))(picture(16))
    assert all(bool(maps.isfinite().all()) for maps in layers.values())


def test_the_bank_holds_nothing_to_train() -> None:
    assert not list(MultiScale(stripes()).parameters())
    assert not any(p.requires_grad for p in VGG16().parameters())


def test_an_unknown_bank_is_refused() -> None:
    assert isinstance(make_bank("multiscale", stripes()), MultiScale)
    with pytest.raises(InputError, match="expected one of multiscale, vgg16, got 'vgg19'"):
        make_bank("vgg19", stripes())


# convolution

SHAPES = [
    ((2, 3, 13, 17), (6, 3, 5, 5)),  # pictures that are not square
    ((1, 3, 9, 4), (4, 3, 3, 3)),
    ((3, 1, 8, 8), (2, 1, 1, 1)),
    ((1, 2, 11, 12), (5, 2, 11, 11)),  # filters as large as the picture
    ((2, 4, 7, 30), (3, 4, 7, 7)),
    ((0, 3, 8, 8), (2, 3, 3, 3)),
]


@pytest.mark.parametrize("rectify", [False, True])
@pytest.mark.parametrize(("image", "filters"), SHAPES)
def test_convolution_is_torchs_own(image: tuple[int, ...], filters: tuple[int, ...], rectify: bool) -> None:
    """Values and gradients; the gradient goes through a function of both signs and of every map."""
    random = torch.Generator().manual_seed(0)
    kernels = torch.randn(filters, generator=random, dtype=torch.float64)
    ours = torch.randn(image, generator=random, dtype=torch.float64).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    got, wanted = convolve(ours, kernels, rectify=rectify), functional.conv2d(theirs, kernels)
    wanted = wanted.relu() if rectify else wanted
    assert got.shape == wanted.shape
    torch.testing.assert_close(got, wanted)
    weights = torch.randn(got.shape, generator=random, dtype=torch.float64)
    for maps in (got, wanted):
        (maps * weights + maps.square()).sum().backward()
    assert ours.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad)
    assert image[0] == 0 or bool((ours.grad != 0).any())


def test_convolution_in_single_precision_and_part_of_a_graph() -> None:
    rgb, kernels = picture(24).requires_grad_(), torch.randn(8, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    convolve(functional.avg_pool2d(2 * rgb, 2), kernels, rectify=True).square().mean().sqrt().backward()
    again = rgb.detach().clone().requires_grad_()
    functional.conv2d(functional.avg_pool2d(2 * again, 2), kernels).relu().square().mean().sqrt().backward()
    assert rgb.grad is not None
    torch.testing.assert_close(rgb.grad, again.grad, atol=1e-7, rtol=1e-4)


def test_rectifying_is_not_forgotten_on_the_way_back() -> None:
    """The comparison above can fail: a map below zero passes nothing on."""
    kernels = torch.ones(1, 3, 3, 3)
    rgb = -torch.ones(1, 3, 6, 6).requires_grad_()
    (slope,) = torch.autograd.grad(convolve(rgb, kernels, rectify=True).sum(), rgb)
    assert not slope.any()
    (slope,) = torch.autograd.grad(convolve(rgb, kernels).sum(), rgb)
    assert slope.any()


def test_filters_are_constants_of_a_convolution() -> None:
    kernels, rgb = torch.randn(4, 3, 3, 3).requires_grad_(), picture(8).requires_grad_()
    convolve(rgb, kernels).sum().backward()
    assert kernels.grad is None
    assert rgb.grad is not None
    before = kernels.detach().clone()
    assert torch.equal(kernels, before)
    assert not convolve(picture(8), kernels.detach()).requires_grad


# vgg16


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict with torchvision's keys, random numbers in it, and a classifier that must not matter."""
    random = torch.Generator().manual_seed(0)
    made: dict[str, Any] = {}
    for name, tensor in VGG16().features.state_dict().items():
        made[f"features.{name}"] = torch.randn(tensor.shape, generator=random) * (2 / tensor[0].numel()) ** 0.5
    made["features.28.weight"], made["classifier.0.weight"] = torch.zeros(512, 512, 3, 3), torch.zeros(9, 9)
    path = tmp_path_factory.mktemp("vgg") / "mine.pth"
    torch.save(made, path)
    return path


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weight cache, and a network that must not be touched."""

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a download was started")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    folder = tmp_path / "hub" / "hub" / "checkpoints"
    assert str(folder.parent) == torch.hub.get_dir()
    folder.mkdir(parents=True)
    return folder


def test_keys_and_shapes_are_torchvisions() -> None:
    torchvision = pytest.importorskip("torchvision")
    with torch.device("meta"):  # shapes without half a gigabyte of numbers
        theirs = torchvision.models.vgg16(weights=None).state_dict()
    ours = VGG16().state_dict()
    for name in ("mean", "std"):
        ours.pop(name)
    convolutions = [name for name in theirs if name.startswith("features.") and int(name.split(".")[1]) <= 25]
    assert list(ours) == convolutions
    assert {name: tensor.shape for name, tensor in ours.items()} == {n: theirs[n].shape for n in convolutions}


def test_maps_are_torchvisions_own(weights: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    made = torch.load(weights, weights_only=True)
    theirs = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"], batch_norm=False)[:26]
    theirs.load_state_dict(
        {k.removeprefix("features."): v for k, v in made.items() if "features.28" not in k and "classifier" not in k}
    )
    maps = (picture(32) - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
        :, None, None
    ]
    ours = load_vgg16(weights)(picture(32))
    assert list(ours) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    with torch.inference_mode():
        for index, layer in enumerate(theirs):
            maps = layer(maps)
            if index in LAYERS:
                torch.testing.assert_close(ours[LAYERS[index]], maps, atol=1e-4, rtol=1e-3)


def test_weights_in_the_cache_are_found_and_checked(hub: Path, weights: Path) -> None:
    os.link(weights, hub / FILE)
    with pytest.raises(InputError, match=r"checksum is [0-9a-f]{8}…, expected 397923af"):
        load_vgg16()
    with pytest.raises(InputError, match="checksum"):
        make_bank("vgg16", stripes())


def test_missing_weights_are_a_missing_part_and_nothing_is_fetched(hub: Path) -> None:
    with pytest.raises(MissingPartError, match=r"--vgg-weights.*--download.*multiscale"):
        load_vgg16()
    assert not list(hub.iterdir())


def test_a_named_file_that_is_missing_is_bad_input_even_with_download(hub: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file of VGG16 weights"):
        load_vgg16(tmp_path / "none.pth", download=True)


def test_a_download_only_when_asked_for(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    def offline(url: str, to: str, hash_prefix: str, progress: bool) -> None:
        asked.append((url, to, hash_prefix))
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(MissingPartError, match=r"could not download .*no network.*--vgg-weights"):
        load_vgg16(download=True)
    assert asked == [(vgg16.URL, str(hub / FILE), "397923af")]


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_file_of_something_else_is_refused_and_not_run(tmp_path: Path, weights: Path) -> None:
    path, trap = tmp_path / "w.pth", tmp_path / "trap"
    path.write_bytes(pickle.dumps({"features.0.weight": Evil(trap)}, protocol=2))
    with pytest.raises(InputError, match="expected torchvision's VGG16 weights"):
        load_vgg16(path)
    assert not trap.exists()
    torch.save([1, 2], path)
    with pytest.raises(InputError, match="VGG16 weights"):
        load_vgg16(path)
    made = torch.load(weights, weights_only=True)
    del made["features.24.bias"]
    torch.save(made, path)
    with pytest.raises(InputError, match="VGG16 weights"):
        load_vgg16(path)
