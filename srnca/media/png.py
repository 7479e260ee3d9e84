"""`x.png`: the last state as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnca.media.image_writers import save_png
from srnca.media.painting import Painter
from srnca.media.writing import Recipe

OPTIONS = ("scale", "colormap")


class PngWriter:
    """Keeps the picture of the state that was added last."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self._path, self._painter, self._scale = path, Painter(recipe), recipe.scale or 1
        self._picture: NDArray[np.uint8] | None = None

    @property
    def frames(self) -> int:
        return int(self._picture is not None)

    def add(self, state: NDArray[Any]) -> None:
        self._picture = self._painter.paint(state)

    def close(self) -> None:
        if self._picture is not None:
            save_png(self._path, self._picture, self._scale)

    def rescue(self) -> int:
        return 0  # a picture of the last state: an error came before it, or in writing it

    def discard(self) -> None:
        self._picture = None


def make_writer(path: Path, recipe: Recipe) -> PngWriter:
    """A writer of one picture."""
    return PngWriter(path, recipe)
