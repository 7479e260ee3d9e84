"""`x.zarr`: a recording as a folder, read in formats 2 and 3, and written frame by frame.

Reading needs no package zarr, which looks codecs up by names from the file: see layout.py. Writing needs it. A run that
is killed keeps all frames that it has written, and can go on.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equations.errors import InputError, MissingPartError
from srnca.media.recording import Recording, check_step, make_recording
from srnca.media.writing import Recipe
from srnca.media.zarr.chunks import read_chunks
from srnca.media.zarr.layout import Layout, read_json, read_layout

OPTIONS = ()
FORMAT = "srnca.frames/1"
RUN = "run"  # the group's attribute that describes the run, for `srnca simulate --resume`
FRAMES = "frames"  # the array's name


def load_group(path: Path) -> Recording:
    """All frames of the group at `path` that were written.

    Raises InputError for a folder that holds no such recording, or one with frames in its middle that were never
    written; MissingPartError when a package that decodes it is not installed.
    """
    facts = _attributes(path)
    layout = read_layout(path / FRAMES)
    frames, present = read_chunks(layout)
    frames, notes = _written(path, layout, frames, present)
    names = facts.get("channels")
    return make_recording(
        frames,
        path,
        dt=check_step(facts.get("dt", 1.0), "dt", path),
        dx=check_step(facts["dx"], "dx", path) if "dx" in facts else None,
        names=names if isinstance(names, list) else None,
        notes=notes,
    )


def _attributes(path: Path) -> dict[str, Any]:
    """The group's attributes. Raises InputError where `path` is no group, or has no array `frames`."""
    wanted = "expected a Zarr group with an array named frames"
    if (path / "zarr.json").is_file():
        metadata = read_json(path / "zarr.json")
        if metadata.get("node_type") != "group":
            raise InputError(f"{path}: {wanted}, got an array itself; put it into a group, called frames")
        facts = metadata.get("attributes", {})
    elif (path / ".zgroup").is_file():
        facts = read_json(path / ".zattrs") if (path / ".zattrs").is_file() else {}
    else:
        raise InputError(f"{path}: {wanted}, got something else; see docs/formats.md")
    folder = path / FRAMES
    if not any((folder / name).is_file() for name in ("zarr.json", ".zarray")):
        there = sorted(p.parent.name for name in ("zarr.json", ".zarray") for p in path.glob(f"*/{name}"))
        raise InputError(f"{path}: {wanted}, found {', '.join(there[:12]) or 'none'}; call it frames when you save it")
    return facts if isinstance(facts, dict) else {}


def _written(
    path: Path, layout: Layout, frames: NDArray[Any], present: NDArray[np.bool_]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The frames up to the last one that was written; a frame without any chunk before it is an error.

    Zarr does not store chunks that hold the fill value alone. So a complete recording may lack parts of a frame.
    """
    has_chunks = np.asarray(present.reshape(len(present), -1).any(axis=1))  # for each row of chunks along t
    if not has_chunks.any():
        raise InputError(f"{path}: expected frames, got an array of {len(frames)} of which none was written")
    last, length = int(np.flatnonzero(has_chunks)[-1]) + 1, layout.chunk.shape[0]  # rows of chunks, frames in each
    gaps = np.flatnonzero(~has_chunks[:last])
    if len(gaps):
        first = int(gaps[0]) * length
        raise InputError(
            f"{path}: expected every frame to be written, got none of frames {first} to {first + length - 1}; "
            "record it again, or keep the frames before or after the gap"
        )
    notes = []
    if last * length < len(frames):
        notes.append(f"the last {len(frames) - last * length} of {len(frames)} frames were never written; left out")
    missing = int((~present[:last]).sum())
    if missing and layout.fill is None:
        raise InputError(f"{path}: expected every chunk to be written, got {missing} without data; record it again")
    if missing:
        notes.append(f"{missing} of {present[:last].size} chunks are not stored: their cells are {layout.fill:g}")
    return frames[: last * length], tuple(notes)


class ZarrWriter:
    """Writes one array `frames`, with one chunk a frame.

    The group is made beside its place and then moved there, so that its place holds a complete recording at any time.
    Readers only ever see complete frames, since there are two views of the array. `_whole` has room for all planned
    frames and takes each new one; `_shown`, the length that is stored in the folder, grows only after that.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self._zarr, self._path, self._recipe = load_zarr(), path.resolve(), recipe
        check_old(path)
        self.frames = recipe.kept
        self._whole: Any = None
        self._shown: Any = None
        if recipe.kept:
            for left in self._path.rglob("*.partial"):  # files that zarr was writing when it was killed
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
        """Everything is written already."""

    def rescue(self) -> int:
        if self._shown is None:
            shutil.rmtree(self._beside("new"), ignore_errors=True)
        elif not self.frames:
            shutil.rmtree(self._path, ignore_errors=True)
        return self.frames

    def discard(self) -> None:
        """The frames stay: this format is for runs that may end at any time."""

    def _beside(self, word: str) -> Path:
        return self._path.with_name(f".tmp-{self._path.name}-{word}")

    def _create(self, state: NDArray[Any]) -> None:
        """Put a recording without frames in the place of the old one."""
        new, old = self._beside("new"), self._beside("old")
        for left in (new, old):  # by a run that was killed in this function
            shutil.rmtree(left, ignore_errors=True)
        facts = {"format": FORMAT, **self._recipe.facts(), "provenance": dict(self._recipe.rule.provenance)}
        facts |= {RUN: dict(self._recipe.run)} if self._recipe.run else {}
        self._zarr.create_group(str(new), attributes=facts)
        create_array(str(new / FRAMES), state.shape, state.dtype)
        if self._path.exists():
            os.rename(self._path, old)
        os.rename(new, self._path)
        shutil.rmtree(old, ignore_errors=True)

    def _open(self) -> None:
        self._shown = self._zarr.open_array(str(self._path / FRAMES), mode="r+")
        room = (max(self._recipe.frames, self.frames), *self._shown.shape[1:])
        metadata = self._shown.metadata.update_shape(room)  # in memory only
        self._whole = self._zarr.Array(self._zarr.AsyncArray(metadata, self._shown.store_path))


def create_array(store: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array for frames of `shape` (channel, h, w) that holds none yet. store: a path, or one of zarr's stores."""
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
    """The package zarr. Raises MissingPartError when it is not installed."""
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
