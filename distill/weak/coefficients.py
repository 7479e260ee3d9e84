"""Coefficients of a chosen support in the recording's units, with standard errors from a bootstrap over blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from distill.weak.equation import FoundTerm
from distill.weak.grams import Grams
from distill.weak.scaling import Scaled
from distill.weak.terms import Term

Array = npt.NDArray[np.float64]

RESAMPLES = 200
DISTINCT = 2.0  # standard errors from zero: below, a coefficient made by adding two is zero


def resampled(grams: Grams, support: Sequence[int], rng: np.random.Generator) -> Array:
    """Coefficients of the support, (RESAMPLES + 1, terms in it): of all blocks, then of blocks drawn with return.

    Windows in one block share noise, so blocks are drawn and not windows (Künsch 1989, Annals of Statistics 17, 1217).
    """
    blocks = len(grams.data)
    rows = [grams.fit(support)[list(support)]]
    for _ in range(RESAMPLES):
        weights = np.bincount(rng.integers(0, blocks, blocks), minlength=blocks).astype(float)
        rows.append(grams.fit(support, weights)[list(support)])
    return np.array(rows)


def found_terms(
    grams: Grams, support: Sequence[int], terms: Sequence[Term], scaled: Scaled, target: int, rng: np.random.Generator
) -> tuple[FoundTerm, ...]:
    """The terms of one channel's law."""
    if not len(support):
        return ()
    rows = resampled(grams, support, rng)
    unit = [scaled.unit(terms[k], target) / grams.sizes[k] for k in support]
    columns = {terms[k].text: row for k, row in zip(support, (rows * unit).T, strict=True)}
    columns = _by_direction(columns, scaled.channels)
    return tuple(FoundTerm(text, float(c[0]), float(c[1:].std())) for text, c in columns.items())


def _by_direction(columns: dict[str, Array], names: Sequence[str]) -> dict[str, Array]:
    """lap(u) and dxx(u)-dyy(u) as dxx(u) and dyy(u); one of them may vanish."""
    for name in names:
        difference = columns.pop(f"dxx({name})-dyy({name})", None)
        if difference is None:
            continue
        both = columns.pop(f"lap({name})", np.zeros_like(difference))
        for text, column in ((f"dxx({name})", both + difference), (f"dyy({name})", both - difference)):
            if abs(column[0]) > DISTINCT * float(column[1:].std()):
                columns[text] = column
    return columns
