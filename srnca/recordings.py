"""`frames.npz`: a recording of a dynamics, read with care."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from equations.errors import InputError, shorten


@dataclass(frozen=True)
class Recording:
    """frames (t, channel, h, w) float32, `dt` apart; one name a channel."""

    frames: np.ndarray
    dt: float
    channels: tuple[str, ...]


def load_frames(path: Path) -> Recording:
    """Read `frames` and, where they are given, `dt` (default 1) and `channels` (default u, v or h0, h1 …).

    Raises InputError for a file that is missing, no npz, or holds anything but finite numbers of 4 axes.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such recording; expected an npz file with frames (t, channel, h, w)")
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in ("frames", "dt", "channels") if name in data.files}
    except Exception as error:  # numpy and zipfile raise many kinds here: zlib, struct, type, end of file
        raise InputError(f"{path}: expected an npz file of plain arrays, got something else ({error})") from error
    if "frames" not in arrays:
        raise InputError(f"{path}: expected an array named frames (t, channel, h, w) in it, found none")
    frames = arrays["frames"]
    if frames.ndim != 4 or frames.dtype.kind not in "fiub" or 0 in frames.shape:
        raise InputError(
            f"{path}: expected frames (t, channel, h, w) of real numbers, got shape {frames.shape} of {frames.dtype}"
        )
    frames = frames.astype(np.float32)
    bad = np.argwhere(~np.isfinite(frames))
    if len(bad):
        t, c, y, x = bad[0]
        raise InputError(
            f"{path}: expected finite numbers, got {frames[t, c, y, x]} in frame {t}, channel {c}, cell ({y}, {x})"
        )
    return Recording(frames, _read_dt(path, arrays), _read_channels(path, arrays, frames.shape[1]))


def _read_dt(path: Path, arrays: dict[str, np.ndarray]) -> float:
    dt = arrays.get("dt", np.float64(1.0))
    if dt.size != 1 or dt.dtype.kind not in "fiu" or not (np.isfinite(dt).all() and dt.item() > 0):
        raise InputError(f"{path}: expected dt, one number above 0, got {shorten(dt)}")
    return float(dt.item())


def _read_channels(path: Path, arrays: dict[str, np.ndarray], count: int) -> tuple[str, ...]:
    if "channels" not in arrays:
        return ("u", "v")[:count] if count <= 2 else tuple(f"h{i}" for i in range(count))
    names = tuple(str(name) for name in np.atleast_1d(arrays["channels"]))
    if len(names) != count:
        raise InputError(f"{path}: expected {count} channel names, one for each channel of frames, got {len(names)}")
    return names
