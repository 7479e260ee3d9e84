"""`x.zarr`: a folder that grows frame by frame; a run that is killed keeps what it has written, and can go on."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from equations.errors import InputError, MissingPartError
from srnca.media.writing import Recipe

OPTIONS = ()
FORMAT = "srnca.frames/1"
RUN = "run"  # the attribute of the group that `srnca simulate --resume` looks at
ARRAY = "frames"


class ZarrWriter:
    """One array `frames`, one chunk a frame. It is made beside its place and moved there, so that what lies there is
    a recording at any time.

    There are two views of it: `_shown` is what the folder tells others, and grows only when a frame is there; `_whole`
    has room for all planned frames and takes them. So whoever reads, reads whole frames.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self._zarr, self._path, self._recipe = load_zarr(), path.resolve(), recipe
        check_old(path)
        self.frames = recipe.kept
        self._whole: Any = None
        self._shown: Any = None
        if recipe.kept:
            for left in self._path.rglob("*.partial"):  # what zarr was writing when it was killed
                left.unlink()
            self._open()

    def add(self, state: NDArray[Any]) -> None:
        if self._shown is None:
            self._create(state)
            self._open()
        self._whole[self.frames] = state
        self._shown.resize((self.frames + 1, *state.shape))
        self.frames += 1

    def close(self) -> None:
        """All is written already."""

    def rescue(self) -> int:
        if self._shown is None:
            shutil.rmtree(self._beside("new"), ignore_errors=True)
        elif not self.frames:
            shutil.rmtree(self._path, ignore_errors=True)
        return self.frames

    def discard(self) -> None:
        """What is written stays: this is for runs that end at any time."""

    def _beside(self, word: str) -> Path:
        return self._path.with_name(f".tmp-{self._path.name}-{word}")

    def _create(self, state: NDArray[Any]) -> None:
        """A recording without frames, in the place of what was there."""
        new, old = self._beside("new"), self._beside("old")
        for left in (new, old):  # by a run that was killed just here
            shutil.rmtree(left, ignore_errors=True)
        facts = {"format": FORMAT, **self._recipe.facts(), "provenance": dict(self._recipe.rule.provenance)}
        facts |= {RUN: dict(self._recipe.run)} if self._recipe.run else {}
        self._zarr.create_group(str(new), attributes=facts)
        create_array(str(new / ARRAY), state.shape, state.dtype)
        if self._path.exists():
            os.rename(self._path, old)
        os.rename(new, self._path)
        shutil.rmtree(old, ignore_errors=True)

    def _open(self) -> None:
        self._shown = self._zarr.open_array(str(self._path / ARRAY), mode="r+")
        room = (max(self._recipe.frames, self.frames), *self._shown.shape[1:])
        metadata = self._shown.metadata.update_shape(room)  # not written
        self._whole = self._zarr.Array(self._zarr.AsyncArray(metadata, self._shown.store_path))


def create_array(store: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array for frames of (channel, h, w) = `shape`, without one yet. store: a path, or one of zarr's stores."""
    return load_zarr().create_array(
        store,
        shape=(0, *shape),
        chunks=(1, *shape),
        dtype=dtype,
        fill_value=math.nan,
        dimension_names=("t", "channel", "y", "x"),
    )


def make_writer(path: Path, recipe: Recipe) -> ZarrWriter:
    """A writer of a Zarr group. Raises MissingPartError when zarr is not installed."""
    return ZarrWriter(path, recipe)


def load_zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingPartError(
            "recordings in zarr need the package zarr; install it with: pip install zarr (or srnca[zarr]), or write npz"
        ) from error
    return zarr


def check_old(path: Path) -> None:
    """Raises InputError unless there is nothing at `path`, or a recording of ours, which may be replaced."""
    if not path.exists():
        return
    try:
        found = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]["format"]
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found != FORMAT:
        raise InputError(f"{path} is there and holds no recording of this program; remove it, or choose another name")
