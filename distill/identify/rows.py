"""Which rows of a recording are worked on, and which features have both signs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from distill.sampling import crowd

Array = npt.NDArray[np.float64]

LEAST_SIGN_SHARE = 0.05  # of the larger side: a feature changes its sign when its smaller side exceeds this


def changes_sign(low: Array, high: Array) -> npt.NDArray[np.bool_]:
    """Whether values from `low` to `high` are clearly of both signs; otherwise |p| is nearly p or −p."""
    mixed: npt.NDArray[np.bool_] = np.minimum(-low, high) > LEAST_SIGN_SHARE * np.maximum(-low, high)
    return mixed


def spread_rows(x: Array, places: npt.NDArray[np.int64], share: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """At most `share` of `places`: a third at random, a third with rare features, a third far from the mean."""
    if len(places) <= share:
        return places
    x = x[places]
    chosen = rng.permutation(len(x))[: share - 2 * (share // 3)]
    spread = x.std(axis=0)
    far = np.square((x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).sum(axis=1)
    for weight in (1.0 / crowd(x, rng), far):
        free = np.ones(len(x), bool)
        free[chosen] = False
        rest = np.flatnonzero(free)
        mean = weight[rest].mean()
        # Gumbel keys: the largest are a draw without replacement with probability ∝ weight
        keys = np.log(weight[rest] / (mean if mean > 0 else 1.0) + 1e-3) + rng.gumbel(size=len(rest))
        chosen = np.concatenate([chosen, rest[np.argsort(-keys, kind="stable")[: share // 3]]])
    return places[chosen]
