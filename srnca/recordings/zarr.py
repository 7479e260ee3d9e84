"""`frames.zarr`: the folder that `srnca simulate --out x.zarr` writes. Needs zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from equations.errors import InputError, MissingPartError
from srnca.recordings.recording import Recording, channel_names, check_frames, check_step


def load(path: Path) -> Recording:
    """All frames of the group at `path`.

    Raises InputError for a folder that holds no such recording, MissingPartError when zarr is not installed.
    """
    group = _open(path)
    try:
        frames = np.asarray(group["frames"][:])
        facts: dict[str, Any] = dict(group.attrs)
    except Exception as error:  # zarr has an error of its own for every layer
        raise InputError(f"{path}: expected a Zarr group with an array named frames, got another one") from error
    frames = check_frames(frames, path)
    names = facts.get("channels")
    return Recording(
        frames,
        check_step(facts.get("dt", 1.0), "dt", path),
        channel_names(names if isinstance(names, list) else None, frames.shape[1], path),
        check_step(facts["dx"], "dx", path) if "dx" in facts else None,
    )


def _open(path: Path) -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingPartError(
            f"{path}: recordings in zarr need the package zarr; install it with: pip install zarr (or srnca[zarr])"
        ) from error
    try:
        return zarr.open_group(str(path), mode="r")
    except Exception as error:
        raise InputError(f"{path}: expected a Zarr group with an array named frames, got something else") from error
