"""What a recording is, and what every one of them has to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, shorten


@dataclass(frozen=True, eq=False)
class Recording:
    """frames (t, channel, h, w) float32, `dt` apart, on cells of width `dx`; one name a channel.

    `dx` is None where the file does not say it. notes: what was done to the frames on reading, for a person to know.
    """

    frames: npt.NDArray[np.float32]
    dt: float
    channels: tuple[str, ...]
    dx: float | None = None
    notes: tuple[str, ...] = ()

    def every(self, stride: int) -> Recording:
        """Every `stride`-th frame, the first one included. Raises InputError where fewer than two are left."""
        if isinstance(stride, bool) or not isinstance(stride, int) or stride < 1:
            raise InputError(f"stride: expected a whole number from 1 up, got {shorten(stride)}")
        if stride == 1:
            return self
        kept = self.frames[::stride]
        if len(kept) < 2:
            raise InputError(
                f"stride: expected at most {max(1, len(self.frames) - 1)} for a recording of {len(self.frames)} "
                f"frames, got {stride}"
            )
        return replace(self, frames=kept, dt=self.dt * stride)


def check_frames(frames: npt.NDArray[Any], path: Path) -> npt.NDArray[np.float32]:
    """(t, channel, h, w) as float32; raises InputError for anything but finite real numbers of 4 axes."""
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
    return frames


def check_step(value: Any, name: str, where: object) -> float:
    """`dt` or `dx`: one number above 0. Raises InputError otherwise."""
    number = np.asarray(value)
    if number.size != 1 or number.dtype.kind not in "fiu" or not (np.isfinite(number).all() and number.item() > 0):
        raise InputError(f"{where}: expected {name}, one number above 0, got {shorten(value)}")
    return float(number.item())


def channel_names(names: Sequence[Any] | None, count: int, path: Path) -> tuple[str, ...]:
    """The names in the file, or u, v for one or two channels, h0, h1 … for more."""
    if names is None:
        return ("u", "v")[:count] if count <= 2 else tuple(f"h{i}" for i in range(count))
    found = tuple(str(name) for name in names)
    if len(found) != count:
        raise InputError(f"{path}: expected {count} channel names, one for each channel of frames, got {len(found)}")
    return found
