"""Recordings as a linear system: one row for each place and time, with du/dt and the value of every candidate term."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.identify import unbiased
from distill.identify.rows import changes_sign, spread_rows
from distill.identify.schemes import Scheme, blur
from distill.regression.library import Library
from equations.expressions.numeric import compile_numpy
from equations.perception import perceive
from equations.rule.stencils import Stencil, feature_names

Array = npt.NDArray[np.float64]

TIMES = 5  # number of blocks in time; in space there are 2 × 2
MOST_PLACES = 48  # points in time that are used of one recording
MOST_VALUES = 60_000_000  # perceived values of one recording that are held: half a gigabyte
LEAST_SIDE = 16  # cells: larger recordings are cropped, but not below this side


@dataclass(frozen=True)
class Windows:
    """How rows are made.

    scheme: how du/dt is formed, and windows in time.
    radius: of the windows in space, in cells; 0 for none.
    walls: whether cells along the edges are left out, for frames that are not those of a torus.
    """

    scheme: Scheme
    radius: int = 0
    walls: bool = False

    def describe(self) -> dict[str, int]:
        return {
            "order": self.scheme.order,
            "substeps": self.scheme.substeps,
            "frames": 2 * self.scheme.radius + 1,
            "cells": 2 * self.radius + 1,
        }


class System:
    """Frames (t, channel, h, w), float64, of one or more recordings, seen through `stencils`.

    noise: standard deviation of the white noise of each channel; the bias that it causes in terms is removed.
    rows: at most this many rows are kept. In each block a third of them is drawn at random, a third where the features
    are rare, and a third where they are far from their mean; otherwise settled cells would outnumber those that tell
    terms apart. The draw never looks at du/dt: selecting rows by the response would bias the fit.

    Attributes:
    Y (rows, channels): du/dt.
    block (rows,): the block of each row; blocks: the number of blocks.
    early (blocks,): whether a block is in the first of the stretches of time that its recording is divided into.
    fold (blocks,): blocks with the same number are held out together. They are a stretch of time, or a whole recording
    where there are three or more.
    """

    def __init__(
        self,
        recordings: Sequence[Array],
        dt: float,
        channels: Sequence[str],
        stencils: Sequence[Stencil],
        windows: Windows,
        noise: Array,
        *,
        rows: int = 12_000,
        seed: int = 0,
    ) -> None:
        self.channels, self.stencils = tuple(channels), tuple(stencils)
        self.names = feature_names(self.channels, self.stencils)
        self.levels, self.noise = noise, unbiased.noise_covariance(noise, stencils)
        self.dt, self.windows = dt, windows
        rng = np.random.default_rng((seed, 0xC0))
        corners = [(int(rng.integers(f.shape[2])), int(rng.integers(f.shape[3]))) for f in recordings]
        self._parts = [
            _Part(frames, dt, self.stencils, windows, corner)
            for frames, corner in zip(recordings, corners, strict=True)
        ]
        self.block, self.fold = self._blocks()
        self.blocks = len(self.fold)
        self._kept = self._choose(rows, seed)
        self.block = np.concatenate([b[k] for b, k in zip(self._whole_blocks, self._kept, strict=True)])
        self.Y = self._changes()

    @property
    def noisy(self) -> bool:
        return bool((self.levels > 0).any())

    @property
    def signed(self) -> list[int]:
        """Indices of the features that take clearly positive and clearly negative values."""
        low = np.min([part.seen.min(axis=(0, 2, 3)) for part in self._parts], axis=0)
        high = np.max([part.seen.max(axis=(0, 2, 3)) for part in self._parts], axis=0)
        return [int(i) for i in np.flatnonzero(changes_sign(low, high))]

    def replica(self, seed: int, share: float = 1.0) -> System:
        """The same rows of the same frames, with further noise of `share` times the noise's deviation added."""
        rng = np.random.default_rng((seed, 0x201))
        again = copy(self)
        variance = 1 + share**2
        again.levels, again.noise = np.sqrt(variance) * self.levels, variance * self.noise
        again._parts = []
        for part in self._parts:
            more = rng.normal(size=part.frames.shape) * (share * self.levels[:, None, None])
            again._parts.append(_Part(part.frames + more, self.dt, self.stencils, self.windows, part.corner))
        again.Y = again._changes()
        return again

    def columns(self, library: Library) -> Array:
        """The terms' unbiased values, (rows, terms)."""
        values = np.empty((len(self.Y), len(library.terms)))
        for index, atoms in enumerate(library.terms):
            values[:, index] = self._projected([_term(part.seen, atoms, self.noise) for part in self._parts])
        return values

    def values(self, bases: Sequence[Expr]) -> Array:
        """The same for any expressions of the features, (rows, bases)."""
        run = compile_numpy(
            [unbiased.unbiased_expression(basis, self.names, self.noise) for basis in bases], self.names
        )
        fields = [run(np.moveaxis(part.seen, 1, 0)) for part in self._parts]
        return np.stack([self._projected([f[i] for f in fields]) for i in range(len(bases))], axis=1)

    def averaged(self, fields: Sequence[Array]) -> Array:
        """A field (t, h, w) of each recording, averaged as the terms are, (rows,)."""
        return self._projected([part.cropped(field) for part, field in zip(self._parts, fields, strict=True)])

    def _projected(self, fields: Sequence[Array]) -> Array:
        parts = zip(self._parts, fields, self._kept, strict=True)
        return np.concatenate([part.project(field).ravel()[kept] for part, field, kept in parts])

    def _changes(self) -> Array:
        return np.stack(
            [
                np.concatenate([p.change(c).ravel()[kept] for p, kept in zip(self._parts, self._kept, strict=True)])
                for c in range(len(self.channels))
            ],
            axis=1,
        )

    def _blocks(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The block of every row of every part, and each block's fold."""
        self._whole_blocks, folds, early, count = [], [], list[bool](), 0
        by_recording = len(self._parts) >= 3
        for number, part in enumerate(self._parts):
            k, sy, sx = part.shape
            times = min(TIMES, k)
            t = np.arange(k) * times // k
            y, x = np.arange(sy) * 2 // max(sy, 2), np.arange(sx) * 2 // max(sx, 2)
            block = (t[:, None, None] * 2 + y[:, None]) * 2 + x + count
            self._whole_blocks.append(block.ravel())
            folds += [number if by_recording else time for time in range(times) for _ in range(4)]
            early += [time == 0 for time in range(times) for _ in range(4)]
            count += 4 * times
        self.early = np.array(early)
        return np.concatenate(self._whole_blocks), np.array(folds)

    def _choose(self, rows: int, seed: int) -> list[npt.NDArray[np.int64]]:
        rng = np.random.default_rng((seed, 0x5EED))
        share = -(-rows // self.blocks)
        linear = Library(self.names, tuple((i,) for i in range(len(self.names))))
        kept = []
        for part, block in zip(self._parts, self._whole_blocks, strict=True):
            x = np.stack([part.project(part.seen[:, a]).ravel() for (a,) in linear.terms], axis=1)
            chosen = [spread_rows(x, np.flatnonzero(block == b), share, rng) for b in np.unique(block)]
            kept.append(np.sort(np.concatenate(chosen)))
        return kept


def early_rows(system: System) -> npt.NDArray[np.bool_]:
    """The rows in the first of the stretches of time that recordings are divided into."""
    found: npt.NDArray[np.bool_] = system.early[system.block]
    return found


class _Part:
    """One recording: its features (t, features, h, w), and how they become rows.

    Large recordings are cropped to a part of the plane whose upper left cell is `corner` (y, x).
    """

    def __init__(
        self, frames: Array, dt: float, stencils: Sequence[Stencil], windows: Windows, corner: tuple[int, int]
    ) -> None:
        self.frames, self.corner = frames, corner
        t, channels, *size = frames.shape
        side = max(LEAST_SIDE, int(np.sqrt(MOST_VALUES / (t * channels * len(stencils)))))
        if windows.walls:  # stencils look one cell around
            h, w = (min(n - 2, side) for n in size)
            self.corner = corner = (1, 1)
        else:
            h, w = (min(n, side) for n in size)
        self._rows, self._columns = (
            (start + np.arange(n)) % whole for start, n, whole in zip(corner, (h, w), size, strict=True)
        )
        self._whole = [h, w] == size
        self.seen = np.empty((t, channels * len(stencils), h, w))
        for index, frame in enumerate(frames):
            seen = perceive(frame, stencils)
            self.seen[index] = self.cropped(seen)
        self._states = self.seen[:, :: len(stencils)]  # the stencil id comes first
        self._change, self._average = windows.scheme.matrices(t, dt, MOST_PLACES)
        apart = max(1, (windows.radius + 1) // 2)
        self._blurs = [
            blur(n, windows.radius, apart, periodic=n == whole) for n, whole in zip((h, w), size, strict=True)
        ]
        self._plain = windows.radius == 0
        self.shape = (len(self._change), len(self._blurs[0]), len(self._blurs[1]))

    def cropped(self, fields: Array) -> Array:
        """The part of fields (n, h, w) that is worked on."""
        return fields if self._whole else fields[:, self._rows][:, :, self._columns]

    def change(self, channel: int) -> Array:
        return self._windowed(self._change, self._states[:, channel])

    def project(self, field: Array) -> Array:
        """A field (t, h, w) averaged over the windows of the rows: (k, y, x)."""
        return self._windowed(self._average, field)

    def _windowed(self, times: Array, field: Array) -> Array:
        t, h, w = field.shape
        rows = (times @ field.reshape(t, -1)).reshape(-1, h, w)
        return rows if self._plain else self._blurs[0] @ rows @ self._blurs[1].T


def _term(seen: Array, atoms: tuple[int, ...], noise: Array) -> Array:
    """A product of features, (t, h, w); atom n + a is |feature a|, whose bias by noise is not known."""
    n = seen.shape[1]
    if not atoms:
        return np.ones((len(seen), *seen.shape[2:]))
    values = [seen[:, a] if a < n else np.abs(seen[:, a - n]) for a in atoms]
    if max(atoms) < n:
        return unbiased.unbiased_product(values, atoms, noise)
    product: Array = np.prod(values, axis=0)
    return product
