"""The library of candidate terms for a law: more than thirty for each channel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

from distill.regression.library import Library, Term

CUBIC = 3
FEW_CHANNELS, SEVERAL_CHANNELS = 2, 3


def candidate_terms(
    channels: Sequence[str], names: Sequence[str], *, small: bool = False, signed: Sequence[int] = ()
) -> Library:
    """Candidate terms over the features `names` (channel-major; a state s has the name of its channel).

    They are 1, products of up to three states, every slope or Laplacian p, and the products s·p and p·p; for up to two
    channels also s·s·p. With one channel they are all products of up to three features (35). With four or more channels
    p·p is taken within a channel only.
    small: leave out products with slopes and Laplacians; enough to compare stencils and schemes.
    signed: features that take both signs; |p| and |s|·p are then candidates too. Only without noise, which smooths
    kinks.
    """
    states = [names.index(channel) for channel in channels]
    others = [i for i in range(len(names)) if i not in states]
    found: dict[Term, None] = {}

    def add(*atoms: int) -> None:
        found.setdefault(tuple(sorted(atoms)))

    for degree in range(CUBIC + 1):
        for atoms in combinations_with_replacement(states, degree):
            if degree < CUBIC or len(states) <= SEVERAL_CHANNELS or len(set(atoms)) < CUBIC:
                add(*atoms)
    for p in others:
        add(p)
    if small:
        return Library(tuple(names), tuple(found))
    width = len(names) // len(channels)
    for p in others:
        for s in states:
            add(s, p)
    for p, q in combinations_with_replacement(others, 2):
        if len(channels) <= SEVERAL_CHANNELS or p // width == q // width:
            add(p, q)
    if len(channels) <= FEW_CHANNELS:
        for s, t in combinations_with_replacement(states, 2):
            for p in others:
                add(s, t, p)
    for p in signed:
        add(len(names) + p)
        if p in states:
            for q in range(len(names)):
                add(q, len(names) + p)
    if len(channels) == 1:
        for atoms in combinations_with_replacement(range(len(names)), CUBIC):
            add(*atoms)
    return Library(tuple(names), tuple(found))


def plain_terms(library: Library, channels: Sequence[str]) -> list[int]:
    """Indices of the terms of reaction, diffusion and advection: products of states, single slopes and Laplacians.

    Nearly all known laws consist of these alone.
    """
    states = {library.names.index(channel) for channel in channels}
    n = len(library.names)
    return [k for k, a in enumerate(library.terms) if (len(a) <= 1 and max(a, default=0) < n) or set(a) <= states]
