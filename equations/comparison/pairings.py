"""Which channel of a rule stands for which of a model: the possible pairings, the most promising first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from equations.comparison.raw_terms import Monomial, in_order
from equations.comparison.reduced_law import Below, Law, Term

MAX_CANDIDATES = 8  # at most this many channels of a rule are tried, in all orders
TRIED = 8  # at most this many pairings are returned

Pairing = Mapping[str, str]  # model's channel → rule's


def pairings(rule: Law, model: Law) -> list[Pairing]:
    """At most 8 pairings, those first in which rule and model share most terms; of equals, those of equal names."""
    candidates = rule.channels
    if len(candidates) > MAX_CANDIDATES:
        alone = {c: max(_hits(rule, model, {m: c}) for m in model.channels) for c in candidates}
        candidates = tuple(sorted(candidates, key=lambda c: -alone[c])[:MAX_CANDIDATES])
    scored = [(_hits(rule, model, p), p) for p in _all(model.channels, candidates)]
    scored.sort(key=lambda item: (-item[0], sum(m != r for m, r in item[1].items())))
    return [pairing for _, pairing in scored[:TRIED]]


def _all(model: tuple[str, ...], rule: tuple[str, ...]) -> Iterator[Pairing]:
    if len(rule) >= len(model):
        for chosen in itertools.permutations(rule, len(model)):
            yield dict(zip(model, chosen, strict=True))
    else:
        for placed in itertools.permutations(model, len(rule)):
            yield dict(zip(placed, rule, strict=True))


def _hits(rule: Law, model: Law, pairing: Pairing) -> int:
    """The score: twice the shared terms, less the rule's terms of paired channels that the model does not have."""
    hits = 0
    back = {r: m for m, r in pairing.items()}
    for own, other in pairing.items():
        theirs = model.updates[own].terms
        moved = {_moved(term, pairing) for term in theirs if term.channels <= set(pairing)}
        ours = {t for t in rule.updates[other].terms if t.other is None and t.channels <= set(back)}
        hits += 2 * len(moved & ours) - len(ours - moved)
    return hits


def _moved(term: Term, names: Mapping[str, str]) -> Term:
    """The term with other names for its channels."""
    below = ((sorted((_renamed(m, names) for m in den.monomials), key=in_order), den.power) for den in term.over)
    over = (Below(tuple(monomials), power) for monomials, power in below)
    return Term(_renamed(term.monomial, names), tuple(over), term.other)


def _renamed(monomial: Monomial, names: Mapping[str, str]) -> Monomial:
    return tuple(sorted((names[c], p, n) for c, p, n in monomial))
