"""Initial states, written down as data so that any language can repeat them bit for bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, shorten
from equations.rule.mask import check_seed, uniform

MAX_CELLS = 2**28
BAND_ROWS = 256
MAX_SPOTS = 1000
LARGEST = 1e12  # in size, of a background, an amplitude or a square
KINDS = ("noise", "square", "spots", "cross")
Span = tuple[int, int]  # the first index, and one past the last
Part = tuple[Span, Span]  # the span of rows and the span of columns


@dataclass(frozen=True)
class Init:
    """How a simulation starts: background + uniform noise in ±amplitude, and in some cells `square` + the same noise.

    kind: which cells start from `square` instead of the background:
        noise: none.
        square: the centred square, whose sides are square_fraction of each size.
        spots: `spots` discs at random places, whose diameter is square_fraction of the smaller size.
        cross: the left half for channels 0, 2, …, the upper half for channels 1, 3, …; it seeds spirals.
    background, amplitude, square: one number per channel; `square` may be empty for noise.

    Raises InputError for other kinds, numbers that are not finite, and lists of unlike lengths.
    """

    kind: Literal["noise", "square", "spots", "cross"]
    background: tuple[float, ...]
    amplitude: tuple[float, ...]
    square: tuple[float, ...] = ()
    square_fraction: float = 0.2
    spots: int = 20

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"expected an init of kind {', '.join(KINDS)}, got {shorten(self.kind)}")
        for field in ("background", "amplitude", "square"):
            object.__setattr__(self, field, _numbers(getattr(self, field), field))
        lengths = {len(self.background), len(self.amplitude)} | ({len(self.square)} if self.square else set())
        if len(lengths) != 1 or (self.kind != "noise" and not self.square):
            raise InputError(
                "expected one init value per channel in background, amplitude (and square), "
                f"got {len(self.background)}, {len(self.amplitude)}, {len(self.square)}"
            )
        if not isinstance(self.square_fraction, (int, float)) or not 0 < self.square_fraction <= 1:
            raise InputError(f"expected a square_fraction in (0, 1], got {shorten(self.square_fraction)}")
        whole = isinstance(self.spots, int) and not isinstance(self.spots, bool)
        if not whole or not 1 <= self.spots <= MAX_SPOTS:
            raise InputError(f"expected a number of spots from 1 to {MAX_SPOTS}, got {shorten(self.spots)}")


def make_state(
    init: Init, channels: int, size: tuple[int, int], seed: int, part: Part | None = None
) -> npt.NDArray[np.float32]:
    """The initial state (channels, h, w), float32; noise is amplitude · (2·uniform − 1), `mask.uniform`.

    part: return only these rows and columns; their numbers are the same as in the whole state.
    """
    if len(init.background) != channels:
        raise InputError(f"the init describes {len(init.background)} channels, but the rule has {channels}")
    h, w = check_size(size)
    (y0, y1), (x0, x1) = part or ((0, h), (0, w))
    if channels * (y1 - y0) * (x1 - x0) > MAX_CELLS:
        raise InputError(f"expected at most {MAX_CELLS} numbers in a state, got {channels}×{y1 - y0}×{x1 - x0}")
    check_seed(seed)
    state = np.empty((channels, y1 - y0, x1 - x0), np.float32)
    state[:] = _column(init.background)
    if init.kind == "square":
        rows, columns = (square_span(length, init.square_fraction) for length in (h, w))
        state[:, _shifted(rows, y0), _shifted(columns, x0)] = _column(init.square)
    elif init.kind == "spots":
        for row, cells in spot_rows(init, (h, w), seed):
            if y0 <= row < y1:
                state[:, row - y0, cells[(cells >= x0) & (cells < x1)] - x0] = _column(init.square)[:, 0]
    elif init.kind == "cross":
        state[0::2, :, _shifted((0, w // 2), x0)] = _column(init.square[0::2])
        state[1::2, _shifted((0, h // 2), y0), :] = _column(init.square[1::2])
    if any(init.amplitude):
        for top in range(0, y1 - y0, BAND_ROWS):  # drawing the noise takes three times the memory of its cells
            band = state[:, top : top + BAND_ROWS]
            drawn = uniform(seed, shape=band.shape[1:], channels=channels, origin=(y0 + top, x0))
            band += _column(init.amplitude) * (drawn * np.float32(2) - np.float32(1))
    return state


def _shifted(span: Span, start: int) -> slice:
    """A span of the whole grid, as a slice of the part that begins at `start`."""
    return slice(max(0, span[0] - start), max(0, span[1] - start))


def _column(values: tuple[float, ...]) -> npt.NDArray[np.float32]:
    return np.asarray(values, np.float32)[:, None, None]


def spot_rows(init: Init, size: tuple[int, int], seed: int) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """The cells inside the discs of a `spots` init, as (row, columns); a cell may occur more than once.

    Centre k is (floor(h · a_k), floor(w · b_k)) in float32, a and b the two channels of `uniform(seed, (1, spots))`;
    the radius is half of square_fraction · min(h, w), rounded, at least 1; distances are periodic.
    """
    h, w = size
    drawn = uniform(seed, shape=(1, init.spots), channels=2)[:, 0]  # (2, spots)
    centres = np.floor(drawn * np.array([[h], [w]], np.float32)).astype(np.intp)
    radius = max(1, math.floor(init.square_fraction * min(h, w) / 2 + 0.5))
    for y, x in centres.T:
        for dy in range(-radius, radius + 1):
            half = math.isqrt(radius**2 - dy**2)
            yield (y + dy) % h, np.arange(x - half, x + half + 1) % w


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
    if not all(math.isfinite(value) and abs(value) <= LARGEST for value in numbers):
        raise InputError(
            f"init: expected finite numbers of size at most {LARGEST:g} for {field}, got {shorten(values)}"
        )
    return numbers
