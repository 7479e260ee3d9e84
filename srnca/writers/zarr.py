"""`x.zarr`: a folder that grows frame by frame; a run that is killed keeps what it has written."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from equations.errors import InputError, MissingPartError
from srnca.writers import Recipe

OPTIONS = ()
FORMAT = "srnca.frames/1"


class ZarrWriter:
    """One array `frames`, one chunk a frame.

    There are two views of it: `_whole` has room for all planned frames and takes them; `_shown`, made after it,
    is what the folder tells others, and grows only when a frame is there. So whoever reads, reads whole frames.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self._zarr, self._path, self._recipe = _load_zarr(), path, recipe
        _check_old(path)
        self.frames = 0
        self._whole: Any = None
        self._shown: Any = None

    def add(self, state: NDArray[Any]) -> None:
        if self._whole is None:
            self._create(state)
        self._whole[self.frames] = state
        self._shown.resize((self.frames + 1, *state.shape))
        self.frames += 1

    def close(self) -> None:
        """All is written already."""

    def rescue(self) -> int:
        if not self.frames:
            shutil.rmtree(self._path, ignore_errors=True)
        return self.frames

    def discard(self) -> None:
        """What is written stays: this is for runs that end at any time."""

    def _create(self, state: NDArray[Any]) -> None:
        shutil.rmtree(self._path, ignore_errors=True)
        self._whole, self._shown = (self._create_array(state, n) for n in (self._recipe.frames, 0))
        facts = {"format": FORMAT, **self._recipe.facts(), "provenance": dict(self._recipe.rule.provenance)}
        self._zarr.create_group(str(self._path), attributes=facts)  # last: without it there is nothing to read

    def _create_array(self, state: NDArray[Any], frames: int) -> Any:
        return self._zarr.create_array(
            str(self._path / "frames"),
            shape=(frames, *state.shape),
            chunks=(1, *state.shape),
            dtype=state.dtype,
            fill_value=math.nan,
            dimension_names=("t", "channel", "y", "x"),
            overwrite=True,
        )


def make_writer(path: Path, recipe: Recipe) -> ZarrWriter:
    """A writer of a Zarr group. Raises MissingPartError when zarr is not installed."""
    return ZarrWriter(path, recipe)


def _load_zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingPartError(
            "recordings in zarr need the package zarr; install it with: pip install zarr (or srnca[zarr]), or write npz"
        ) from error
    return zarr


def _check_old(path: Path) -> None:
    """Raises InputError unless there is nothing at `path`, or a recording of ours, which may be replaced."""
    if not path.exists():
        return
    try:
        found = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]["format"]
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found != FORMAT:
        raise InputError(f"{path} is there and holds no recording of this program; remove it, or choose another name")
