"""Gram matrices over blocks of space and time, corrected for noise; any subset of terms can be fitted to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill.identify.system import System
from distill.regression.greedy import Problem

Array = npt.NDArray[np.float64]
Columns = Callable[[System], Array]

LEAST_EIGENVALUE = 1e-13  # smallest eigenvalue of a Gram matrix, as a share of its largest
REPLICAS = 2  # copies of the data with added noise, from which the effect of noise is measured
REPLICA_NOISE = 0.5  # deviation of the added noise over that of the recording; more would exaggerate quadratic effects
KEPT_NOISE = 0.3  # share of the noise that is not removed while terms are searched
MOST_NOISE = 0.03  # an unusual column with a larger share of noise in its power is not used
MOST_NOISE_PLAIN = 0.5  # the same for plain terms


@dataclass(frozen=True)
class Blocks:
    """Sums over the rows of each block, for m candidate columns.

    gram (blocks, m, m): products of the columns, which are scaled to unit norm.
    moment (blocks, m, channels): products of the columns and du/dt.
    power (blocks, channels): squares of du/dt.
    rows (blocks,): number of rows.
    norm (m,): of the columns before scaling.
    fold (blocks,): blocks with the same number are held out together.
    noise (blocks, m + channels, m + channels): what noise adds to these sums on average; already subtracted.
    table: the columns and du/dt themselves, for fits of full accuracy; None where there is noise.
    """

    gram: Array
    moment: Array
    power: Array
    rows: Array
    norm: Array
    fold: npt.NDArray[np.int64]
    noise: Array
    table: tuple[Array, Array] | None = None

    def problem(self, weights: Array, channel: int, order: Sequence[int]) -> Problem:
        """The regression for one channel, with block b counted weights[b] times.

        A part of the noise is added back: its size is an estimate, and subtracting too much would make noisy terms look
        perfect.
        """
        m = self.gram.shape[1]
        y = m + channel
        gram = _positive(np.tensordot(weights, self.gram + KEPT_NOISE * self.noise[:, :m, :m], 1))
        moment = weights @ (self.moment[:, :, channel] + KEPT_NOISE * self.noise[:, :m, y])
        # include the noise of y; otherwise near-zero errors are ranked by chance
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
        """`fit` to all blocks; without noise by QR, since normal equations lose half of the digits."""
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
        """The squared error in every block, (blocks,), that is due to noise alone."""
        m = self.gram.shape[1]
        s = [*subset, m + channel]
        w = np.append(-weights, 1.0)
        return np.einsum("i,bij,j->b", w, self.noise[:, s][:, :, s], w)

    def mixed(self, mix: Array) -> Blocks:
        """The blocks of new columns, each a linear combination of these: mix (new, m), for columns before scaling."""
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
    """The nearest positive definite matrix: rounding and the subtraction of noise can make eigenvalues negative."""
    values, vectors = np.linalg.eigh(gram)
    least = LEAST_EIGENVALUE * float(values[-1])
    if values[0] >= least:
        return gram
    return np.asarray((vectors * np.maximum(values, least)) @ vectors.T)


def make_blocks(
    system: System, columns: Columns, seed: int, replicas: int = REPLICAS, plain: Sequence[int] = ()
) -> Blocks:
    """The sums over the columns that `columns(system)` gives, corrected for noise.

    Noise in the columns biases a fit towards zero. Its effect is measured by adding further noise; the resulting
    changes of the sums are subtracted (a moment-corrected fit; Fuller, Measurement Error Models, 1987, ch. 2).
    Columns that are mostly noise are set to zero, so that no fit selects them.
    plain: columns for which more noise is allowed, MOST_NOISE_PLAIN.
    """
    values = columns(system)
    both = np.concatenate([values, system.Y], axis=1)  # (rows, m + channels)
    m = values.shape[1]
    groups = [np.flatnonzero(system.block == b) for b in range(system.blocks)]
    total = np.stack([both[g].T @ both[g] for g in groups])
    noise = np.zeros_like(total)
    for number in range(replicas if system.noisy else 0):
        again = system.replica(seed + number, REPLICA_NOISE)
        change = np.concatenate([columns(again), again.Y], axis=1) - both
        noise += np.stack([change[g].T @ change[g] for g in groups]) / (replicas * REPLICA_NOISE**2)
    norm = np.sqrt(np.diag(total.sum(axis=0))[:m])
    limit = np.full(m, MOST_NOISE)
    limit[list(plain)] = MOST_NOISE_PLAIN
    mostly = np.diag(noise.sum(axis=0))[:m] > limit * np.square(norm)
    norm = np.where(norm > 0, norm, 1.0)
    scale = np.concatenate([np.where(mostly, 0.0, 1 / norm), np.ones(len(system.channels))])
    clean, noise = ((part * scale[:, None]) * scale for part in (total - noise, noise))
    rows = np.array([float(len(g)) for g in groups])
    power = np.einsum("bcc->bc", clean[:, m:, m:])
    table = None if system.noisy else (values, system.Y)
    return Blocks(clean[:, :m, :m], clean[:, :m, m:], power, rows, norm, system.fold, noise, table)
