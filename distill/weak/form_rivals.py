"""Laws that a recording may not tell apart: with other functions, of similar length, that explain as much."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sympy import Function, Pow

from distill.weak.forms import numbers_in
from distill.weak.quotients import Augmented
from distill.weak.selection import Candidate, as_good, clearly_worse, in_errors

Array = npt.NDArray[np.float64]

SIMILAR = 1  # numbers that a rival may have more than the law …
SLIGHTLY = 1.0  # … if it is not even slightly worse, by so many standard errors
SAME = 1e-6  # relative, of predictions: a law that comes so close to another contains it
NAMED = 3  # rivals in a reason
NUMBER = re.compile(r"\d*\.\d+(e[+-]?\d+)?")
LIBRARY = "terms of the library"


def count_numbers(law: Augmented) -> int:
    """Coefficients, numbers inside terms, and one for each function in a free form, roots among them.

    A function has a number inside, also where it is 1: with a small one, sin(k*u) is as good as u and u**3 anywhere.
    """
    used = [law.terms[k] for k in law.chosen.support]
    forms = [term.free.basis for term in used if term.free is not None]
    functions = {type(part) for form in forms for part in form.atoms(Function)}
    roots = any(not power.exp.is_Integer for form in forms for power in form.atoms(Pow))
    halves = sum(term.saturation is not None for term in used)
    return len(used) + halves + max(len(numbers_in(forms)), len(functions)) + len(functions) + roots


def shape(law: Augmented) -> frozenset[str]:
    """The texts of a law's quotients and free forms, with … for their numbers."""
    used = (law.terms[k] for k in law.chosen.support)
    texts = (term.text for term in used if term.saturation is not None or term.free is not None)
    return frozenset(NUMBER.sub("…", text) for text in texts)


def forms_of(law: Augmented) -> str:
    """The texts of a law's free forms."""
    return ", ".join(term.text for term in law.terms if term.free is not None) or LIBRARY


def doubt_about(
    law: Augmented,
    others: Sequence[Augmented],
    library: Sequence[tuple[Candidate, int]],
    names: Sequence[str],
    points: Array,
) -> str | None:
    """What the recording does not tell from a law, as a reason for the verdict; None if it tells everything from it.

    others: laws with free forms. library: those of the library, each with its numbers.
    names, points: the channels, and (n, channels) values that the recording covers.
    """
    better = [other for other in others if clearly_worse(law.chosen, other.chosen)]
    if better:
        return f"a law with {forms_of(min(better, key=count_numbers))} explains more"
    numbers = count_numbers(law)
    rivals = [
        one
        for one in others
        if _rivals(one.chosen, count_numbers(one) - numbers, law.chosen)
        and shape(one) != shape(law)
        and not _contains(one, law)
    ]
    texts = [forms_of(other) for other in sorted(rivals, key=lambda one: one.chosen.left)]
    own = forms_of(law)
    if own != LIBRARY and any(_rivals(one, count - numbers, law.chosen) for one, count in library):
        texts.insert(0, LIBRARY)
    if not texts:
        return None
    ranges = zip(names, points.min(axis=0), points.max(axis=0), strict=True)
    covered = (f"{name} from {low:.2g} to {high:.2g}" for name, low, high in ranges)
    return f"the recording cannot tell {own} from {' or '.join(texts[:NAMED])}: it covers {', '.join(covered)}"


def _rivals(one: Candidate, longer: int, law: Candidate) -> bool:
    """Whether a law that has so many numbers more explains as much."""
    slightly_worse = in_errors(one.clean - law.clean) > SLIGHTLY
    return longer <= SIMILAR and as_good(one, law) and not (longer > 0 and slightly_worse)


def _contains(other: Augmented, law: Augmented) -> bool:
    """Whether another law is this one with some coefficients, as u and u**2/(u + v) are u*v/(u + v)."""
    right = law.system.features @ (law.grams.fit(law.chosen.support) / law.grams.sizes)
    columns = (other.system.features / other.grams.sizes)[:, list(other.chosen.support)]
    rest = right - columns @ np.linalg.lstsq(columns, right, rcond=1e-13)[0]
    return float(np.linalg.norm(rest)) <= SAME * float(np.linalg.norm(right))
