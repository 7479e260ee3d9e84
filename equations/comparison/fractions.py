"""Rewrite a rule's fractions as the model writes them, because one fraction can be written in many ways.

For example u v/(1 + u) equals v - v/(1 + u). Numerators are divided by a denominator that rule and model share. Terms
outside the fraction that the model does not have there are put back over the denominator. However the rule writes the
model's update, the result has the model's terms. Denominators with several channels stay as they are.
"""

from __future__ import annotations

from equations.comparison.raw_terms import Monomial, Polynomial, RawTerm, times
from equations.comparison.reduced_law import Below, Law, Update, build_update

_ROUNDS = 20  # steps of a division at most
DUST = 1e-9  # a sum below this part of its summands is 0


def written_alike(rule: Law, model: Law) -> Law:
    """The rule's law, which has the model's names already, with its fractions written as the model's."""
    updates = dict(rule.updates)
    for channel, theirs in model.updates.items():
        ours = updates.get(channel)
        if ours is None or {t for t in ours.terms if t.over} == {t for t in theirs.terms if t.over}:
            continue
        for den in theirs.below:
            if den in ours.below and den.power == 1 and _variable(den) is not None:
                ours = _over(ours, den, theirs)
        updates[channel] = ours
    return Law(updates)


def _over(update: Update, den: Below, model: Update) -> Update:
    outside, inside = ({t.monomial for t in model.terms if t.over == over} for over in ((), (den,)))
    numbers = dict(zip(den.monomials, update.below[den], strict=True))
    above: Polynomial = {t.monomial: c for t, c in update.terms.items() if t.over == (den,)}
    alone: Polynomial = {t.monomial: c for t, c in update.terms.items() if not t.over and t.other is None}
    quotient, rest = divide(above, numbers, _variable(den) or ("", ""))
    alone, rest = _plus(alone, quotient), _plus(rest, {})
    for monomial in [m for m in alone if m not in outside]:
        above = _plus(rest, {times(monomial, part): alone[monomial] * number for part, number in numbers.items()})
        if len(above.keys() - inside) <= len(rest.keys() - inside):  # inside the fraction it is as in the model
            rest = above
            del alone[monomial]
    raw = [RawTerm(c, m) for m, c in alone.items()] + [RawTerm(c, m, ((numbers, 1),)) for m, c in rest.items()]
    kept = {t: c for t, c in update.terms.items() if t.other is not None or (t.over and t.over != (den,))}
    found = build_update(raw)
    return Update({**kept, **found.terms}, {**update.below, **found.below})


def _plus(a: Polynomial, b: Polynomial) -> Polynomial:
    """The sum, without the monomials that cancel or are negligible."""
    sums = {m: a.get(m, 0.0) + b.get(m, 0.0) for m in {**a, **b}}
    largest = max(map(abs, sums.values()), default=0.0)
    return {
        m: c for m, c in sums.items() if abs(c) > DUST * max(abs(a.get(m, 0.0)), abs(b.get(m, 0.0)), 1e-3 * largest)
    }


def divide(above: Polynomial, by: Polynomial, variable: tuple[str, str]) -> tuple[Polynomial, Polynomial]:
    """Quotient and remainder of a polynomial divided by another in a single variable (channel, part)."""
    top = max(by, key=lambda m: _degree(m, variable))
    rest, quotient = dict(above), dict[Monomial, float]()
    for _ in range(_ROUNDS):
        high = [m for m in rest if _degree(m, variable) >= _degree(top, variable)]
        if not high:
            break
        monomial = max(high, key=lambda m: _degree(m, variable))
        down = times(monomial, tuple((c, p, -n) for c, p, n in top))
        factor = rest.pop(monomial) / by[top]
        quotient[down] = quotient.get(down, 0.0) + factor
        for part, number in by.items():
            if part != top:
                key = times(down, part)
                rest[key] = rest.get(key, 0.0) - factor * number
    return quotient, rest


def _degree(monomial: Monomial, variable: tuple[str, str]) -> int:
    return sum(n for c, p, n in monomial if (c, p) == variable)


def _variable(den: Below) -> tuple[str, str] | None:
    """The one variable of a denominator; None where it has several."""
    names = {(c, p) for monomial in den.monomials for c, p, _ in monomial}
    return next(iter(names)) if len(names) == 1 else None
