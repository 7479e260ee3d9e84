"""Recordings as sums over blocks of space and time, freed of what noise adds: any subset of terms is fitted to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill.identify.system import System
from distill.regression.greedy import Problem

Array = npt.NDArray[np.float64]
Columns = Callable[[System], Array]

LEAST = 1e-13  # of the largest eigenvalue of a Gram matrix
REPLICAS = 2  # times that noise is put on again …
SHARE = 0.5  # … this much of it: what is quadratic in it would count too often
CAUTION = 0.3  # of the noise stays in while terms are looked for
MOSTLY = 0.03  # an unusual column of which noise is more than this share is not used …
MOSTLY_PLAIN = 0.5  # … and a plain one of which it is more than this


@dataclass(frozen=True)
class Blocks:
    """Sums over the rows of each block: `gram` (blocks, m, m) of unit-norm columns, `moment` (blocks, m, channels),
    `power` (blocks, channels), `rows` (blocks,); `norm` (m,) of the columns, `fold` (blocks,).
    """

    gram: Array
    moment: Array
    power: Array
    rows: Array
    norm: Array
    fold: npt.NDArray[np.int64]
    noise: Array  # (blocks, m + channels, m + channels): what noise alone adds to these sums; taken off already
    table: tuple[Array, Array] | None = None  # without noise: the columns themselves and Y, for fits of full accuracy

    def problem(self, weights: Array, channel: int, order: Sequence[int]) -> Problem:
        """The search for terms of one channel on the blocks, each counted `weights` times.

        A part of the noise stays in: what is taken off is only known so well, and of terms with much of it too much
        would make them look perfect.
        """
        m = self.gram.shape[1]
        y = m + channel
        gram = _positive(np.tensordot(weights, self.gram + CAUTION * self.noise[:, :m, :m], 1))
        moment = weights @ (self.moment[:, :, channel] + CAUTION * self.noise[:, :m, y])
        # with the noise of y: among errors that are all but zero without it, the better would be the luckier
        return Problem(gram, moment, float(weights @ (self.power[:, channel] + self.noise[:, y, y])), order)

    def fit(self, weights: Array, channel: int, subset: Sequence[int]) -> Array:
        """Least-squares weights of the unit-norm columns in `subset`."""
        s = list(subset)
        gram = np.tensordot(weights, self.gram[:, s][:, :, s], 1)
        moment = weights @ self.moment[:, s, channel]
        power = np.diag(gram)
        scale = np.sqrt(np.where(power > 0, power, 1.0))
        solved = np.linalg.lstsq(gram / np.outer(scale, scale), moment / scale, rcond=1e-14)[0]
        return np.asarray(solved / scale, np.float64)

    def fit_all(self, channel: int, subset: Sequence[int]) -> Array:
        """`fit` to all blocks, by QR where there is no noise: normal equations lose half of the digits."""
        s = list(subset)
        if self.table is None or not s:
            return self.fit(np.ones(len(self.rows)), channel, s) if s else np.zeros(0)
        columns, y = self.table
        solved = np.linalg.lstsq(columns[:, s] / self.norm[s], y[:, channel], rcond=1e-13)[0]
        return np.asarray(solved, np.float64)

    def errors(self, channel: int, subset: Sequence[int], weights: Array) -> Array:
        """The squared error in every block, (blocks,)."""
        s = list(subset)
        quadratic = np.einsum("i,bij,j->b", weights, self.gram[:, s][:, :, s], weights)
        errors: Array = self.power[:, channel] - 2 * self.moment[:, s, channel] @ weights + quadratic
        return errors

    def disturbance(self, channel: int, subset: Sequence[int], weights: Array) -> Array:
        """The squared error in every block, (blocks,), that noise alone makes."""
        m = self.gram.shape[1]
        s = [*subset, m + channel]
        w = np.append(-weights, 1.0)
        return np.einsum("i,bij,j->b", w, self.noise[:, s][:, :, s], w)

    def mixed(self, mix: Array) -> Blocks:
        """The same for other columns, each a sum of these: mix (new, m), in the columns' own units."""
        m, n = self.gram.shape[1], len(mix)
        scaled = mix * self.norm
        norm = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", scaled, self.gram.sum(axis=0), scaled, optimize=True), 0))
        norm = np.where(norm > 0, norm, 1.0)
        scaled = scaled / norm[:, None]
        whole = np.eye(n + self.noise.shape[1] - m, self.noise.shape[1], m - n)
        whole[:n] = 0
        whole[:n, :m] = scaled
        gram = np.einsum("ni,bij,mj->bnm", scaled, self.gram, scaled, optimize=True)
        noise = np.einsum("ni,bij,mj->bnm", whole, self.noise, whole, optimize=True)
        return Blocks(
            gram, np.einsum("ni,bic->bnc", scaled, self.moment), self.power, self.rows, norm, self.fold, noise
        )


def _positive(gram: Array) -> Array:
    """The nearest matrix without directions of no or negative power, which rounding and the noise taken off leave."""
    values, vectors = np.linalg.eigh(gram)
    least = LEAST * float(values[-1])
    if values[0] >= least:
        return gram
    return np.asarray((vectors * np.maximum(values, least)) @ vectors.T)


def make_blocks(
    system: System, columns: Columns, seed: int, replicas: int = REPLICAS, plain: Sequence[int] = ()
) -> Blocks:
    """The sums of a system over the columns that `columns(system)` makes, freed of what noise adds to them.

    Noise in the columns biases a fit towards zero. How much it adds is measured: the same noise is put on once more,
    and the sums of what that changes are taken off (a moment-corrected fit; Fuller, Measurement Error Models, 1987, ch.
    2). Columns with much noise become zero, so that nothing takes them.
    """
    values = columns(system)
    both = np.concatenate([values, system.Y], axis=1)  # (rows, m + channels)
    m = values.shape[1]
    groups = [np.flatnonzero(system.block == b) for b in range(system.blocks)]
    total = np.stack([both[g].T @ both[g] for g in groups])
    noise = np.zeros_like(total)
    for number in range(replicas if system.noisy else 0):
        again = system.replica(seed + number, SHARE)
        change = np.concatenate([columns(again), again.Y], axis=1) - both
        noise += np.stack([change[g].T @ change[g] for g in groups]) / (replicas * SHARE**2)
    norm = np.sqrt(np.diag(total.sum(axis=0))[:m])
    limit = np.full(m, MOSTLY)
    limit[list(plain)] = MOSTLY_PLAIN
    mostly = np.diag(noise.sum(axis=0))[:m] > limit * np.square(norm)
    norm = np.where(norm > 0, norm, 1.0)
    scale = np.concatenate([np.where(mostly, 0.0, 1 / norm), np.ones(len(system.channels))])
    clean, noise = ((part * scale[:, None]) * scale for part in (total - noise, noise))
    rows = np.array([float(len(g)) for g in groups])
    power = np.einsum("bcc->bc", clean[:, m:, m:])
    table = None if system.noisy else (values, system.Y)
    return Blocks(clean[:, :m, :m], clean[:, :m, m:], power, rows, norm, system.fold, noise, table)
