"""New sets of hyperparameters from where the good ones lie: drawn on a plane, led back, and always ones to train."""

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

GOOD = 1 / 3  # the share of trials that counts as good
FEWEST_GOOD = 3
DRAWS = 60  # for each suggestion, at most


@dataclass(frozen=True)
class Suggestion:
    """A set to train, the view it was drawn on, and the number of the good trial that it was drawn near."""

    params: dict[str, Any]
    view: str
    near: int


@dataclass(frozen=True)
class Drawn:
    """What one view gave. draws: points drawn; repeated: sets that were there already; refused: sets that failed the
    check (a decoded set cannot; it is counted so that nobody has to believe it).
    """

    suggestions: tuple[Suggestion, ...]
    draws: int
    repeated: int
    refused: int


def good_ones(badness: Array) -> Array:
    """Indices of the best third (at least 3) by `badness`, the best first; what is not finite is not good."""
    order = np.argsort(np.where(np.isfinite(badness), badness, np.inf), kind="stable")
    finite = int(np.isfinite(badness).sum())
    return order[: min(finite, max(FEWEST_GOOD, round(GOOD * finite)))]


def draw_points(points: Array, good: Array, count: int, random: np.random.Generator) -> tuple[Array, Array]:
    """`count` points of a plane and the index in `good` that each was drawn near: a kernel density of the good points,
    as wide as their typical distance from each other (Scott's factor times their deviation).
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

    A set keeps of the good one beside it what the plane cannot show: without it, it would be average there.
    good: indices of the good rows of the view; numbers: trial of each row; check: raises
    InputError for a set that a trial of the study would not take.
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
