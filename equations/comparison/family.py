"""The family of laws of a model: its law as a function of its parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from equations import models
from equations.comparison.raw_terms import RawTerm, read_terms, seen_through, times
from equations.comparison.reduced_law import Below, Law, Term, build_update, settle
from equations.expressions import build
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import compile_numpy
from equations.expressions.tree import canonical
from equations.models.model import Model
from equations.rule.stencils import feature_names
from equations.rule.symbols import symbol


@dataclass(frozen=True)
class _Slots:
    """The terms of a family; where a law has a number, they have an index into `coefficients`.

    terms: (channel, term). coefficients: expressions of the parameters. numbers: parameters → their values.
    """

    terms: list[tuple[str, RawTerm]]
    coefficients: list[Expr]
    numbers: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


@dataclass(frozen=True)
class Layout:
    """All numbers of a family's law, in a fixed order, as a quick function of the parameters.

    The numbers are the coefficients of the `terms`, then those `inside` denominators.
    """

    numbers: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    parameters: tuple[str, ...]
    terms: Mapping[tuple[str, Term], list[tuple[int, tuple[tuple[int, int], ...]]]]
    inside: Mapping[tuple[str, Below, int], tuple[int, int]]

    def at(self, values: npt.NDArray[np.float64], step: float) -> npt.NDArray[np.float64]:
        """Parameters (parameter, n) → the coefficients of `terms` times `step`, then the numbers `inside`."""
        c = list(self.numbers(values))
        with np.errstate(all="ignore"):
            top = [
                step * sum(c[i] / math.prod(c[f] ** n for f, n in first) for i, first in of)
                for of in self.terms.values()
            ]
            return np.nan_to_num(np.array([*top, *(c[i] / c[first] for i, first in self.inside.values())]))


@dataclass(frozen=True)
class Family:
    """The laws of one model. `law` gives what one step of the model, or a step of length `time`, adds."""

    model: Model

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters, in the model's order."""
        return tuple(self.model.parameters)

    def law(self, values: Mapping[str, float], time: float | None = None) -> Law:
        """The law at these values of all parameters."""
        step = self.model.dt if time is None else time
        numbers = self._slots.numbers(np.array([values[name] for name in self.parameters], float))
        raw: dict[str, list[RawTerm]] = {channel: [] for channel in self.model.channels}
        for channel, term in self._slots.terms:
            over = tuple(({m: numbers[i] for m, i in p.items()}, power) for p, power in term.over)
            raw[channel].append(RawTerm(step * numbers[term.coefficient], term.monomial, over, term.other))
        return Law({channel: build_update(terms) for channel, terms in raw.items()})

    @cached_property
    def inside_denominators(self) -> frozenset[str]:
        """The parameters that occur in denominators together with channels."""
        places = {i for _, term in self._slots.terms for polynomial, _ in term.over for i in polynomial.values()}
        return frozenset(s.name for i in places for s in self._slots.coefficients[i].free_symbols)

    def layout(self, values: Mapping[str, float]) -> Layout:
        """The layout of the law's numbers, valid while the same numbers in denominators are 0 as at `values`."""
        numbers = self._slots.numbers(np.array([values[name] for name in self.parameters], float))
        terms: dict[tuple[str, Term], list[tuple[int, tuple[tuple[int, int], ...]]]] = {}
        inside: dict[tuple[str, Below, int], tuple[int, int]] = {}
        for channel, raw in self._slots.terms:
            monomial, over, first = raw.monomial, [], []
            for polynomial, power in raw.over:
                common, monomials, _ = settle({m: numbers[i] for m, i in polynomial.items()})
                places = [polynomial[times(m, common)] for m in monomials]
                monomial = times(monomial, tuple((c, p, -n * power) for c, p, n in common))
                first.append((places[0], power))
                if len(monomials) > 1:
                    den = Below(monomials, power)
                    over.append(den)
                    inside |= {(channel, den, i): (place, places[0]) for i, place in enumerate(places) if i}
            key = channel, Term(monomial, tuple(over), raw.other)
            terms.setdefault(key, []).append((raw.coefficient, tuple(first)))
        return Layout(self._slots.numbers, self.parameters, terms, inside)

    @cached_property
    def _slots(self) -> _Slots:
        model, terms, coefficients = self.model, [], []

        def place(value: Any) -> int:
            coefficients.append(canonical(value))
            return len(coefficients) - 1

        names = feature_names(model.channels, model.stencils)
        features = seen_through(model.channels, model.stencils)
        for channel, text in model.equations.items():
            parsed = parse_infix(text, (*names, *self.parameters, "dt"))
            expr = canonical(parsed.xreplace({symbol("dt"): build.number(model.dt)}))
            for term in read_terms(expr, features):
                over = tuple(({m: place(c) for m, c in p.items()}, power) for p, power in term.over)
                terms.append((channel, RawTerm(place(term.coefficient), term.monomial, over, term.other)))
        return _Slots(terms, coefficients, compile_numpy(coefficients, self.parameters))


@cache
def family_of(name: str) -> Family:
    """The family of the model called `name`; raises InputError for an unknown one."""
    return Family(models.load(name))
