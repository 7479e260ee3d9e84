"""Feature banks: what a picture is compared by. Loaded by name, on use.

`wavelet` compares the statistics of wavelet coefficients (srnca/texture/wavelets); the others compare the Gram matrices
of feature maps, which are made here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from equations.errors import check_choice

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

GRAM_BANKS = ("multiscale", "vgg16")
BANKS = ("wavelet", *GRAM_BANKS)


def make_bank(name: str, target: np.ndarray, *, vgg_weights: Path | None = None, download: bool = False) -> nn.Module:
    """The frozen module of a Gram loss: (batch, 3, h, w) in [0, 1] -> {layer: (batch, maps, h', w')}.

    target (h, w, 3): `multiscale` measures in units of its contrast; `vgg16` ignores it.
    Raises InputError for an unknown name, MissingPartError when `vgg16` has no weights at hand.
    """
    check_choice("feature bank of a Gram loss", name, GRAM_BANKS)
    if name == "multiscale":
        from srnca.texture.features.multiscale import MultiScale

        return MultiScale(target)
    from srnca.texture.features.vgg16 import load_vgg16

    return load_vgg16(vgg_weights, download=download)
