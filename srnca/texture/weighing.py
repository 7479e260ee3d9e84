"""How much each statistic of a texture counts: in units of chance, and by how well it tells the texture apart.

Two pieces of one texture differ, and a statistic that differs much between them says little. The texture loss and the
judge both compare statistics in this way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = 9  # overlapping half-size parts of a target, 3 by 3, whose differences say what chance does
SURROGATES = 4  # structureless fields with the target's spectrum and histogram, which say what tells it apart
OWN = 0.7
EQUAL = 0.1  # share of equal weights among a group's statistics; the rest goes to those that tell the target apart
CHANCE = 3.0  # times that expected distance: below it, a distance counts little
STRONG = 20.0  # above it a distance counts by its logarithm, so that one group cannot hide the others


def part_of(length: int, place: int) -> slice:
    """Where a half-size part lies along one side of a picture; place is 0, 1 or 2."""
    start = round(length * place / 4)
    return slice(start, start + max(2, length // 2))


def weigh(
    wanted: NDArray[np.floating],
    parts: NDArray[np.floating],
    structureless: NDArray[np.floating] | None,
    *,
    visible: float,
    own: float = OWN,
    least: float = 1.0,
) -> NDArray[np.float64]:
    """Weights w of a group of n statistics: the group's distance is the sum of w (x − wanted)^2.

    Two pieces of one texture have a distance of up to 1.

    wanted: (n,), of the target.
    parts: (PARTS, n), of half-size parts of the target.
    structureless: (SURROGATES, n), of structureless fields; None for statistics that such fields share with the target
        by construction, and which therefore count equally.
    visible: a difference below this is not seen, however certain it is.
    own: share of a statistic's own variance in the estimate of it; the rest is the mean over the group.
    least: the finest unit of a distance, as a share of chance and the visible together. With 1 there is no finer one;
        with less, a regular texture, whose parts hardly differ, is held to differences that cannot be seen.
    """
    scatter = parts.var(axis=0, ddof=1) / 4  # a part has a quarter of the pixels
    scatter = 2 * (own * scatter + (1 - own) * scatter.mean())  # both pictures vary
    error = scatter + visible**2
    share = np.ones(len(wanted))
    if structureless is not None:
        telling = ((structureless - wanted) ** 2 / error).mean(axis=0)
        share = telling + EQUAL * telling.mean() + 1e-9
    share /= share.sum()
    return np.asarray(share / error / max(float((share * scatter / error).sum()), least), np.float64)


def counted(distance: Any, log1p: Callable[[Any], Any] = np.log1p) -> Any:
    """What a group's distance adds to a loss: next to nothing for chance, its logarithm where it is large.

    distance: an array or tensor, or a number.
    log1p: the logarithm for it; torch.log1p for tensors.
    """
    above = distance * distance / (distance + CHANCE)
    return STRONG * log1p(above / STRONG)
