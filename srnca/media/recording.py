"""A recording of a dynamics, and the checks that every recording has to pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.identify.recording import check_finite
from equations.errors import InputError, shorten
from equations.rule.symbols import mend_names
from srnca.media.tiff_units import Units

# frames with at most FEW entries on the last axis, and at least MANY on the two before it, are (t, h, w, channel)
FEW, MANY = 4, 16
LEAST_SIDE = 3  # cells: the smallest grid with a full 3 × 3 neighbourhood
NARROW = 1e-3  # a channel whose range is below this share of its largest value keeps its double precision
SHOWN = 8  # channel names that a description lists


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording of a dynamics.

    frames: (t, channel, h, w), float32; float64 where single precision would lose small changes of a large value.
    dt: the time between two frames.
    channels: one name for each.
    dx: the width of a cell, None where the file does not say it.
    notes: what was done to the frames on reading, for a person to know.
    units: what a microscope's metadata say of dt and dx.
    """

    frames: npt.NDArray[np.floating]
    dt: float
    channels: tuple[str, ...]
    dx: float | None = None
    notes: tuple[str, ...] = ()
    units: Units = field(default_factory=Units)

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

    def describe(self) -> str:
        """One line with the number of frames, the size, the channels with the range of each, dt and dx."""
        count, channels, height, width = self.frames.shape
        parts = [
            f"{name} {self.frames[:, index].min():.4g} to {self.frames[:, index].max():.4g}"
            for index, name in enumerate(self.channels[:SHOWN])
        ]
        more = f" and {channels - SHOWN} more" if channels > SHOWN else ""
        dx = "dx 1 (not in the file)" if self.dx is None else f"dx {self.dx:g}"
        return (
            f"{count} frames of {width}x{height} cells, {channels} channel{'s'[: channels > 1]}: {', '.join(parts)}"
            f"{more}; dt {self.dt:g}, {dx}"
        )


def make_recording(
    frames: npt.NDArray[Any],
    path: Path,
    *,
    dt: float = 1.0,
    dx: float | None = None,
    names: Sequence[Any] | npt.NDArray[Any] | None = None,
    notes: tuple[str, ...] = (),
) -> Recording:
    """A checked recording from what a file holds. Channels on the last axis are moved to the second; a note says so.

    Raises InputError for anything but finite real numbers of 4 axes, or another number of names than channels.
    """
    frames, moved = _channels_first(frames, None if names is None else len(names))
    settled = check_frames(frames, path)
    channels, renamed = channel_names(names, settled.shape[1], path)
    return Recording(settled, dt, channels, dx, (*notes, *moved, *renamed))


def ordered(frames: npt.NDArray[Any], axes: object, path: Path) -> npt.NDArray[Any]:
    """Frames (t, channel, h, w) from frames whose axes are named.

    axes: a letter for each axis, t, y, x, and c for channels, in any order: "tyxc", "yxt".
    Raises InputError for other letters, or another number of them.
    """
    letters = str(np.asarray(axes).item() if np.asarray(axes).size == 1 else axes).strip().lower()
    if len(letters) != frames.ndim or sorted(letters) not in (sorted("tyx"), sorted("tcyx")):
        raise InputError(
            f"{path}: expected axes, one of the letters t, c, y, x for each of the {frames.ndim} axes of frames, such "
            f"as tcyx or yxt, got {shorten(letters)}"
        )
    whole = frames if "c" in letters else frames[None]
    letters = letters if "c" in letters else f"c{letters}"
    return whole.transpose([letters.index(letter) for letter in "tcyx"])


def _channels_first(frames: npt.NDArray[Any], names: int | None) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Frames as (t, channel, h, w), also from (t, h, w, channel). The number of names decides, or else the shape."""
    if frames.ndim != 4:
        return frames, ()
    _, second, third, last = frames.shape
    if names is not None:
        moved = names == last != second
    else:
        moved = (last < LEAST_SIDE <= min(second, third)) or (last <= FEW and min(second, third) >= MANY)
    if not moved:
        return frames, ()
    note = f"frames of shape {frames.shape} are read as (t, h, w, channel): {last} channels, which come last"
    return frames.transpose(0, 3, 1, 2), (note,)


def check_frames(frames: npt.NDArray[Any], path: Path) -> npt.NDArray[np.floating]:
    """Frames (t, channel, h, w) as float32, or as float64 (see Recording).

    Raises InputError for anything but finite real numbers of 4 axes.
    """
    if frames.ndim != 4 or frames.dtype.kind not in "fiub" or 0 in frames.shape:
        how = "; with one channel, save frames[:, None]" if frames.ndim == 3 else ""
        raise InputError(
            f"{path}: expected frames (t, channel, h, w) of real numbers, got shape {frames.shape} of {frames.dtype}"
            f"{how}"
        )
    with np.errstate(over="ignore"):  # what is too large for float32 is found below
        single: npt.NDArray[np.floating] = np.ascontiguousarray(frames, np.float32)
    check_finite(single, frames, path)
    return frames.astype(np.float64) if frames.dtype.itemsize >= 4 and _is_narrow(frames) else single


def _is_narrow(frames: npt.NDArray[Any]) -> bool:
    """Whether a channel varies so little, compared with its size, that float32 would lose much of the differences."""
    if frames.dtype == np.float32:
        return False
    low, high = (np.asarray(edge(axis=(0, 2, 3)), np.float64) for edge in (frames.min, frames.max))
    return bool((high - low < NARROW * np.maximum(np.abs(low), np.abs(high))).any())


def check_step(value: Any, name: str, where: object) -> float:
    """`dt` or `dx`: one number above 0. Raises InputError otherwise."""
    try:
        number = np.asarray(value)
    except (ValueError, OverflowError):  # a ragged list, an integer of many digits
        number = np.zeros(0)
    if number.size != 1 or number.dtype.kind not in "fiu" or not (np.isfinite(number).all() and number.item() > 0):
        raise InputError(f"{where}: expected {name}, one number above 0, got {shorten(value)}")
    return float(number.item())


def channel_names(
    names: Sequence[Any] | npt.NDArray[Any] | None, count: int, path: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The file's channel names, changed where a rule cannot use them, and a note on such changes.

    Without names: u, v for one or two channels, h0, h1 … for more.
    """
    if names is None:
        return ("u", "v")[:count] if count <= 2 else tuple(f"h{i}" for i in range(count)), ()
    if len(names) != count:
        raise InputError(f"{path}: expected {count} channel names, one for each channel of frames, got {len(names)}")
    stored = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names]
    mended = mend_names(stored)
    changed = [f"{shorten(old)} is called {new}" for old, new in zip(stored, mended, strict=True) if old != new]
    note = f"channels have other names in equations: {', '.join(changed[:SHOWN])}"
    return mended, (note,) if changed else ()
