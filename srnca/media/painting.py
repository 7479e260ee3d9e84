"""States as pictures: the writers of png, gif and mp4 share this."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from equations.errors import InputError
from equations.rule.display import DUO, Range, channel_ranges, check_colormap, render
from srnca.media.writing import Recipe

MAX_SCALE = 64


class Painter:
    """State (channel, h, w) → picture (h, w, 3) uint8, in the colours that the recipe wants.

    Under "duo" each channel is spread over the range that it has had in all states so far.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._rule, self._colormap = recipe.rule, recipe.colormap
        self._ranges: list[Range] | None = None
        if recipe.colormap is not None:
            check_colormap(recipe.rule, recipe.colormap)
        if recipe.scale is not None and not 1 <= recipe.scale <= MAX_SCALE:
            raise InputError(f"--scale: expected 1 to {MAX_SCALE} pixels a cell, got {recipe.scale}")

    def paint(self, state: NDArray[Any]) -> NDArray[np.uint8]:
        if self._colormap == DUO:
            self._ranges = [
                (min(low, before_low), max(high, before_high))
                for (low, high), (before_low, before_high) in zip(
                    channel_ranges(state), self._ranges or channel_ranges(state), strict=True
                )
            ]
        return render(self._rule, state, self._colormap, self._ranges)


def film_scale(recipe: Recipe, state: NDArray[Any], usual: int, largest: int) -> int:
    """Pixels a cell: as wanted, or so many that small grids are enlarged to about `usual` pixels.

    Raises InputError when a side would have more than `largest` pixels.
    """
    side = max(state.shape[1:])
    scale = recipe.scale or max(1, usual // side)
    if side * scale > largest:
        raise InputError(
            f"the film would be {side * scale} pixels wide or high, the format ends at {largest}; "
            "use a smaller --scale or --size, or write npz or zarr"
        )
    return scale
