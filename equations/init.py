"""Initial states, written down as data so that any language can repeat them bit for bit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, shorten
from equations.mask import check_seed, uniform

MAX_CELLS = 2**28


@dataclass(frozen=True)
class Init:
    """How a simulation starts.

    `noise`: background + uniform noise in ±amplitude, per channel.
    `square`: the same, but in the centred square (side = square_fraction of each size) the background is
    `square`.
    """

    kind: Literal["noise", "square"]
    background: tuple[float, ...]
    amplitude: tuple[float, ...]
    square: tuple[float, ...] = ()
    square_fraction: float = 0.2

    def __post_init__(self) -> None:
        if self.kind not in ("noise", "square"):
            raise InputError(f'expected an init of kind "noise" or "square", got {shorten(self.kind)}')
        for field in ("background", "amplitude", "square"):
            object.__setattr__(self, field, _numbers(getattr(self, field), field))
        lengths = {len(self.background), len(self.amplitude)} | ({len(self.square)} if self.square else set())
        if len(lengths) != 1 or (self.kind == "square" and not self.square):
            raise InputError(
                "expected one init value per channel in background, amplitude (and square), "
                f"got {len(self.background)}, {len(self.amplitude)}, {len(self.square)}"
            )
        if not isinstance(self.square_fraction, (int, float)) or not 0 < self.square_fraction <= 1:
            raise InputError(f"expected a square_fraction in (0, 1], got {shorten(self.square_fraction)}")


def make_state(init: Init, channels: int, size: tuple[int, int], seed: int) -> npt.NDArray[np.float32]:
    """The initial state (channels, h, w), float32; noise is amplitude · (2·uniform − 1), `mask.uniform`."""
    if len(init.background) != channels:
        raise InputError(f"the init describes {len(init.background)} channels, but the rule has {channels}")
    h, w = check_size(size)
    if channels * h * w > MAX_CELLS:
        raise InputError(f"expected at most {MAX_CELLS} numbers in a state, got {channels}×{h}×{w}")
    state = np.empty((channels, h, w), np.float32)
    state[:] = np.asarray(init.background, np.float32)[:, None, None]
    if init.kind == "square":
        top, bottom = square_span(h, init.square_fraction)
        left, right = square_span(w, init.square_fraction)
        state[:, top:bottom, left:right] = np.asarray(init.square, np.float32)[:, None, None]
    if any(init.amplitude):
        noise = uniform(check_seed(seed), shape=(h, w), channels=channels) * np.float32(2) - np.float32(1)
        state += np.asarray(init.amplitude, np.float32)[:, None, None] * noise
    return state


def square_span(length: int, fraction: float) -> tuple[int, int]:
    """First and one-past-last index of the centred square along one side; at least one cell."""
    side = max(1, math.floor(length * fraction + 0.5))
    start = (length - side) // 2
    return start, start + side


def check_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """`size` as (h, w); one number means a square. Raises InputError unless both are 1…65536."""
    pair = (size, size) if isinstance(size, (int, np.integer)) else tuple(size)
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and 1 <= n <= 65536 for n in pair)
    if len(pair) != 2 or not whole:
        raise InputError(f"expected a size of 1 to 65536 cells, or (height, width), got {shorten(size)}")
    return int(pair[0]), int(pair[1])


def _numbers(values: object, field: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"init: expected a list of numbers for {field}, got {shorten(values)}") from None
    if not all(math.isfinite(value) and abs(value) <= 1e6 for value in numbers):
        raise InputError(f"init: expected finite numbers of size at most 1e6 for {field}, got {shorten(values)}")
    return numbers
