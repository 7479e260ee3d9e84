"""The same law with other names, another order of channels, and other units for each of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from equations.comparison.raw_terms import Monomial, RawTerm
from equations.comparison.reduced_law import Below, Law, Term, Update, build_update
from equations.errors import InputError, shorten
from equations.expressions import build
from equations.rule.colours import Display
from equations.rule.init import Init
from equations.rule.rule import Rule
from equations.rule.stencils import feature_name
from equations.rule.symbols import symbol


def in_units(
    rule: Rule, scales: Mapping[str, float], names: Mapping[str, str] | None = None, order: Sequence[str] | None = None
) -> Rule:
    """`rule` in other units: for the values scale · u instead of u. Its rollouts are the old ones, scaled.

    scales: by channel, 1 where none is given. names: old → new names of channels. order: of the channels, by old names.
    Raises InputError for a scale that is 0 or not finite, and for a clamp together with scales that differ (a rule has
    one clamp for all channels).
    """
    names, order = dict(names or {}), list(rule.channels if order is None else order)
    new = {channel: names.get(channel, channel) for channel in rule.channels}
    factor = {channel: float(scales.get(channel, 1.0)) for channel in rule.channels}
    if sorted(order) != sorted(rule.channels) or not {*scales, *names} <= set(rule.channels):
        raise InputError(f"expected scales, names and an order of the channels {', '.join(rule.channels)}")
    if not all(value and math.isfinite(value) for value in factor.values()):
        raise InputError(f"expected finite scales other than 0, got {shorten(str(factor))}")
    swap = {
        symbol(feature_name(c, s.name)): build.multiply(
            build.number(1 / factor[c]), symbol(feature_name(new[c], s.name))
        )
        for c in rule.channels
        for s in rule.stencils
    }  # fmt: skip
    updates = {
        new[c]: build.multiply(build.number(factor[c]), rule.updates[c].xreplace(swap)) for c in order
    }  # fmt: skip
    return rule.replace(
        channels=tuple(new[c] for c in order),
        updates=updates,
        clamp=_clamp(rule, set(factor.values())),
        init=_init(rule, [rule.channels.index(c) for c in order], [factor[c] for c in order]),
        display=rule.display and _display(rule.display, new, factor),
        fronts={},
    )


def law_in_units(
    law: Law, names: Mapping[str, str], scales: Mapping[str, float], of: Iterable[str] | None = None
) -> Law:
    """The law with the channels in `names` (old → new) renamed, each value divided by its scale (by old name).

    It has the updates of the channels `of`, by default of those in `names`. This expresses a rule in a model's units.
    """
    return Law({names[c]: _renamed(law.updates[c], names, scales, scales.get(c, 1.0)) for c in of or names})


def _renamed(update: Update, names: Mapping[str, str], scales: Mapping[str, float], own: float) -> Update:
    def moved(monomial: Monomial) -> tuple[Monomial, float]:
        size = math.prod(scales.get(c, 1.0) ** n for c, _, n in monomial)
        return tuple(sorted((names.get(c, c), p, n) for c, p, n in monomial)), size

    raw: list[RawTerm] = []
    for term, value in update.terms.items():
        monomial, size = moved(term.monomial)
        over = []
        for den in term.over:
            polynomial = {}
            for part, number in zip(den.monomials, update.below[den], strict=True):
                key, factor = moved(part)
                polynomial[key] = number * factor
            over.append((polynomial, den.power))
        raw.append(RawTerm(value * size / own, monomial, tuple(over), term.other))
    return build_update(raw)


def exponents(term: Term, channels: Sequence[str]) -> list[int]:
    """For each channel the power of its scale by which the coefficient of a term is multiplied."""
    return [_power(c, term.monomial) - sum(d.power * _power(c, d.monomials[0]) for d in term.over) for c in channels]


def exponents_below(den: Below, index: int, channels: Sequence[str]) -> list[int]:
    """The same for the number at monomial `index` of a denominator."""
    return [_power(c, den.monomials[index]) - _power(c, den.monomials[0]) for c in channels]


def _power(channel: str, monomial: Monomial) -> int:
    return sum(power for name, _, power in monomial if name == channel)


def _clamp(rule: Rule, factors: set[float]) -> tuple[float, float] | None:
    if rule.clamp is None:
        return None
    if len(factors) != 1:
        raise InputError(
            "expected one scale for all channels of a rule with a clamp, which is one interval for all of them; "
            "take it away first: rule.replace(clamp=None)"
        )
    low, high = sorted(end * next(iter(factors)) for end in rule.clamp)
    return low, high


def _display(display: Display, new: Mapping[str, str], factor: Mapping[str, float]) -> Display:
    """Colours are those that they were; a display by channels shows the new values, in the new units."""
    if display.colours is None:
        return dataclasses.replace(display, channels=tuple(new[c] for c in display.channels))
    swap = {symbol(c): build.multiply(build.number(1 / factor[c]), symbol(new[c])) for c in display.channels}
    return Display(colours={name: expr.xreplace(swap) for name, expr in display.colours.items()})


def _init(rule: Rule, places: list[int], factors: list[float]) -> Init | None:
    if rule.init is None:
        return None

    def moved(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(values[i] * f for i, f in zip(places, factors, strict=True)) if values else values

    init = rule.init
    amplitude = tuple(map(abs, moved(init.amplitude)))
    return dataclasses.replace(init, background=moved(init.background), amplitude=amplitude, square=moved(init.square))
