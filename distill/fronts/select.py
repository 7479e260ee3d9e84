"""Pareto fronts: which candidates to keep, and which one to use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from equations.errors import InputError
from equations.rule.rule import Candidate

# Errors below this share of the variance are float32 rounding of the teacher, not misfit.
ROUNDING = 1e-12


def pareto(*fronts: Iterable[Candidate], floor: float = 0.0, equal: float = 0.0) -> tuple[Candidate, ...]:
    """The candidates whose loss is below that of all simpler ones, sorted by complexity.

    Of equal candidates the one given first stays.
    floor: losses at or below this are rounding and equally good; the simplest of them ends the front.
    equal: a longer equation must lower the loss by more than this share.
    """
    everyone = [candidate for front in fronts for candidate in front]
    kept: list[Candidate] = []
    for candidate in sorted(everyone, key=lambda c: (c.complexity, c.loss)):
        if not kept or (floor < kept[-1].loss and candidate.loss < (1 - equal) * kept[-1].loss):
            kept.append(candidate)
    return tuple(kept)


def knee(
    front: Sequence[Candidate], *, floor: float, max_terms: int | None = None, tolerance: float = 0.05
) -> Candidate:
    """The simplest candidate whose loss is within `tolerance` (a share) of the best one's.

    Losses at or below `floor` (rounding) count as zero; candidates with more than `max_terms` terms are passed over
    where there are others. Raises InputError for an empty front.
    """
    if not front:
        raise InputError("select: expected at least one candidate, got an empty front; sample more rows")
    allowed = [c for c in front if max_terms is None or c.terms <= max_terms] or [min(front, key=lambda c: c.terms)]
    limit = (1 + tolerance) * max(floor, min(c.loss for c in allowed))
    return min((c for c in allowed if c.loss <= limit), key=lambda c: (c.complexity, c.loss))
