"""The weak linear system: each window of the recording gives one equation between the terms' integrals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from distill.identify.unbiased import unbiased_product
from distill.weak.bumps import Bump, bump_rows
from distill.weak.gradients import Filter, differentiate
from distill.weak.terms import Factor, Term

Array = npt.NDArray[np.float64]

CHUNKS = (4, 3, 3)  # blocks of windows along t, y and x, for errors that neighbouring windows share
MOST_ROWS = 30_000  # of one recording


@dataclass(frozen=True)
class Setting:
    """What turns frames into equations.

    terms: the candidate terms.
    bumps: the test function along t, y and x.
    filters: the derivative filter of each channel, for gradients inside products.
    periodic: the filters may look across the frame's edges.
    """

    terms: tuple[Term, ...]
    bumps: tuple[Bump, Bump, Bump]
    filters: tuple[Filter, ...]
    periodic: bool = False

    @property
    def margin(self) -> int:
        """Cells along the frame's edges where filtered derivatives may be wrong."""
        return 0 if self.periodic else max((f.half for f in self.filters), default=0)


@dataclass(frozen=True, eq=False)
class System:
    """Equations, one row a window.

    features: (rows, terms). change: (rows, channels), the weak time derivative of each channel.
    block: of each row the index of its block.
    place: (rows, 3), of each row where its block lies along t, y and x.
    """

    features: Array
    change: Array
    block: npt.NDArray[np.intp]
    place: npt.NDArray[np.intp]

    @property
    def blocks(self) -> int:
        return int(self.block.max()) + 1


def centres(shape: tuple[int, int, int], setting: Setting) -> list[npt.NDArray[np.intp]]:
    """The windows' centres along t, y and x: about one spread of the test function apart, all windows inside."""
    margins = (0, setting.margin, setting.margin)
    found = []
    for size, bump, margin in zip(shape, setting.bumps, margins, strict=True):
        low, high = bump.half + margin, size - 1 - bump.half - margin
        count = int((high - low) / max(1.0, bump.spread)) + 1 if high > low else 1
        found.append(np.linspace(low, max(low, high), max(1, count)).round().astype(np.intp))
    while len(found[0]) * len(found[1]) * len(found[2]) > MOST_ROWS:
        largest = max(range(3), key=lambda i: len(found[i]))
        found[largest] = found[largest][::2] if len(found[largest]) > 3 else found[largest]
    return found


def make_system(recordings: Sequence[Array], setting: Setting, noise: Array) -> System:
    """The equations of recordings, each (t, channel, h, w).

    noise: standard deviation of each channel's white noise; products are freed of what it adds to them on average.
    """
    parts, where = [], []
    for index, frames in enumerate(recordings):
        places = centres((frames.shape[0], frames.shape[2], frames.shape[3]), setting)
        parts.append(_equations(frames, setting, noise, places))
        where.append(np.column_stack([np.full(len(parts[-1][0]), index), place_of(places)]))
    features = np.concatenate([p[0] for p in parts])
    change = np.concatenate([p[1] for p in parts])
    place = np.concatenate(where)
    _, block = np.unique(place, axis=0, return_inverse=True)
    return System(features, change, block.ravel().astype(np.intp), place[:, 1:])


def averages(fields: Sequence[Array], setting: Setting) -> Array:
    """A field (t, h, w) of each recording, averaged over the windows of `make_system`, (rows,)."""
    found = []
    for field in fields:
        shape = (field.shape[0], field.shape[1], field.shape[2])
        t, y, x = (
            bump_rows(size, bump, centre.tolist(), 0)
            for size, bump, centre in zip(shape, setting.bumps, centres(shape, setting), strict=True)
        )
        over_time = (t @ field.reshape(shape[0], -1)).reshape(-1, *shape[1:])
        found.append(np.matmul(y @ over_time, x.T).ravel())
    return np.concatenate(found)


def place_of(places: Sequence[npt.NDArray[np.intp]]) -> npt.NDArray[np.intp]:
    """Of each window the chunk of its centre along t, y and x, (rows, 3)."""
    pieces = [np.arange(len(p)) * min(n, len(p)) // len(p) for p, n in zip(places, CHUNKS, strict=True)]
    return np.stack([grid.ravel() for grid in np.meshgrid(*pieces, indexing="ij")], axis=1).astype(np.intp)


def _equations(
    frames: Array, setting: Setting, noise: Array, places: Sequence[npt.NDArray[np.intp]]
) -> tuple[Array, Array]:
    t, channels, h, w = frames.shape
    rows = [
        {order: bump_rows(size, bump, centre.tolist(), order) for order in range(5 if axis else 2)}
        for axis, (size, bump, centre) in enumerate(zip((t, h, w), setting.bumps, places, strict=True))
    ]

    def over_time(field: Array, order: int) -> Array:
        return np.asarray((rows[0][order] @ field.reshape(t, h * w)).reshape(-1, h, w))

    def over_space(field: Array, moved: tuple[int, int]) -> Array:
        return np.matmul(rows[1][moved[0]] @ field, rows[2][moved[1]].T).ravel()

    change = [-over_space(over_time(frames[:, c], 1), (0, 0)) for c in range(channels)]
    features = np.zeros((len(change[0]), len(setting.terms)))
    for factors, uses in _uses(setting.terms).items():
        if factors:
            part = over_time(_product(frames, factors, setting.filters, noise), 0)
        else:
            part = np.ones((len(places[0]), h, w))
        for moved, wanted in uses.items():
            values = over_space(part, moved) * (-1.0) ** sum(moved)
            for index, weight in wanted:
                features[:, index] += weight * values
    return features, np.stack(change, axis=1)


def _uses(terms: Sequence[Term]) -> dict[tuple[Factor, ...], dict[tuple[int, int], list[tuple[int, float]]]]:
    """For each product, and each derivative moved from it, the terms it is part of and with which weight."""
    found: dict[tuple[Factor, ...], dict[tuple[int, int], list[tuple[int, float]]]] = {}
    for index, term in enumerate(terms):
        for part in term.parts:
            found.setdefault(part.factors, {}).setdefault(part.moved, []).append((index, part.weight))
    return found


def _product(frames: Array, factors: Sequence[Factor], filters: Sequence[Filter], noise: Array) -> Array:
    """The product of fields and their derivatives (t, h, w), less what noise adds to it on average."""
    atoms = sorted(set(factors))
    values = {
        (c, d): differentiate(frames[:, c], filters[c], d) if d else np.asarray(frames[:, c], np.float64)
        for c, d in atoms
    }
    covariance = np.zeros((len(atoms), len(atoms)))
    for i, j in product(range(len(atoms)), repeat=2):
        if atoms[i] == atoms[j]:  # a value and a derivative, or both derivatives: the odd filters do not overlap
            channel, direction = atoms[i]
            overlap = float(np.square(filters[channel].kernel).sum()) if direction else 1.0
            covariance[i, j] = noise[channel] ** 2 * overlap
    return unbiased_product([values[f] for f in factors], [atoms.index(f) for f in factors], covariance)
