"""The rules that closed-loop refinement starts from: rich in terms, fitted by least squares. Does not load torch."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr

from distill.engines.sparse import GUESS_COMPLEXITY, fit_bases, linear_bases
from distill.sampling import Samples
from distill.teacher import Teacher, compose
from equations.expressions.terms import complexity, split_terms
from equations.rule.rule import Candidate, Rule


def starting_rule(samples: Samples, teacher: Teacher) -> Rule:
    """The rule with many terms that closed-loop refinement prunes.

    It is the teacher's closed form where it has one; otherwise all of {1, p, |p|}, for each feature p, with constants
    by least squares.
    """
    form = teacher.closed_form()
    if form is not None:
        return compose(teacher, form).replace(provenance={"start": "closed form"})
    return _composed(fit_bases(linear_bases(samples), samples), samples, teacher, "features and absolute values")


def richer_rule(samples: Samples, teacher: Teacher, fronts: Mapping[str, tuple[Candidate, ...]]) -> Rule:
    """`starting_rule` with further terms: products and what free-form search found in each channel's best equation."""
    if teacher.closed_form() is not None:
        return starting_rule(samples, teacher)
    plain = linear_bases(samples)
    further, engines = dict[Expr, int](), set[str]()
    used = []
    for channel in samples.channels:
        best = fronts[channel][-1]
        own = [basis for _, basis in split_terms(best.expr) if complexity(basis) <= GUESS_COMPLEXITY]
        own = [basis for basis in own if basis not in plain]
        places = [further.setdefault(basis, len(plain) + len(further)) for basis in own]
        engines |= {best.engine} if own else set()
        used.append([*range(len(plain)), *places])
    count = sum(len(places) - len(plain) for places in used)
    source = f"features, absolute values and {count} further terms ({', '.join(sorted(engines)) or 'none'})"
    return _composed(fit_bases([*plain, *further], samples, used=used), samples, teacher, source)


def _composed(updates: list[Expr], samples: Samples, teacher: Teacher, source: str) -> Rule:
    rule = compose(teacher, dict(zip(samples.channels, updates, strict=True)))
    return rule.replace(provenance={"start": source})
