"""`frames.zarr`: the folder that `srnca simulate --out x.zarr` writes, and others of that kind, format 2 or 3.

It is read without the package zarr, whose codecs are looked up by names from the file: see `zarr_layout`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError
from srnca.media.recording import Recording, check_step, make_recording
from srnca.media.zarr.chunks import read_chunks
from srnca.media.zarr.layout import Layout, read_json, read_layout

FRAMES = "frames"


def load(path: Path) -> Recording:
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
    """What the group says of its frames. Raises InputError where it is no group, or has no array `frames`."""
    wanted = "expected a Zarr group with an array named frames"
    if (path / "zarr.json").is_file():
        told = read_json(path / "zarr.json")
        if told.get("node_type") != "group":
            raise InputError(f"{path}: {wanted}, got an array itself; put it into a group, called frames")
        facts = told.get("attributes", {})
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
    path: Path, layout: Layout, frames: npt.NDArray[Any], present: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """The frames up to the last one that was written; a frame without any chunk before it is an error.

    Zarr leaves chunks out that hold the fill value alone, so a part of a frame may be missing in a whole recording.
    """
    some = np.asarray(present.reshape(len(present), -1).any(axis=1))
    if not some.any():
        raise InputError(f"{path}: expected frames, got an array of {len(frames)} of which none was written")
    last, long = int(np.flatnonzero(some)[-1]) + 1, layout.chunk.shape[0]
    gaps = np.flatnonzero(~some[:last])
    if len(gaps):
        first = int(gaps[0]) * long
        raise InputError(
            f"{path}: expected every frame to be written, got none of frames {first} to {first + long - 1}; "
            "record it again, or keep the frames before or after the gap"
        )
    notes = []
    if last * long < len(frames):
        notes.append(f"the last {len(frames) - last * long} of {len(frames)} frames were never written; left out")
    missing = int((~present[:last]).sum())
    if missing and layout.fill is None:
        raise InputError(f"{path}: expected every chunk to be written, got {missing} without data; record it again")
    if missing:
        notes.append(f"{missing} of {present[:last].size} chunks are not stored: their cells are {layout.fill:g}")
    return frames[: last * long], tuple(notes)
