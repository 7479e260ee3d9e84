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

from distill.identify.blocks import CAUTION, Blocks
from distill.identify.paths import best_of_size, best_path, part_of
from distill.identify.system import System
from distill.regression.greedy import Subset

Array = npt.NDArray[np.float64]
Columns = Callable[[System], Array]

BAGS = 40
WORTH = 0.01  # a further term must lower the held-out error by this share of it …
SURE = 0.9  # … in this share of draws of blocks
RARE = 0.5  # a term that fewer bags take is dropped


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
    return Choice(subset, weights / norm, resampled.std(axis=0), inclusion, tuple(path))


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
