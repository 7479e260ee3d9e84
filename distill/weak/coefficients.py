"""Coefficients of a chosen support in the recording's units, with standard errors from a bootstrap over blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from distill.weak.equation import FoundTerm
from distill.weak.forms import numbers_in
from distill.weak.grams import Grams
from distill.weak.scaling import Scaled
from distill.weak.terms import Term, make_quotient

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
    grams: Grams,
    support: Sequence[int],
    terms: Sequence[Term],
    scaled: Scaled,
    target: int,
    rng: np.random.Generator,
    slope: Grams | None = None,
) -> tuple[FoundTerm, ...]:
    """The terms of one channel's law.

    slope: of a law with a quotient or free forms, the sums with more columns, derivatives by the numbers inside: see
    `Augmented`. In resamples they stand for other numbers, so that the errors of coefficients hold those of numbers.
    """
    if not len(support):
        return ()
    rows = resampled(grams, support, rng)
    moved = np.zeros((len(rows), 0))  # of the numbers inside
    if slope is not None:
        extra = range(grams.terms, slope.terms)
        steeper = resampled(slope, [*support, *extra], rng)
        moved = steeper[:, len(support) :] / slope.sizes[grams.terms :]
        place = next((i for i, k in enumerate(support) if terms[k].saturation is not None), None)
        if place is not None:  # of log K
            moved = moved / (steeper[:, [place]] / slope.sizes[support[place]])
        rows[1:] = steeper[1:, : len(support)]
    unit = [scaled.unit(terms[k], target) / grams.sizes[k] for k in support]
    columns = {terms[k].text: row for k, row in zip(support, (rows * unit).T, strict=True)}
    inside = {t.text: t for t in (terms[k] for k in support) if t.saturation is not None or t.free is not None}
    numbers = numbers_in([t.free.basis for t in inside.values() if t.free is not None])
    errors = moved[1:].std(axis=0)
    columns = _by_direction(columns, scaled.channels)
    found = []
    for text, column in columns.items():
        term = inside.get(text)
        if term is not None and term.free is not None:
            own = tuple(float(errors[numbers.index(x)]) for x in numbers_in([term.free.basis]))
            found.append(FoundTerm(text, float(column[0]), float(column[1:].std()), None, 0.0, term.free.basis, own))
        else:
            found.append(_found(text, column, term, float(errors[0]) if len(errors) else 0.0, scaled))
    return tuple(found)


def _found(text: str, column: Array, quotient: Term | None, moved: float, scaled: Scaled) -> FoundTerm:
    """A term with its error; a quotient with its K in the recording's units."""
    size, error = float(column[0]), float(column[1:].std())
    if quotient is None or quotient.saturation is None:
        return FoundTerm(text, size, error)
    half = quotient.saturation.half * float(scaled.scales[quotient.saturation.channel])
    outside = make_quotient(scaled.channels, replace(quotient.saturation, half=half), quotient.channels)
    return FoundTerm(outside.text, size, error, outside.saturation, half * moved)


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
