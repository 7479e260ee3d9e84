"""`frames.npz`: a recording of a dynamics, read with care."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from equations.errors import InputError
from srnca.recordings.recording import Recording, channel_names, check_frames, check_step


def load_frames(path: Path) -> Recording:
    """Read `frames` and, where they are given, `dt` (default 1), `dx` and `channels` (default u, v or h0, h1 …).

    Raises InputError for a file that is missing, no npz, or holds anything but finite numbers of 4 axes.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such recording; expected an npz file with frames (t, channel, h, w)")
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in ("frames", "dt", "dx", "channels") if name in data.files}
    except Exception as error:  # numpy and zipfile raise many kinds here: zlib, struct, type, end of file
        raise InputError(f"{path}: expected an npz file of plain arrays, got something else ({error})") from error
    if "frames" not in arrays:
        raise InputError(f"{path}: expected an array named frames (t, channel, h, w) in it, found none")
    frames = check_frames(arrays["frames"], path)
    names = np.atleast_1d(arrays["channels"]).tolist() if "channels" in arrays else None
    return Recording(
        frames,
        check_step(arrays["dt"], "dt", path) if "dt" in arrays else 1.0,
        channel_names(names, frames.shape[1], path),
        check_step(arrays["dx"], "dx", path) if "dx" in arrays else None,
    )


load = load_frames
