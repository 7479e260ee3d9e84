"""Four plants drawn from nothing but noise, as targets to try the method on: no photograph, no licence.

They stand in for the plants of the field's first study and read as textures: many repeats, no single outline.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from equations.errors import InputError, check_choice
from srnca.media.samples.alocasia import alocasia
from srnca.media.samples.orchid import orchid
from srnca.media.samples.roundleaf import roundleaf
from srnca.media.samples.snake import snake

_PLANTS: dict[str, Callable[[int, np.random.Generator], NDArray[np.float64]]] = {
    "snake": snake,
    "roundleaf": roundleaf,
    "orchid": orchid,
    "alocasia": alocasia,
}
SAMPLES = tuple(_PLANTS)
DRAWN = 256  # a plant is drawn at this size or finer, then averaged down
SMALLEST, LARGEST = 16, 2048


def make_sample(name: str, size: int = 256, seed: int = 0) -> NDArray[np.float32]:
    """The plant `name` as (size, size, 3) float32 in [0, 1]; opposite edges join.

    The pattern does not depend on size: 64 x 64 is the 256 x 256 picture averaged over 4 x 4 pixels. Same
    seed, same bytes. Raises InputError for an unknown name, a size outside 16..2048 or a negative seed.
    """
    check_choice("sample", name, SAMPLES)
    if not SMALLEST <= size <= LARGEST:
        raise InputError(f"sample size: expected {SMALLEST} to {LARGEST} pixels, got {size}")
    if seed < 0:
        raise InputError(f"sample seed: expected 0 or more, got {seed}")
    block = -(-DRAWN // size)
    drawn = _PLANTS[name](size * block, np.random.default_rng(seed)) / 255
    drawn = np.clip(drawn, 0, 1).reshape(size, block, size, block, 3).mean(axis=(1, 3))
    return np.ascontiguousarray(drawn, dtype=np.float32)
