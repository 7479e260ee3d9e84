"""`x.png`: one picture, from an array or from the last state of a simulation. Pictures are read by images.py."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from equations.files import write_bytes
from srnca.media.painting import Painter, to_bytes
from srnca.media.writing import Recipe

OPTIONS = ("scale", "colormap")


def save_png(path: str | Path, array: ArrayLike, scale: int = 1) -> None:
    """Write a picture, (h, w, 3) or (h, w), float in [0, 1] or uint8; a cell becomes scale x scale pixels."""
    buffer = io.BytesIO()
    Image.fromarray(to_bytes(array, scale)).save(buffer, format="PNG", optimize=True)
    write_bytes(Path(path), buffer.getvalue())


class PngWriter:
    """Writes the picture of the state that was added last."""

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
        return 0  # the error came before the last state, or while its picture was written

    def discard(self) -> None:
        self._picture = None


def make_writer(path: Path, recipe: Recipe) -> PngWriter:
    """A writer of one picture."""
    return PngWriter(path, recipe)
