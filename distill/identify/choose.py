"""Which terms a channel's law has: cross-validation over blocks of space and time, and bootstrap inclusion.

Inclusion probabilities are those of Ensemble-SINDy (Fasel, Kutz, Brunton & Brunton 2022, Proc. R. Soc. A 478,
20210904). Whole blocks are drawn in place of rows, since neighbouring rows are correlated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill.identify.blocks import KEPT_NOISE, Blocks
from distill.identify.paths import best_of_size, best_path, part_of
from distill.identify.system import System
from distill.regression.greedy import Subset

Array = npt.NDArray[np.float64]
Columns = Callable[[System], Array]

BAGS = 40  # bootstrap draws of blocks
IMPROVEMENT = 0.01  # a further term must lower the held-out error by this share …
AGREEING_DRAWS = 0.9  # … in this share of the draws
LEAST_INCLUSION = 0.5  # a term that is selected in a smaller share of draws is dropped


@dataclass(frozen=True)
class Choice:
    """The terms of one channel.

    subset: indices of the chosen terms.
    weights: their constants, for columns before scaling to unit norm.
    spread: bootstrap standard errors of the weights.
    inclusion: for every candidate the share of draws that selected it into a subset of this size.
    path: the best subset of each size from 1 on.
    """

    subset: Subset
    weights: Array
    spread: Array
    inclusion: Array
    path: tuple[Subset, ...]


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
    """The smallest subset on the path that is as good as any on held-out blocks, without terms that few draws select.

    order: degrees of the terms.
    plain: the terms that are tried first.
    most: number of terms at most.
    floor: squared error of a row that rounding explains.
    """
    everything = np.ones(len(blocks.rows))
    path = best_path(blocks.problem(everything, channel, order), plain, most)
    size = smallest_as_good(_with_noise(blocks, channel, path), floor * blocks.rows, seed)
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
    return Choice(subset, weights / norm, resampled.std(axis=0), inclusion, tuple(path))


def _without_rare(blocks: Blocks, channel: int, subset: Subset, inclusion: Array, floor: float, seed: int) -> Subset:
    """`subset` without the terms that few draws select, unless it is clearly worse without them."""
    kept = tuple(i for i in subset if inclusion[i] >= LEAST_INCLUSION)
    if kept == subset:
        return subset
    errors = _with_noise(blocks, channel, [kept, subset])[1:]
    return kept if smallest_as_good(errors, floor * blocks.rows, seed) == 0 else subset


def _with_noise(blocks: Blocks, channel: int, path: Sequence[Subset]) -> list[Array]:
    """Held-out errors with the error due to noise, for comparing subsets.

    The last subset's noise is added to all, and a part of each subset's own, which penalises terms that amplify noise.
    """
    errors = held_out_errors(blocks, channel, path)
    everything = np.ones(len(blocks.rows))
    noises = [blocks.disturbance(channel, s, blocks.fit(everything, channel, s) if s else np.zeros(0)) for s in path]
    if not noises:
        return errors
    none = blocks.disturbance(channel, (), np.zeros(0))
    return [e + noises[-1] + KEPT_NOISE * n for e, n in zip(errors, [none, *noises], strict=True)]


def held_out_errors(blocks: Blocks, channel: int, path: Sequence[Subset]) -> list[Array]:
    """Squared errors per block, (blocks,), of no term and of each subset, with weights fitted to the other folds."""
    errors = [blocks.power[:, channel].copy() for _ in range(len(path) + 1)]
    for fold in np.unique(blocks.fold):
        held = blocks.fold == fold
        train = np.ones(len(held)) if held.all() else (~held).astype(float)
        for size, subset in enumerate(path, start=1):
            errors[size][held] = blocks.errors(channel, subset, blocks.fit(train, channel, subset))[held]
    return errors


def smallest_as_good(errors: Sequence[Array], floor: Array | float = 0.0, seed: int = 0) -> int:
    """The smallest size that is about as good as the best.

    A size is worse when its held-out error exceeds the best one's by more than 1 % in at least 90 % of the bootstrap
    draws of blocks.
    errors: per block, (blocks,), for sizes 0, 1, …
    floor: errors of a block at or below it (rounding) count as equal.
    """
    raised = [np.maximum(e, floor) for e in errors]
    best = int(np.argmin([e.sum() for e in raised]))
    mix = np.array(draws(len(raised[0]), seed))
    least = mix @ raised[best]
    for size in range(best):
        if np.mean(mix @ raised[size] > (1 + IMPROVEMENT) * least) < AGREEING_DRAWS:
            return size
    return best


def draws(count: int, seed: int) -> list[Array]:
    """40 bootstrap draws with replacement: how often each of `count` blocks occurs, (count,)."""
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
    """As many terms as `known` has, selected from `pool` on one bootstrap draw."""
    p = list(pool)
    problem = part_of(blocks.problem(bag, channel, order), p)
    places = tuple(p.index(i) for i in known)
    return [p[i] for i in best_of_size(problem, [k for k, i in enumerate(p) if i in set(plain)], places)]
