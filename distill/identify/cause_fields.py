"""Fields that only one cause would make useful to explain a residual: see `causes`.

Each is of every recording (t, h, w), made from frames (t, channel, h, w). They are made one at a time: together they
would take many times the recording's memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import chain, combinations_with_replacement, islice, product

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Fields = Iterator[list[Array]]

REACHES = (1.5, 3.0, 6.0, 12.0)  # cells over which neighbourhoods are averaged
LOCAL = 5  # degree of the local products
MOST_LOCAL = 60  # of these products
MOST_REACHED = 3  # channels whose averages are looked at


def channels(frames: Sequence[Array]) -> range:
    return range(frames[0].shape[1])


def linear(frames: Sequence[Array]) -> Fields:
    """Every channel, and its change from cell to cell around."""
    for c in channels(frames):
        yield [f[:, c] for f in frames]
    for c in channels(frames):
        yield [around(f[:, c]) for f in frames]


def slopes(frames: Sequence[Array]) -> Fields:
    for c in channels(frames):
        for axis in (1, 2):
            yield [(np.roll(f[:, c], -1, axis) - np.roll(f[:, c], 1, axis)) / 2 for f in frames]


def around(field: Array) -> Array:
    total = sum(np.roll(field, s, axis) for axis in (1, 2) for s in (-1, 1))
    return np.asarray(total - 4 * field)


def local(frames: Sequence[Array], most: int = LOCAL) -> Fields:
    products = (
        [np.asarray(reduce(np.multiply, [f[:, c] for c in factors])) for f in frames]
        for degree in range(2, most + 1)
        for factors in combinations_with_replacement(channels(frames), degree)
    )
    return islice(chain(linear(frames), products), MOST_LOCAL)


def place(frames: Sequence[Array]) -> Fields:
    def waves(h: int, w: int) -> list[Array]:
        y, x = 2 * np.pi * np.arange(h)[:, None] / h, 2 * np.pi * np.arange(w)[None, :] / w
        single = [g(k * axis) + 0 * (x + y) for k in (1, 2) for axis in (x, y) for g in (np.cos, np.sin)]
        return single + [g(x) * q(y) for g in (np.cos, np.sin) for q in (np.cos, np.sin)]

    count = len(waves(2, 2))
    for field in chain([ones(frames)], linear(frames), slopes(frames)):
        for k in range(count):
            yield [part * waves(*part.shape[1:])[k] for part in field]


def past(frames: Sequence[Array]) -> Fields:
    """Local terms, their rates, and products of rates and Laplacians with each other and with the fields: what
    eliminating a hidden species leaves, where it is linear and in the simplest cases where it is not.
    """

    def terms() -> Fields:
        yield from local(frames, 3)
        for field in islice(local(frames, 3), 2 * len(channels(frames)), None):
            yield [around(part) for part in field]

    yield from terms()
    for field in terms():
        yield [np.gradient(part, axis=0) for part in field]
    every = channels(frames)
    moving = [(c, kind) for kind in (0, 1) for c in every]

    def one(f: Array, which: tuple[int, int]) -> Array:
        return around(f[:, which[0]]) if which[1] else np.gradient(f[:, which[0]], axis=0)

    for a, b in combinations_with_replacement(moving, 2):
        for c in (None, *every):
            yield [one(f, a) * one(f, b) * (1.0 if c is None else f[:, c]) for f in frames]
    for a, c in product(moving, every):
        for d in (None, *every[c:]):
            yield [one(f, a) * f[:, c] * (1.0 if d is None else f[:, d]) for f in frames]


def reach(frames: Sequence[Array]) -> Fields:
    """Products up to degree 3 of each field and its averages."""
    from scipy.ndimage import gaussian_filter

    for c in channels(frames)[:MOST_REACHED]:
        seen = [
            [f[:, c], *(gaussian_filter(f[:, c], (0, reach, reach), mode="wrap") for reach in REACHES)] for f in frames
        ]
        for degree in (1, 2, 3):
            for which in combinations_with_replacement(range(len(REACHES) + 1), degree):
                yield [np.asarray(reduce(np.multiply, [parts[k] for k in which])) for parts in seen]


def rim(frames: Sequence[Array]) -> Fields:
    """Along each edge 1, every channel, and its value across the edge, which a law on a torus takes for a neighbour."""

    def along(field: Array, axis: int, place: int) -> Array:
        kept = np.zeros_like(field)
        where = tuple(place if k == axis else slice(None) for k in range(3))
        kept[where] = field[where]
        return kept

    for axis in (1, 2):
        for edge, step in ((0, 1), (-1, -1)):
            yield [along(part, axis, edge) for part in ones(frames)]
            for c in channels(frames):
                yield [along(f[:, c], axis, edge) for f in frames]
                yield [along(np.roll(f[:, c], step, axis), axis, edge) for f in frames]


def ones(frames: Sequence[Array]) -> list[Array]:
    return [np.ones_like(f[:, 0]) for f in frames]
