"""What a free-form search starts from: which features it may use, and which simple equations are known for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import Expr

from distill.engines.sparse import linear_front
from distill.sampling import Samples

MOST_LINEAR = 8  # most terms of a linear equation that a search starts from


def screen(samples: Samples, equations: Iterable[Expr], most: int) -> list[int]:
    """At most `most` columns of the samples, those that occur first in `equations`; all where there are no more."""
    if len(samples.names) <= most:
        return list(range(len(samples.names)))
    wanted: dict[int, None] = {}
    for expr in equations:
        for name in sorted(str(s) for s in expr.free_symbols):
            if name in samples.names:
                wanted.setdefault(samples.names.index(name))
    return sorted(list(wanted)[:most])


def linear_seeds(samples: Samples, channel: int, features: Iterable[int] | None = None) -> list[Expr]:
    """The best equations of 1, 2, ... 8 terms c p and c |p|, of these features only; the best is the last."""
    if features is not None:
        kept = list(features)
        names = tuple(samples.names[i] for i in kept)
        samples = replace(samples, X=samples.X[:, kept], X_held=samples.X_held[:, kept], names=names)
    return [c.expr for c in linear_front(samples, channel, MOST_LINEAR) if c.terms]
