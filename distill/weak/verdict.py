"""Whether a law is found: what it leaves unexplained, and where it does not hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from distill.weak.equation import FoundTerm, Verdict
from distill.weak.grams import Grams
from distill.weak.selection import Candidate

Array = npt.NDArray[np.float64]

EXPLAINED = 0.002  # unexplained share of the squared change that may be the error of sampling
LEAST, CERTAINLY = 5e-5, 5.0  # a share that sampling does not explain, where it is so many standard errors from zero
TOLD = 0.05  # unexplained share that noise may hide
PARTLY = 0.2  # unexplained share above which a law is none
CERTAIN = 3.0  # standard errors that a coefficient is from zero
DIFFERENT = 4.0  # standard errors between coefficients of two parts of the recording
MUCH = 0.1  # difference between them, as a share of the coefficient


def judge(
    chosen: Candidate, found: Sequence[FoundTerm], drifts: Sequence[str]
) -> tuple[Verdict, tuple[str, ...], float, float]:
    """The verdict on a channel's law, the reasons, the misfit and its standard error.

    found: the law's terms. drifts: what `differences` found.
    """
    misfit, error = float(chosen.clean.sum()), _error(chosen.clean)
    unsure = [term.text for term in found if abs(term.coefficient) < CERTAIN * term.error]
    reasons = [f"the coefficient of {text} could as well be zero" for text in unsure] + list(drifts)
    if is_left(misfit, error):
        share = f"{100 * min(1.0, misfit):.3g} %"
        reasons.insert(0, f"{share} of the squared change is explained neither by the law nor by noise")
    elif misfit + 2 * error > TOLD:
        reasons.insert(0, "noise hides more of the change than can be told from a wrong law")
    if not chosen.support:
        reasons.insert(0, "no term of the library explains the change")
    if not chosen.support or misfit > PARTLY:
        return "none", tuple(reasons), misfit, error
    return ("partly" if reasons else "found"), tuple(reasons), misfit, error


def is_left(misfit: float, error: float) -> bool:
    """Whether a law leaves too much: two thousandths, or a little but with certainty. error: its standard error."""
    return misfit > min(max(EXPLAINED, 2 * error), max(LEAST, CERTAINLY * error))


def _error(values: Array) -> float:
    """The standard error of a sum over blocks."""
    return float(np.std(values, ddof=1) * np.sqrt(len(values))) if len(values) > 1 else np.inf


def differences(grams: Grams, support: Sequence[int], groups: dict[str, Array], misfit: float) -> list[str]:
    """Where coefficients differ between parts of the recording, beyond error and by much.

    groups: a word for what differs, and for each block the number of its part.
    misfit: what the law leaves unexplained; where it is nothing, there is nothing to explain.
    """
    if not len(support) or misfit <= EXPLAINED:
        return []
    found = []
    for word, part in groups.items():
        fits = [_fit_with_error(grams, support, part == k) for k in np.unique(part)]
        for i, (one, error) in enumerate(fits):
            for other, other_error in fits[i + 1 :]:
                apart = np.abs(one - other)
                scale = np.maximum(np.abs(one), np.abs(other))
                if ((apart > DIFFERENT * np.hypot(error, other_error)) & (apart > MUCH * scale)).any():
                    found.append(f"the coefficients differ {word}")
                    break
            else:
                continue
            break
    return found


def _fit_with_error(grams: Grams, support: Sequence[int], inside: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Coefficients from some blocks, and their standard errors by leaving out one block after another."""
    where = np.flatnonzero(inside)
    whole = grams.fit(support, inside.astype(float))[list(support)]
    rows = []
    for k in where:
        weights = inside.astype(float)
        weights[k] = 0.0
        rows.append(grams.fit(support, weights)[list(support)])
    spread = np.std(rows, axis=0) * np.sqrt(max(1, len(where) - 1))
    return whole, spread
