"""A law: what one step adds to each channel, term by term, in a normal form.

Denominators have the coefficient 1 at their first monomial (the constant, where there is one) and no common factor.
Therefore two laws that differ only by a rescaling of their channels have the same terms with other numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sympy import Expr

from equations.comparison.raw_terms import (
    ONE,
    Monomial,
    Polynomial,
    RawTerm,
    in_order,
    read_terms,
    seen_through,
    times,
)  # fmt: skip
from equations.rule.rule import Rule

DUST = 1e-12  # a coefficient below this part of its largest summand is a rounding error where terms cancel


@dataclass(frozen=True)
class Below:
    """A denominator: its monomials, the first with the coefficient 1, to a power.

    twin: a number that distinguishes denominators with the same monomials and different coefficients.
    """

    monomials: tuple[Monomial, ...]
    power: int
    twin: int = 0


@dataclass(frozen=True)
class Term:
    """A term without its numbers: monomial / denominators, or an `other` function of the rule's own features."""

    monomial: Monomial = ONE
    over: tuple[Below, ...] = ()
    other: Expr | None = None

    @property
    def channels(self) -> frozenset[str]:
        """The channels that occur in it; those of `other` are not known here."""
        below = (monomial for den in self.over for monomial in den.monomials)
        return frozenset(channel for monomial in (self.monomial, *below) for channel, _, _ in monomial)


Numbers = tuple[float, ...]  # the coefficients of a denominator's monomials


@dataclass(frozen=True)
class Update:
    """What is added to a channel.

    terms: term → coefficient. below: denominator → the coefficients of its monomials.
    """

    terms: Mapping[Term, float]
    below: Mapping[Below, Numbers]


@dataclass(frozen=True)
class Law:
    """channel → update, in the order of the channels."""

    updates: Mapping[str, Update]

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels."""
        return tuple(self.updates)


def law_of(rule: Rule, time: float | None = None) -> Law:
    """The law of a rule: its updates times `time`, which is dt by default, so that it is what one step adds."""
    step = rule.dt if time is None else time
    features = seen_through(rule.channels, rule.stencils)
    return Law({c: build_update(scaled_terms(read_terms(rule.updates[c], features), step)) for c in rule.channels})


def scaled_terms(raw: Iterable[RawTerm], factor: float) -> list[RawTerm]:
    """The raw terms times a number."""
    return [RawTerm(term.coefficient * factor, term.monomial, term.over, term.other) for term in raw]


def build_update(raw: Iterable[RawTerm]) -> Update:
    """Join like terms, bring denominators to normal form, drop negligible terms; coefficients are numbers."""
    terms: dict[Term, float] = {}
    size: dict[Term, float] = {}
    below: dict[Below, Numbers] = {}
    for part in raw:
        coefficient, monomial = float(part.coefficient), part.monomial
        over: list[Below] = []
        for polynomial, power in part.over:
            common, monomials, numbers = settle(polynomial)
            coefficient /= numbers[0] ** power
            monomial = times(monomial, tuple((c, p, -n * power) for c, p, n in common))
            if len(monomials) > 1:
                over.append(_named(below, monomials, power, tuple(n / numbers[0] for n in numbers)))
        key = Term(monomial, tuple(sorted(over, key=_below_order)), part.other)
        terms[key] = terms.get(key, 0.0) + coefficient
        size[key] = max(size.get(key, 0.0), abs(coefficient))
    kept = {key: value for key, value in terms.items() if abs(value) > DUST * size[key]}
    used = {den for key in kept for den in key.over}
    return Update(kept, {den: numbers for den, numbers in below.items() if den in used})


def settle(polynomial: Polynomial) -> tuple[Monomial, tuple[Monomial, ...], Numbers]:
    """The common factor of a polynomial, and the rest in a fixed order: monomials and their coefficients."""
    numbers = {key: float(value) for key, value in polynomial.items()}
    least = DUST * max(map(abs, numbers.values()), default=0.0)
    numbers = {key: value for key, value in numbers.items() if abs(value) > least}
    if not numbers:
        return ONE, (ONE,), (math.inf,)  # 1/0: nothing that could be matched
    powers = [{(c, p): n for c, p, n in key} for key in numbers]
    shared = {name: min(of.get(name, 0) for of in powers) for of in powers for name in of}
    common = tuple(sorted((c, p, n) for (c, p), n in shared.items() if n))
    inverse = tuple((c, p, -n) for c, p, n in common)
    rest = {times(key, inverse): value for key, value in numbers.items()}
    order = sorted(rest, key=in_order)
    return common, tuple(order), tuple(rest[key] for key in order)


def _named(below: dict[Below, Numbers], monomials: tuple[Monomial, ...], power: int, numbers: Numbers) -> Below:
    """The denominator of these monomials; one with equal monomials and other numbers gets the next `twin`."""
    twin = 0
    while True:
        den = Below(monomials, power, twin)
        known = below.setdefault(den, numbers)
        if all(abs(a - b) <= 1e-9 * abs(a) for a, b in zip(known, numbers, strict=True)):
            return den
        twin += 1


def _below_order(den: Below) -> tuple[int, tuple[Monomial, ...], int, int]:
    return len(den.monomials), den.monomials, den.power, den.twin
