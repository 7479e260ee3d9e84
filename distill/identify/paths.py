"""The best subset of terms of each size: plain terms first, others only where they are clearly better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distill.regression.greedy import Problem, Subset, sparsity_path

CLEARLY = 0.05  # a subset with unusual terms must lower the error of one of plain terms by this share
FURTHER = 6  # terms of any kind that are added to a plain subset


def part_of(problem: Problem, terms: Sequence[int]) -> Problem:
    """The regression on some of the columns."""
    t = list(terms)
    found = Problem(problem.gram[np.ix_(t, t)], problem.moment[t], problem.power)
    found.favour = problem.favour[t]
    return found


def best_path(problem: Problem, plain: Sequence[int], most: int) -> list[Subset]:
    """The best subset found of each size: path[k] has k + 1 terms; the path may be shorter than `most`.

    Three searches are made: forwards and backwards over all terms; the same over the `plain` terms, and backwards from
    all of these; and forwards from the better plain subsets with terms of any kind. Of two nearly equal subsets the
    plain one is taken.
    """
    plain = [i for i in plain if problem.alive[i]]
    simple: dict[int, Subset] = {}
    if plain:
        inner = part_of(problem, plain)
        candidates = sparsity_path(inner, most)
        whole = _independent(inner)
        candidates += [s for s in [tuple(whole), *inner.backward(whole)] if len(s) <= most]
        for subset in candidates:
            _keep(simple, tuple(plain[i] for i in subset), problem, 0.0)
    found = dict(simple)
    unusual = len(plain) < int(problem.alive.sum())
    for subset in sparsity_path(problem, most) if unusual else ():
        _keep(found, subset, problem, CLEARLY)
    for size in sorted(simple) if unusual else ():
        for subset in _extended(problem, simple[size], min(most, size + FURTHER)):
            _keep(found, subset, problem, CLEARLY)
    path = []
    for size in range(1, most + 1):
        if size not in found:
            break
        path.append(found[size])
    return path


def best_of_size(problem: Problem, plain: Sequence[int], known: Subset) -> Subset:
    """The best subset as large as `known`, found by backward elimination from the plain terms and from all.

    `known` itself counts too. Where a plain subset is nearly as good, it is taken.
    """
    found: dict[int, Subset] = {}
    _keep(found, known, problem, 0.0)
    everything = list(range(len(problem.moment)))
    for terms, margin in (([i for i in plain if problem.alive[i]], 0.0), (everything, CLEARLY)):
        inner = part_of(problem, terms)
        whole = _independent(inner)
        for subset in [tuple(whole), *inner.backward(whole)]:
            if len(subset) == len(known):
                _keep(found, tuple(terms[i] for i in subset), problem, margin)
    return found[len(known)]


def _keep(found: dict[int, Subset], subset: Subset, problem: Problem, margin: float) -> None:
    if not subset:
        return
    before = found.get(len(subset))
    if before is None or problem.error(subset) < (1 - margin) * problem.error(before):
        found[len(subset)] = subset


def _extended(problem: Problem, subset: Subset, most: int) -> list[Subset]:
    chosen, longer = list(subset), []
    while len(chosen) < most:
        gains, _ = problem.gains(chosen)
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        chosen = [*chosen, best]
        longer.append(tuple(chosen))
    return longer


def _independent(problem: Problem) -> list[int]:
    """Indices of the columns that are not linearly dependent on earlier ones."""
    kept: list[int] = []
    for i in range(len(problem.moment)):
        if not problem.alive[i]:
            continue
        if kept:
            solved = np.linalg.lstsq(problem.gram[np.ix_(kept, kept)], problem.gram[kept, i], rcond=1e-14)[0]
            if 1 - problem.gram[kept, i] @ solved < 1e-9:
                continue
        kept.append(i)
    return kept
