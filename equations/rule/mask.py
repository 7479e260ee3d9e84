"""The update mask: a counter hash in 32-bit unsigned arithmetic, the same in NumPy, LLVM, C and GLSL.

    mix(h):  h ^= h >> 16;  h *= 0x7feb352d;  h ^= h >> 15;  h *= 0x846ca68b;  h ^= h >> 16
    key  = mix(mix(seed + 0x9e3779b9) ^ step)          once per step
    row  = mix(key ^ y)                                once per row
    cell = mix(row ^ x)                                once per cell
    cell = mix(cell + (channel + 1) · 0x9e3779b9)      only for a per-channel mask

All arithmetic is modulo 2³². A cell updates iff cell < floor(rate · 2³²); a rate of 1 updates every cell.
`mix` is the `lowbias32` finaliser found by Chris Wellons (nullprogram.com/blog/2018/07/31, public domain).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, shorten

GOLDEN = 0x9E3779B9
MIX_1 = 0x7FEB352D
MIX_2 = 0x846CA68B
INIT_STEP = 0xFFFFFFFF  # the step number of the initial noise: no simulation reaches it
MAX_SEED = 2**32 - 1


def check_seed(seed: object) -> int:
    """`seed` as an int; raises InputError unless it is a whole number from 0 to 2³²−1."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= MAX_SEED:
        raise InputError(f"expected a seed from 0 to {MAX_SEED}, got {shorten(seed)}")
    return int(seed)


def shift_seed(seed: int, by: int) -> int:
    """Another seed: `seed` + `by`, modulo 2³²."""
    return (seed + by) & MAX_SEED


def threshold(rate: float) -> int:
    """floor(rate · 2³²): cells whose hash is below it update (2³² for rate 1: all of them)."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise InputError(f"expected an update rate from 0 to 1, got {shorten(rate)}")
    return math.floor(rate * 2**32)


def _mix(h: Any) -> Any:
    with np.errstate(over="ignore"):  # wrapping is meant; NumPy warns of it for scalars
        h = h ^ (h >> np.uint32(16))
        h = h * np.uint32(MIX_1)
        h = h ^ (h >> np.uint32(15))
        h = h * np.uint32(MIX_2)
        return h ^ (h >> np.uint32(16))


def _u32(value: Any) -> Any:
    if isinstance(value, int):
        return np.uint32(value & 0xFFFFFFFF)
    return np.asarray(value).astype(np.uint32)


def hash_u32(seed: int, step: int, y: npt.ArrayLike, x: npt.ArrayLike, channel: npt.ArrayLike | None = None) -> Any:
    """The hash of a cell, uint32, broadcast over `y`, `x` and `channel`."""
    with np.errstate(over="ignore"):
        key = _mix(_mix(_u32(seed) + np.uint32(GOLDEN)) ^ _u32(step))
        cell = _mix(_mix(key ^ _u32(y)) ^ _u32(x))
        if channel is None:
            return cell
        return _mix(cell + (_u32(channel) + np.uint32(1)) * np.uint32(GOLDEN))


def _grid_hash(
    seed: int, step: int, shape: tuple[int, int], channels: int | None, origin: tuple[int, int] = (0, 0)
) -> npt.NDArray[np.uint32]:
    y, x = (np.arange(start, start + length, dtype=np.uint32) for start, length in zip(origin, shape, strict=True))
    channel = None if channels is None else np.arange(channels, dtype=np.uint32)[:, None, None]
    result: npt.NDArray[np.uint32] = hash_u32(seed, step, y[:, None], x, channel)
    return result


def update_mask(
    rate: float, *, seed: int, step: int, shape: tuple[int, int], channels: int | None = None
) -> npt.NDArray[np.bool_]:
    """Which cells update at `step`: bool (h, w), or (channels, h, w) with one draw per channel."""
    ys, xs = (np.arange(length, dtype=np.uint32) for length in shape)
    return update_mask_at(rate, seed=seed, step=step, ys=ys, xs=xs, channels=channels)


def update_mask_at(
    rate: float,
    *,
    seed: int,
    step: int,
    ys: npt.NDArray[Any],
    xs: npt.NDArray[Any],
    channels: int | None = None,
) -> npt.NDArray[np.bool_]:
    """Like `update_mask`, for the cells in rows `ys` and columns `xs` of a grid; both are uint32."""
    limit = threshold(rate)
    if limit > MAX_SEED:
        shape = (len(ys), len(xs))
        return np.ones(shape if channels is None else (channels, *shape), dtype=np.bool_)
    channel = None if channels is None else np.arange(channels, dtype=np.uint32)[:, None, None]
    mask: npt.NDArray[np.bool_] = hash_u32(seed, step, ys[:, None], xs, channel) < np.uint32(limit)
    return mask


def uniform(
    seed: int,
    *,
    shape: tuple[int, int],
    channels: int | None = None,
    step: int = INIT_STEP,
    origin: tuple[int, int] = (0, 0),
) -> npt.NDArray[np.float32]:
    """Uniform numbers in [0, 1): the hash's upper 24 bits, exact in float32; (h, w) or (channels, h, w).

    origin: the row and column at which `shape` begins, for a part of a larger grid.
    """
    upper = _grid_hash(seed, step, shape, channels, origin) >> np.uint32(8)
    return upper.astype(np.float32) * np.float32(2.0**-24)
