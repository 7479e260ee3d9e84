"""The layers of torchvision's VGG16 up to relu5_1 as a feature bank. Loads torchvision on use."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from equations.errors import InputError, MissingPartError, shorten_text
from srnca.automata.tensorfile import read_tensors

FILE = "vgg16-397923af.pth"
URL = f"https://download.pytorch.org/models/{FILE}"
LAYERS = {1: "relu1_1", 6: "relu2_1", 11: "relu3_1", 18: "relu4_1", 25: "relu5_1"}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours


class VGG16(nn.Module):
    """(batch, 3, h, w) in [0, 1] -> relu1_1 … relu5_1 (Simonyan & Zisserman 2015; layers of Gatys et al. 2015).

    `features` is torchvision's `vgg16().features` up to index 25, untrained; its weight files load as they are.
    Raises MissingPartError where torchvision does not load.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = _layers()
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(STD)[:, None, None])
        self.requires_grad_(False)

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        maps, found = (rgb - self.mean) / self.std, {}
        for index, layer in enumerate(self.features):
            maps = layer(maps)
            if index in LAYERS:
                found[LAYERS[index]] = maps
        return found


def _layers() -> nn.Sequential:
    """`vgg16().features` up to the last layer that is used, without the 120 million weights of the classifier."""
    try:
        from torchvision.models.vgg import cfgs, make_layers
    except (ImportError, RuntimeError) as error:  # RuntimeError: built for another version of torch
        reason = shorten_text(str(error))
        raise MissingPartError(
            f"the feature bank vgg16 needs torchvision, which does not load: {reason}; pip install 'srnca[vgg]'"
        ) from error
    layers: nn.Sequential = make_layers(cfgs["D"], batch_norm=False)[: max(LAYERS) + 1]
    return layers


def find_weights(path: Path | None = None) -> Path | None:
    """`path` if given, else torchvision's file in the hub cache; None when there is no such file."""
    if path is not None:
        return path if path.is_file() else None
    cached = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    return cached if cached.is_file() else None


def load_vgg16(path: Path | None = None, *, download: bool = False) -> VGG16:
    """The bank with trained weights from `path`, the cache, or (only if asked for) the network.

    Raises InputError for a file that is not VGG16, MissingPartError when there are no weights.
    """
    found = find_weights(path)
    if found is None and path is not None:
        raise InputError(f"{path}: no such file of VGG16 weights; expected torchvision's {FILE}")
    if found is None and not download:
        raise MissingPartError(
            f"the feature bank vgg16 needs torchvision's weights: put {FILE} into {torch.hub.get_dir()}/checkpoints, "
            "name it with --vgg-weights, or allow --download; or use --bank multiscale, which needs none"
        )
    if found is None:
        found = _fetch()
    return _load(found, checked=found.name == FILE)


def _fetch() -> Path:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    os.makedirs(folder, exist_ok=True)
    try:
        torch.hub.download_url_to_file(URL, str(folder / FILE), hash_prefix="397923af", progress=False)
    except (OSError, RuntimeError) as error:
        raise MissingPartError(f"could not download {URL} ({error}); fetch it by hand and use --vgg-weights") from error
    return folder / FILE


def _load(path: Path, *, checked: bool) -> VGG16:
    if checked:  # torchvision's file names end in the start of their SHA-256
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest.startswith(FILE.split("-")[1].split(".")[0]):
            raise InputError(f"{path}: the checksum is {digest[:8]}…, expected 397923af…; fetch the file anew")
    bank = VGG16()
    try:
        weights = read_tensors(path, "weights")
        bank.features.load_state_dict(
            {
                k.removeprefix("features."): v
                for k, v in weights.items()
                if k.removeprefix("features.") in bank.features.state_dict()
            }
        )
    except Exception as error:
        raise InputError(
            f"{path}: expected torchvision's VGG16 weights (features.0.weight, …): {shorten_text(str(error))}"
        ) from error
    return bank
