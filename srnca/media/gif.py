"""`x.gif`: a film that every browser shows; written while the simulation runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equations.colormaps import table
from equations.rule.display import DUO, display_of
from srnca.media.gif_encoder import END, LARGEST, GifEncoder, duration
from srnca.media.growing_file import GrowingWriter
from srnca.media.painting import Painter, film_scale
from srnca.media.writing import Recipe

OPTIONS = ("fps", "scale", "colormap")
FPS = 20
SIDE = 256  # pixels


class GifWriter(GrowingWriter):
    """Each state is quantised, compressed and appended."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self._recipe, self._painter, self._fps = recipe, Painter(recipe), recipe.fps or FPS
        duration(self._fps)  # refuses a wrong one before there is a file
        self._encoder: GifEncoder | None = None
        super().__init__(path)

    def add(self, state: NDArray[Any]) -> None:
        picture = self._painter.paint(state)
        if self._encoder is None:
            self._encoder = GifEncoder(self._fps, film_scale(self._recipe, state, SIDE, LARGEST), self._palette())
            self._file.write(self._encoder.head(picture.shape))
        self._file.write(self._encoder.frame(picture))
        self._ends.append(self._file.tell())

    def _palette(self) -> NDArray[np.uint8] | None:
        """The colours of a map are known; those of a picture in RGB are not."""
        display = display_of(self._recipe.rule)
        if self._recipe.colormap == DUO or len(display.channels) == 3:
            return None
        return table(self._recipe.colormap or display.colormap)

    def _finish(self) -> None:
        self._file.write(END)


def make_writer(path: Path, recipe: Recipe) -> GifWriter:
    """A writer of an animation."""
    return GifWriter(path, recipe)
