"""Why a law does not hold: what its residual goes with, each cause tested by itself.

A residual is regressed on fields that only one cause would make useful: fields times functions of position (a medium
that varies in space), averages over wide neighbourhoods (a nonlocal law), fields times functions of time (a driven
system, or light that changes), fields along the frame's edges and what lies across them on a torus (walls). Products of
the local fields of higher degree compete: they stand for a law outside the library.
Where a species was not recorded, its elimination leaves an equation of second order in time, u_tt = local terms and
their rates, so that one is fitted. What counts is the share that a cause explains on blocks left out of its fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import chain, combinations_with_replacement, islice

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Project = Callable[[Sequence[Array]], Array]  # a field (t, h, w) of each recording, averaged over the rows' windows
Fields = Iterator[list[Array]]  # made one at a time: together they would take many times the recording's memory

FOLDS = 6
EXPLAINS = 0.5  # of the squared residual that a cause must explain
BETTER = 0.5  # times what the law leaves of the change, an equation of second order may leave of its rate at most
TWICE = 2.0  # a second cause that leaves at most this many times as much is named too
RIDGE = 1e-8
REACHES = (3.0, 6.0, 12.0)  # cells over which neighbourhoods are averaged
LOCAL = 5  # degree of the local products
MOST_LOCAL = 60  # of these products
WORDS = {
    "place": "the residual goes with position: the medium may vary in space",
    "past": "an equation of second order in time fits: a species may not have been recorded",
    "reach": "the residual goes with averages over wide neighbourhoods: the law may be nonlocal",
    "clock": "the residual goes with time: the system may be driven from outside, or the light may have changed",
    "rim": "the residual sits at the rim of the frame: there may be walls, see --boundary walls",
    "local": "the residual goes with higher powers of the fields: the law may have terms that the library lacks, such "
    "as quotients",
}


def name_causes(
    residual: Array,
    channel: int,
    misfit: float,
    frames: Sequence[Array],
    project: Project,
    block: npt.NDArray[np.intp],
    early: npt.NDArray[np.bool_],
) -> tuple[str, ...]:
    """The likely causes of a residual, as sentences; none where no cause explains much of it.

    residual: (rows,), what a law leaves of the change of the channel with this index, in windows.
    misfit: its share of the squared change; an equation of second order in time has to leave less.
    frames: of each recording (t, channel, h, w), of about unit size.
    project: averages fields over the same windows.
    block: of each row the index of its block.
    early: rows so early in a recording that the past is not known; they do not count.
    """
    kept = ~early
    if kept.sum() < 10 * FOLDS or not np.square(residual[kept]).sum() > 0:
        return ()
    local = np.stack([project(f) for f in _local(frames)], axis=1)[kept]
    y, group = residual[kept], block[kept]
    shares = {"local": explained(y, local, group)}
    twice = [np.gradient(np.gradient(f[:, channel], axis=0), axis=0) for f in frames]
    second = explained(project(twice)[kept], np.stack([project(f) for f in _past(frames)], axis=1)[kept], group)
    if 1 - second <= BETTER * misfit:
        shares["past"] = second
    base = np.stack([project(f) for f in _local(frames, 3)], axis=1)[kept]
    for name, make in (("place", _place), ("reach", _reach), ("clock", _clock), ("rim", _rim)):
        fields = np.stack([project(f) for f in make(frames)], axis=1)[kept]
        shares[name] = explained(y, np.concatenate([base, fields], axis=1), group)
    best, next_best = sorted(shares, key=lambda name: shares[name], reverse=True)[:2]
    if shares[best] < EXPLAINS:
        return ()
    close = 1 - shares[next_best] < TWICE * (1 - shares[best])
    named = [best, next_best] if close and shares[next_best] >= EXPLAINS else [best]
    return tuple(f"{WORDS[name]} (explains {100 * shares[name]:.3g} %)" for name in named)


def explained(y: Array, features: Array, group: npt.NDArray[np.intp]) -> float:
    """The share of y² that a regression explains in groups of rows that were left out of its fit; below 0 if none.

    0 where y is 0 everywhere: there is nothing to explain.
    """
    total = float(np.square(y).sum())
    if total == 0:
        return 0.0
    size = np.sqrt(np.square(features).mean(axis=0))
    x = np.column_stack([np.ones(len(y)), features / np.where(size > 0, size, 1.0)])
    fold = group * 7 % FOLDS
    left = 0.0
    for k in np.unique(fold):
        train, test = fold != k, fold == k
        gram = x[train].T @ x[train]
        w = np.linalg.solve(gram + RIDGE * np.trace(gram) * np.eye(len(gram)), x[train].T @ y[train])
        left += float(np.square(y[test] - x[test] @ w).sum())
    return 1 - left / total


def _channels(frames: Sequence[Array]) -> range:
    return range(frames[0].shape[1])


def _linear(frames: Sequence[Array]) -> Fields:
    """Every channel, and its change from cell to cell around."""
    for c in _channels(frames):
        yield [f[:, c] for f in frames]
    for c in _channels(frames):
        yield [_around(f[:, c]) for f in frames]


def _around(field: Array) -> Array:
    total = sum(np.roll(field, s, axis) for axis in (1, 2) for s in (-1, 1))
    return np.asarray(total - 4 * field)


def _local(frames: Sequence[Array], most: int = LOCAL) -> Fields:
    products = (
        [np.asarray(reduce(np.multiply, [f[:, c] for c in factors])) for f in frames]
        for degree in range(2, most + 1)
        for factors in combinations_with_replacement(_channels(frames), degree)
    )
    return islice(chain(_linear(frames), products), MOST_LOCAL)


def _place(frames: Sequence[Array]) -> Fields:
    def waves(h: int, w: int) -> list[Array]:
        y, x = 2 * np.pi * np.arange(h)[:, None] / h, 2 * np.pi * np.arange(w)[None, :] / w
        single = [g(k * axis) + 0 * (x + y) for k in (1, 2) for axis in (x, y) for g in (np.cos, np.sin)]
        return single + [g(x) * q(y) for g in (np.cos, np.sin) for q in (np.cos, np.sin)]

    count = len(waves(2, 2))
    for field in chain([_ones(frames)], _linear(frames)):
        for k in range(count):
            yield [part * waves(*part.shape[1:])[k] for part in field]


def _past(frames: Sequence[Array]) -> Fields:
    """Local terms and their rates: with a linear hidden species they are all that the second derivative is made of."""

    def terms() -> Fields:
        yield from _local(frames, 3)
        for field in islice(_local(frames, 3), 2 * len(_channels(frames)), None):
            yield [_around(part) for part in field]

    yield from terms()
    for field in terms():
        yield [np.gradient(part, axis=0) for part in field]


def _reach(frames: Sequence[Array]) -> Fields:
    from scipy.ndimage import gaussian_filter

    for c in _channels(frames):
        for power in (1, 2, 3):
            for reach in REACHES:
                yield [gaussian_filter(f[:, c] ** power, (0, reach, reach), mode="wrap") for f in frames]


def _clock(frames: Sequence[Array]) -> Fields:
    def times(count: int, k: int) -> Array:
        t = np.linspace(-1, 1, count)[:, None, None]
        return np.asarray([t, t**2, t**3][k])

    for field in chain([_ones(frames)], _local(frames, 3)):
        for k in range(3):
            yield [part * times(len(part), k) for part in field]


def _rim(frames: Sequence[Array]) -> Fields:
    """Along each edge 1, every channel, and its value across the edge, which a law on a torus takes for a neighbour."""

    def along(field: Array, axis: int, place: int) -> Array:
        kept = np.zeros_like(field)
        where = tuple(place if k == axis else slice(None) for k in range(3))
        kept[where] = field[where]
        return kept

    for axis in (1, 2):
        for place, step in ((0, 1), (-1, -1)):
            yield [along(part, axis, place) for part in _ones(frames)]
            for c in _channels(frames):
                yield [along(f[:, c], axis, place) for f in frames]
                yield [along(np.roll(f[:, c], step, axis), axis, place) for f in frames]


def _ones(frames: Sequence[Array]) -> list[Array]:
    return [np.ones_like(f[:, 0]) for f in frames]
