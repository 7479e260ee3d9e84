"""Feature banks for the Gram loss: what a picture is compared by. Loaded by name, on use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from equations.errors import check_choice

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

BANKS = ("multiscale", "vgg16")


def make_bank(name: str, target: np.ndarray, *, vgg_weights: Path | None = None, download: bool = False) -> nn.Module:
    """A frozen module: (batch, 3, h, w) in [0, 1] -> {layer: (batch, maps, h', w')}.

    target (h, w, 3): `multiscale` measures in units of its contrast; `vgg16` ignores it.
    Raises InputError for an unknown name, MissingPartError when `vgg16` has no weights at hand.
    """
    check_choice("feature bank", name, BANKS)
    if name == "multiscale":
        from srnca.texture.features.multiscale import MultiScale

        return MultiScale(target)
    from srnca.texture.features.vgg16 import load_vgg16

    return load_vgg16(vgg_weights, download=download)
