"""Colour maps as small tables: the colour of one value, or of a pair of values, in [0, 1]."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

# 17 stops each, linear in between. viridis, magma, inferno: S. van der Walt and N. Smith, CC0;
# coolwarm: K. Moreland, Diverging color maps for scientific visualization (ISVC 2009).
_STOPS = {
    "grey": "000000 ffffff",
    "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c "
    "1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725",
    "magma": "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 "
    "d0416f e75263 f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf",
    "inferno": "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 "
    "d24644 e45a31 f1731d f98e09 fcac11 f9cb35 f2ea69 fcffa4",
    "coolwarm": "3b4cc0 4e68d8 6282ea 779af7 8db0fe a3c2fe b9d0f9 ccd9ed dddcdc "
    "ecd3c5 f5c4ac f7b093 f4987a eb7d62 dd5f4b ca3b37 b40426",
}
COLORMAPS = tuple(_STOPS)
# the colours where both channels are low, only the first is high, only the second is high, both are high
_DUO = "1a1423 f5ead0 17599c e0475b"


@functools.cache
def table(name: str) -> npt.NDArray[np.uint8]:
    """The 256 colours of the map called `name`, (256, 3)."""
    stops = _colours(_STOPS[name])
    at, where = np.linspace(0, 1, 256), np.linspace(0, 1, len(stops))
    columns = [np.interp(at, where, column) for column in stops.T]
    colours: npt.NDArray[np.uint8] = np.floor(np.stack(columns, axis=1) + 0.5).astype(np.uint8)
    colours.setflags(write=False)
    return colours


def colour(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    """Values (h, w) in [0, 1] → colours (h, w, 3)."""
    return table(name)[np.floor(values * 255 + 0.5).astype(np.uint8)]


def colour_pair(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Two values (h, w) in [0, 1] for each cell → colours (h, w, 3): bilinear between four corners."""
    neither, only_first, only_second, both = _colours(_DUO).astype(np.float32)
    a, b = first[..., None], second[..., None]
    mixed = (1 - b) * ((1 - a) * neither + a * only_first) + b * ((1 - a) * only_second + a * both)
    return np.floor(mixed + 0.5).astype(np.uint8)


def _colours(codes: str) -> npt.NDArray[np.float64]:
    """`440154 fde725` → (2, 3) in 0…255."""
    return np.array([list(bytes.fromhex(code)) for code in codes.split()], np.float64)
