"""Which terms a channel's law has: cross-validation over blocks of space and time, and how often a term is chosen
again.

Inclusion probabilities are those of Ensemble-SINDy (Fasel, Kutz, Brunton & Brunton 2022, Proc. R. Soc. A 478,
20210904), with blocks in the place of rows, since neighbouring rows tell the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill.greedy import Problem, Subset
from distill.identify.paths import best_of_size, best_path, part_of
from distill.identify.system import System

Array = npt.NDArray[np.float64]
Columns = Callable[[System], Array]

BAGS = 40
WORTH = 0.01  # a further term must lower the held-out error by this share of it …
SURE = 0.9  # … in this share of draws of blocks
LEAST = 1e-13  # of the largest eigenvalue of a Gram matrix
REPLICAS = 2  # times that noise is put on again …
SHARE = 0.5  # … this much of it: what is quadratic in it would count too often
CAUTION = 0.3  # of the noise stays in while terms are looked for
MOSTLY = 0.03  # an unusual column of which noise is more than this share is not used …
MOSTLY_PLAIN = 0.5  # … and a plain one of which it is more than this
RARE = 0.5  # a term that fewer bags take is dropped


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


@dataclass(frozen=True)
class Choice:
    """subset: the chosen terms. weights: of the terms themselves, not of unit columns. spread: standard errors of
    these, by bagging. inclusion: how often each term (of all) was among as many chosen from a bag. paths: (size,
    held-out error).
    """

    subset: Subset
    weights: Array
    spread: Array
    inclusion: Array
    error: float
    path: tuple[Subset, ...]


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
    values, m = columns(system), -1
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


def choose(
    blocks: Blocks,
    channel: int,
    order: Sequence[int],
    plain: Sequence[int],
    *,
    most: int,
    seed: int,
    floor: float = 0.0,
) -> Choice:
    """The terms of one channel: the smallest subset of the path that is as good as any on held-out blocks, less those
    terms that few bags take. `plain`: the terms that are looked at first; `floor`: squared error of a row that is
    rounding.
    """
    everything = np.ones(len(blocks.rows))
    path = best_path(blocks.problem(everything, channel, order), plain, most)
    size = worth(_with_noise(blocks, channel, path), floor * blocks.rows, seed)
    subset: Subset = path[size - 1] if size else ()
    pool = sorted({i for s in path[: size + 6] for i in s})
    bags = draws(len(blocks.rows), seed + channel)
    inclusion = np.zeros(len(order))
    for bag in bags if subset else ():
        inclusion[list(_reselected(blocks, bag, channel, pool, order, plain, subset))] += 1
    inclusion /= len(bags)
    subset = _without_rare(blocks, channel, subset, inclusion, floor, seed)
    weights = blocks.fit_all(channel, subset)
    norm = blocks.norm[list(subset)]
    resampled = np.array([blocks.fit(bag, channel, subset) / norm for bag in bags]) if subset else np.zeros((1, 0))
    error = float(blocks.errors(channel, subset, weights).sum())
    return Choice(subset, weights / norm, resampled.std(axis=0), inclusion, error, tuple(path))


def _without_rare(blocks: Blocks, channel: int, subset: Subset, inclusion: Array, floor: float, seed: int) -> Subset:
    """`subset` less the terms that few bags take, unless it is clearly worse without them."""
    kept = tuple(i for i in subset if inclusion[i] >= RARE)
    if kept == subset:
        return subset
    errors = _with_noise(blocks, channel, [kept, subset])[1:]
    return kept if worth(errors, floor * blocks.rows, seed) == 0 else subset


def _with_noise(blocks: Blocks, channel: int, path: Sequence[Subset]) -> list[Array]:
    """Held-out errors as they are compared: what noise adds to the last subset's is put to all, and a part of what it
    adds to each, so that terms which amplify noise must earn it.
    """
    errors = held_out_errors(blocks, channel, path)
    everything = np.ones(len(blocks.rows))
    noises = [blocks.disturbance(channel, s, blocks.fit(everything, channel, s) if s else np.zeros(0)) for s in path]
    if not noises:
        return errors
    none = blocks.disturbance(channel, (), np.zeros(0))
    return [e + noises[-1] + CAUTION * n for e, n in zip(errors, [none, *noises], strict=True)]


def held_out_errors(blocks: Blocks, channel: int, path: Sequence[Subset]) -> list[Array]:
    """The squared error in every block, (blocks,), of no term and of each subset, its weights fitted to the other
    folds.
    """
    errors = [blocks.power[:, channel].copy() for _ in range(len(path) + 1)]
    for fold in np.unique(blocks.fold):
        held = blocks.fold == fold
        train = np.ones(len(held)) if held.all() else (~held).astype(float)
        for size, subset in enumerate(path, start=1):
            errors[size][held] = blocks.errors(channel, subset, blocks.fit(train, channel, subset))[held]
    return errors


def worth(errors: Sequence[Array], floor: Array | float = 0.0, seed: int = 0) -> int:
    """The smallest size that is as good as the best: drawing blocks anew, its held-out error is not above the best
    one's by more than a hundredth in nine of ten draws. Errors at or below `floor` (rounding; of each block) count as
    equal.
    """
    raised = [np.maximum(e, floor) for e in errors]
    best = int(np.argmin([e.sum() for e in raised]))
    mix = np.array(draws(len(raised[0]), seed))
    least = mix @ raised[best]
    for size in range(best):
        if np.mean(mix @ raised[size] > (1 + WORTH) * least) < SURE:
            return size
    return best


def draws(count: int, seed: int) -> list[Array]:
    """Blocks drawn with replacement: how often each of `count` is taken, in each of 40 draws."""
    rng = np.random.default_rng((seed, 0xBA6))
    return [np.bincount(rng.integers(count, size=count), minlength=count).astype(float) for _ in range(BAGS)]


def _reselected(
    blocks: Blocks,
    bag: Array,
    channel: int,
    pool: Sequence[int],
    order: Sequence[int],
    plain: Sequence[int],
    known: Subset,
) -> list[int]:
    """As many terms of `pool` as are `known`, chosen again from one bag."""
    p = list(pool)
    problem = part_of(blocks.problem(bag, channel, order), p)
    places = tuple(p.index(i) for i in known)
    return [p[i] for i in best_of_size(problem, [k for k, i in enumerate(p) if i in set(plain)], places)]
