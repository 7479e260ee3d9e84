"""The candidate terms that a law is looked for among: more than thirty a channel, most of them wrong for any law."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

from distill.regression.library import Library, Term

CUBIC = 3
FEW_CHANNELS, SEVERAL_CHANNELS = 2, 3


def candidate_terms(
    channels: Sequence[str], names: Sequence[str], *, small: bool = False, signed: Sequence[int] = ()
) -> Library:
    """Over features `names` (channel-major; a state is called as its channel):

    1, products of up to three states, every slope and Laplacian p; s·p, p·p and, for up to two channels, s·s·p. With
    one channel all products of up to three features: 35. With four channels and more only p·p of one channel. `small`:
    no products with slopes and Laplacians, to tell stencils and schemes apart by. `signed`: features that change their
    sign, of which |p| and |s|·p are candidates too; only without noise, which bends kinks.
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
    """The terms of reaction, diffusion and advection, which nearly all known laws are made of: products of states, and
    single slopes and Laplacians.
    """
    states = {library.names.index(channel) for channel in channels}
    n = len(library.names)
    return [k for k, a in enumerate(library.terms) if (len(a) <= 1 and max(a, default=0) < n) or set(a) <= states]
