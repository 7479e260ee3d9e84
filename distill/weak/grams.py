"""Sums over blocks of windows, from which every fit, held-out error and bootstrap of one channel is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from distill.weak.system import System

Array = npt.NDArray[np.float64]

FOLDS = 6
DEFINITE = 0.9  # of the noise that would make the normal equations singular, at most this much is subtracted


@dataclass(frozen=True, eq=False)
class Grams:
    """Products of the columns (n terms, then the change) in every block of windows.

    data: (blocks, n + 1, n + 1), of the recording.
    noise: the same, what the recording's noise adds on average.
    sizes: (n,) by which the terms' columns were divided.
    """

    data: Array
    noise: Array
    sizes: Array

    @property
    def terms(self) -> int:
        return len(self.sizes)

    @cached_property
    def total(self) -> tuple[Array, Array]:
        """`data` and `noise`, summed over the blocks."""
        return self.data.sum(axis=0), self.noise.sum(axis=0)

    @cached_property
    def change(self) -> float:
        """The squared change, without what noise adds."""
        raw, noise = (float(grams[-1, -1]) for grams in self.total)
        return max(raw - noise, 1e-3 * raw, 1e-300)

    @cached_property
    def folds(self) -> list[tuple[npt.NDArray[np.intp], tuple[Array, Array]]]:
        """The blocks of each fold, and the sums over all blocks outside of it."""
        fold = np.arange(len(self.data)) * 7 % min(FOLDS, len(self.data))
        outside = [fold != k for k in np.unique(fold)]
        return [(np.flatnonzero(~o), (self.data[o].sum(axis=0), self.noise[o].sum(axis=0))) for o in outside]

    def without_noise(self, support: Sequence[int]) -> Array:
        """The sum of all blocks without what noise adds, (n + 1, n + 1), for fits within `support`."""
        return subtract_noise(*self.total, support)

    def fit(self, support: Sequence[int], weights: Array | None = None) -> Array:
        """Coefficients (n,) by least squares on the blocks with these weights, corrected for noise."""
        w = np.zeros(self.terms)
        if len(support):
            sums = self.total if weights is None else (_weighted(self.data, weights), _weighted(self.noise, weights))
            w[list(support)] = solve(*sums, support)
        return w

    def losses(self, w: Array) -> tuple[Array, Array]:
        """The squared residual of each block, and what noise adds to it, as shares of the change's square in all."""
        return self._losses(np.flatnonzero(w).tolist(), w[w != 0], np.arange(len(self.data)))

    def _losses(self, support: Sequence[int], w: Array, blocks: npt.NDArray[np.intp]) -> tuple[Array, Array]:
        used = np.array([*support, self.terms], dtype=np.intp)
        v = np.append(w, -1.0)
        inside = np.ix_(blocks, used, used)
        return ((self.data[inside] @ v) @ v / self.change, (self.noise[inside] @ v) @ v / self.change)

    def held_out(self, support: Sequence[int]) -> tuple[Array, Array]:
        """`losses` of each block by a fit without the block's fold."""
        losses, noise = np.zeros(len(self.data)), np.zeros(len(self.data))
        for blocks, sums in self.folds:
            losses[blocks], noise[blocks] = self._losses(support, solve(*sums, support), blocks)
        return losses, noise


def subtract_noise(raw: Array, noise: Array, support: Sequence[int]) -> Array:
    """Products of columns without what noise adds, or as much of it as leaves the equations of `support` definite.

    Noise in the terms makes ordinary least squares too small (Fuller 1987, Measurement Error Models).
    """
    if not len(support) or not noise.any():
        return np.asarray(raw - noise)
    inside = np.ix_(support, support)
    ridge = 1e-12 * float(np.trace(raw[inside])) * np.eye(len(support))
    values, vectors = np.linalg.eigh(raw[inside] + ridge)
    half = vectors / np.sqrt(np.clip(values, 1e-13 * max(float(values[-1]), 1e-300), None))
    worst = float(np.linalg.eigvalsh(half.T @ noise[inside] @ half)[-1])  # noise in units of what is there
    return np.asarray(raw - min(1.0, DEFINITE / max(worst, 1e-300)) * noise)


def solve(raw: Array, noise: Array, support: Sequence[int]) -> Array:
    """The coefficients of a support by least squares, corrected for noise."""
    if not len(support):
        return np.zeros(0)
    used = [*support, len(raw) - 1]
    clean = subtract_noise(raw[np.ix_(used, used)], noise[np.ix_(used, used)], range(len(support)))
    return np.asarray(np.linalg.lstsq(clean[:-1, :-1], clean[:-1, -1], rcond=1e-13)[0])


def _weighted(grams: Array, weights: Array) -> Array:
    return np.asarray(np.tensordot(weights, grams, axes=1))


def make_grams(system: System, errors: Sequence[System], channel: int) -> Grams:
    """The sums for one channel.

    errors: what simulated noise changes in `system`, several times.
    """
    sizes = np.sqrt(np.square(system.features).mean(axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)

    def blocks_of(s: System) -> Array:
        columns = np.column_stack([s.features / sizes, s.change[:, channel]])
        return np.array([(rows := columns[s.block == b]).T @ rows for b in range(system.blocks)])

    data = blocks_of(system)
    noise = np.mean([blocks_of(e) for e in errors], axis=0) if errors else np.zeros_like(data)
    return Grams(data, noise, sizes)
