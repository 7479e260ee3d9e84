"""New sets of hyperparameters near the good ones: drawn on a view's plane, decoded, and checked to be trainable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError
from srnca.studies.explore.views import View
from srnca.studies.search.codec import Codec, Params

Array = npt.NDArray[Any]

GOOD = 1 / 3  # share of the trials that counts as good
FEWEST_GOOD = 3  # at least this many trials count as good, if there are as many
DRAWS = 60  # at most, for each suggestion


@dataclass(frozen=True)
class Suggestion:
    """A set to train.

    view: where it was drawn.
    near: number of the good trial that it was drawn near.
    """

    params: dict[str, Any]
    view: str
    near: int


@dataclass(frozen=True)
class Drawn:
    """The suggestions of one view.

    draws: number of points drawn.
    repeated: how many of them decoded to a set that exists already.
    refused: how many decoded to a set that fails the check; decoding should make this 0.
    """

    suggestions: tuple[Suggestion, ...]
    draws: int
    repeated: int
    refused: int


def good_ones(badness: Array) -> Array:
    """Indices of the third (at least 3) with the lowest finite `badness`, the best first."""
    order = np.argsort(np.where(np.isfinite(badness), badness, np.inf), kind="stable")
    finite = int(np.isfinite(badness).sum())
    return order[: min(finite, max(FEWEST_GOOD, round(GOOD * finite)))]


def draw_points(points: Array, good: Array, count: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Draw `count` points (count, 2) from a Gaussian kernel density of the good points.

    Its bandwidth along each axis is Scott's factor times the standard deviation. Also returns, for each point, the
    index in `good` of its kernel, which `scipy.stats.gaussian_kde.resample` does not tell.
    """
    centres = points[good]
    width = centres.std(axis=0) * len(good) ** (-1 / 6)
    width = np.maximum(width, 1e-3 * np.maximum(points.std(axis=0), 1e-9))
    chosen = random.integers(len(good), size=count)
    return centres[chosen] + width * random.standard_normal((count, 2)), chosen


def suggest(
    view: View,
    codec: Codec,
    good: Array,
    numbers: Sequence[int],
    known: Sequence[Params],
    *,
    check: Callable[[Params], object],
    count: int,
    seed: int,
) -> Drawn:
    """Up to `count` sets that neither are in `known` nor repeat each other.

    A suggestion adds what the plane does not show of the good set it was drawn near: otherwise it would be average
    there.
    good: indices of the good rows of the view.
    numbers: trial of each row.
    check: raises InputError for a set that cannot be trained in the study.
    """
    random = np.random.default_rng(seed)
    seen = {codec.key(params) for params in known}
    found, draws, repeated, refused = list[Suggestion](), 0, 0, 0
    while len(good) and len(found) < count and draws < DRAWS * count:
        points, chosen = draw_points(view.points, good, count, random)
        for params, centre in zip(codec.decode(view.decode(points) + view.left[good[chosen]]), chosen, strict=True):
            draws += 1
            try:
                check(params)
            except InputError:
                refused += 1
                continue
            if codec.key(params) in seen:
                repeated += 1
            elif len(found) < count:
                seen.add(codec.key(params))
                found.append(Suggestion(params, view.name, int(numbers[good[centre]])))
    return Drawn(tuple(found), draws, repeated, refused)
