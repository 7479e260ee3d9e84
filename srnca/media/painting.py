"""States and arrays as pictures of 8 bits; what writes png, gif and mp4 shares this."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from equations.errors import InputError
from equations.rule.display import DUO, Range, channel_ranges, check_colormap, render
from srnca.media.writing import Recipe

MAX_SCALE = 64  # pixels a cell


class Painter:
    """Turns states (channel, h, w) into pictures (h, w, 3) uint8, in the colours that the recipe asks for.

    With the colour map "duo" each channel is scaled to the range of its values in all states so far.
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
    """Pixels a cell: the recipe's, or the whole number that enlarges a small grid to about `usual` pixels.

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


def to_bytes(array: ArrayLike, scale: int = 1) -> NDArray[np.uint8]:
    """A picture (h, w, 3) or (h, w), float in [0, 1] or uint8, as uint8; a cell becomes scale x scale pixels.

    Values outside [0, 1] are clipped. Raises InputError for other shapes and types, and for values that are not finite.
    """
    pixels = np.asarray(array)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3) or 0 in pixels.shape:
        raise InputError(f"picture: expected shape (h, w, 3) or (h, w), got {pixels.shape}")
    check_scale(scale)
    if pixels.dtype != np.uint8:
        if not np.issubdtype(pixels.dtype, np.floating):
            raise InputError(f"picture: expected uint8 or float in [0, 1], got {pixels.dtype}; divide by its maximum")
        if not np.isfinite(pixels).all():
            raise InputError("picture: expected finite values, got some that are not a number or infinite")
        pixels = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def check_scale(scale: int) -> None:
    """Raises InputError for less than one pixel a cell."""
    if scale < 1:
        raise InputError(f"scale: expected a whole number from 1, got {scale}")
