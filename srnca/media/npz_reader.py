"""`frames.npz`: a recording of a dynamics, read with care."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from equations.errors import InputError
from equations.npz import list_npz, read_npz
from srnca.media.recording import Recording, check_step, make_recording


def load_frames(path: Path) -> Recording:
    """Read `frames` and, where they are given, `dt` (default 1), `dx` and `channels` (default u, v or h0, h1 …).

    Raises InputError for a file that is missing, no npz, above the size budget, or holds anything but finite numbers
    of 4 axes.
    """
    arrays = read_npz(path, ("frames", "dt", "dx", "channels"), "a recording, frames (t, channel, h, w),")
    if "frames" not in arrays:
        raise InputError(
            f"{path}: expected an array named frames (t, channel, h, w) in it, found {list_npz(path)}; "
            "call it frames when you save it"
        )
    names = arrays.get("channels")
    return make_recording(
        arrays["frames"],
        path,
        dt=check_step(arrays["dt"], "dt", path) if "dt" in arrays else 1.0,
        dx=check_step(arrays["dx"], "dx", path) if "dx" in arrays else None,
        names=None if names is None else np.atleast_1d(names).ravel(),
    )


load = load_frames
