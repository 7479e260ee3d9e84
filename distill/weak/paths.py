"""Supports of all sizes: which terms a least-squares fit would keep, from the products of the columns alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

TINY = 1e-13


def backward(gram: Array, start: list[int], kept: int = 0) -> list[list[int]]:
    """Supports from `start` down to one term; the one whose removal costs least goes first.

    gram: products of the columns (n terms, then the target), (n + 1, n + 1).
    kept: this many terms at the end of `start` are never removed.
    """
    support = list(start)
    path = [list(support)]
    while len(support) > max(1, kept):
        inverse = np.linalg.pinv(gram[np.ix_(support, support)], rcond=TINY, hermitian=True)
        w = inverse @ gram[support, -1]
        cost = np.square(w) / np.clip(np.diag(inverse), 1e-300, None)
        support.pop(int(np.argmin(cost[: len(cost) - kept])))
        path.append(list(support))
    return path


def forward(gram: Array, allowed: list[int], most: int) -> list[list[int]]:
    """Supports of 1, 2, … of the allowed terms; after each new term, all may be exchanged for better ones."""
    path: list[list[int]] = []
    support: list[int] = []
    while len(support) < min(most, len(allowed)):
        gain = gains(gram, support, allowed)
        support = _exchange(gram, [*support, allowed[int(np.argmax(gain))]], allowed)
        path.append(list(support))
    return path


def gains(gram: Array, support: list[int], allowed: list[int]) -> Array:
    """By how much the squared residual falls when each allowed term joins; -inf for those inside."""
    own = gram[allowed, allowed].copy()
    left, residual = own, gram[allowed, -1].copy()
    if support:
        solved = np.linalg.pinv(gram[np.ix_(support, support)], rcond=TINY, hermitian=True)
        cross = gram[np.ix_(allowed, support)]
        residual = residual - cross @ (solved @ gram[support, -1])
        left = own - np.einsum("ki,ij,kj->k", cross, solved, cross)
    gain = np.square(residual) / np.where(left > 1e-9 * own, left, np.inf)
    return np.where(np.isin(allowed, support), -np.inf, gain)


def _exchange(gram: Array, support: list[int], allowed: list[int]) -> list[int]:
    """The support after replacing one term by another, for as long as that helps, at most a few times."""
    for _ in range(4):
        trials = []
        for position in range(len(support)):
            rest = support[:position] + support[position + 1 :]
            gain = gains(gram, rest, allowed)
            best = int(np.argmax(gain))
            own = gain[allowed.index(support[position])]
            trials.append((gain[best] - own, [*rest, allowed[best]]))
        better, found = max(trials, key=lambda trial: trial[0])
        if better <= 1e-9 * abs(gram[-1, -1]):
            break
        support = found
    return support
