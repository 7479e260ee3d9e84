"""Forms with one number inside, tried one by one: what a free-form search starts from.

A form is a product of fields, of degree up to 2, times one function of one field, or times 1/(u + k v). Its number k is
taken from a grid, then tuned; beside it stand products of fields of degree up to 3, whose number is reduced by
elimination. Searches by chance seldom find exp(k/u) v, which has a function of a quotient; this does at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from distill.weak.paths import backward
from equations.expressions import build
from equations.expressions.numeric import evaluate_tree
from equations.expressions.tree import to_tree
from equations.rule.symbols import symbol

Array = npt.NDArray[np.float64]
Made = Callable[[float], Expr]

SIZES = tuple(0.25 * 1.35**k for k in range(13))  # of k u, up to 9
AWAY = 0.02  # of a field's size: one that is never smaller may stand in a denominator or under a root
SHORTLIST = 10  # forms that are looked at closely, beside few products and beside many
KEPT = 3  # laws of each length, with different forms
MOST_TERMS = 6  # of a law
GOLDEN = 12  # steps of the search for k


@dataclass(frozen=True, eq=False)
class _Kind:
    """A form; `make` puts a number into it. numbers: those that are tried first; just 1 where it has none."""

    make: Made
    numbers: tuple[float, ...]


def seeds(x: Array, y: Array, names: Sequence[str]) -> list[tuple[float, Expr]]:
    """The best laws with one form, the shortest first, each with the share of the variance of y that it leaves.

    x: (n, fields). y: (n,).
    """
    plain = [p for degree in range(4) for p in combinations_with_replacement(range(len(names)), degree)]
    columns = np.stack([np.prod(x[:, list(p)], axis=1) for p in plain], axis=1)
    table = _Table(dict(zip(names, x.T, strict=True)), columns / np.linalg.norm(columns, axis=0), y)
    kinds, found = list(_kinds(x, names)), []
    for degree in (1, 3):  # few products beside the form, and many
        beside = [i for i, p in enumerate(plain) if len(p) <= degree]
        first = [min((table.left(beside, kind.make(k)), k) for k in kind.numbers) for kind in kinds]
        order = sorted(range(len(kinds)), key=lambda i: first[i][0])
        for i in order[:SHORTLIST]:
            laws = table.laws(kinds[i], first[i][1], beside, plain, names)
            found += [(count, loss, i, law) for count, loss, law in laws]
    by_length: dict[int, dict[int, tuple[float, Expr]]] = {}
    for count, loss, kind, law in sorted(found, key=lambda one: one[:2]):
        by_length.setdefault(count, {}).setdefault(kind, (loss, law))
    return [pair for count in sorted(by_length) for pair in list(by_length[count].values())[:KEPT]]


@dataclass(frozen=True, eq=False)
class _Table:
    """Values of the fields, by name; of products of them, as columns of unit length; and what is to be explained."""

    fields: dict[str, Array]
    columns: Array
    y: Array

    def value(self, form: Expr) -> Array | None:
        """The form's values, of unit length; None where they are not finite, or all 0."""
        with np.errstate(all="ignore"):
            value = np.broadcast_to(evaluate_tree(to_tree(form), self.fields), self.y.shape)
            size = float(np.linalg.norm(value))
        return value / size if np.isfinite(size) and size > 0 else None

    def left(self, beside: Sequence[int], form: Expr) -> float:
        """What the form and these products leave, as a share of the variance."""
        value = self.value(form)
        if value is None:
            return np.inf
        a = np.column_stack([self.columns[:, beside], value])
        w = np.linalg.lstsq(a, self.y, rcond=1e-10)[0]
        return float(np.square(a @ w - self.y).mean() / (self.y.var() or 1.0))

    def laws(
        self, kind: _Kind, k: float, beside: Sequence[int], plain: Sequence[tuple[int, ...]], names: Sequence[str]
    ) -> list[tuple[int, float, Expr]]:
        """(terms, share left, law) for fewer and fewer products beside the form, the number tuned for each."""
        value, found = self.value(kind.make(self.tuned(kind, k, beside))), []
        if value is None:
            return []
        a = np.column_stack([self.columns[:, beside], value, self.y])
        for support in backward(a.T @ a, list(range(len(beside) + 1)), kept=1):
            if len(support) > MOST_TERMS:
                continue
            kept = [beside[i] for i in support[:-1]]
            form = kind.make(self.tuned(kind, k, kept))
            own = self.value(form)
            if own is None:
                continue
            w = np.linalg.lstsq(np.column_stack([self.columns[:, kept], own]), self.y, rcond=1e-10)[0]
            bases = [*(build.multiply(*(symbol(names[c]) for c in plain[i])) for i in kept), form]
            # what stands before a term is fitted again later
            terms = (build.multiply(build.number(float(c)), basis) for c, basis in zip(w, bases, strict=True) if c)
            found.append((len(support), self.left(kept, form), build.add(*terms)))
        return found

    def tuned(self, kind: _Kind, k: float, beside: Sequence[int]) -> float:
        """The number that leaves least, between the neighbours of k, by golden section."""
        if len(kind.numbers) == 1:
            return k
        ratio, share = SIZES[1] / SIZES[0], (np.sqrt(5) - 1) / 2
        low, high = k / ratio, k * ratio
        for _ in range(GOLDEN):
            a, b = high - share * (high - low), low + share * (high - low)
            lower = self.left(beside, kind.make(a)) < self.left(beside, kind.make(b))
            low, high = (low, b) if lower else (a, high)
        return float((low + high) / 2)


def _kinds(x: Array, names: Sequence[str]) -> Iterator[_Kind]:
    """Every function of one field, and 1/(u + k v), times every product of fields up to degree 2."""
    products = [p for degree in range(3) for p in combinations_with_replacement(range(len(names)), degree)]
    one = sympy.Integer(1)
    for function, numbers in _functions(x, names):
        for p in products:
            factor = build.multiply(*(symbol(names[c]) for c in p)) if p else one
            yield _Kind(lambda k, f=function, m=factor: build.multiply(m, f(k)), numbers)  # type: ignore[misc]


def _functions(x: Array, names: Sequence[str]) -> Iterator[tuple[Made, tuple[float, ...]]]:
    sizes, low = np.sqrt(np.square(x).mean(axis=0)), x.min(axis=0)
    above = [bool(low[c] > AWAY * sizes[c]) for c in range(len(names))]

    def times(k: float, u: Expr) -> Expr:
        return build.multiply(build.number(float(k)), u)

    for c, name in enumerate(names):
        u, away = symbol(name), above[c]
        near = tuple(s / float(sizes[c]) for s in SIZES)
        yield (lambda k, u=u: build.sin(times(k, u))), near  # type: ignore[misc]
        yield (lambda k, u=u: build.tanh(times(k, u))), near  # type: ignore[misc]
        yield (lambda k, u=u: build.exp(times(k, u))), near  # type: ignore[misc]
        yield (lambda k, u=u: build.exp(times(-k, u))), near  # type: ignore[misc]
        if away:
            inverse = build.power(u, sympy.Integer(-1))
            far = tuple(s * float(sizes[c]) for s in SIZES)
            yield (lambda k, v=inverse: v), (1.0,)  # type: ignore[misc]
            yield (lambda k, v=inverse: build.exp(times(-k, v))), far  # type: ignore[misc]
            yield (lambda k, v=build.sqrt(u): v), (1.0,)  # type: ignore[misc]
        for d, other in enumerate(names):
            if d > c and away and above[d]:
                both = tuple(s * float(sizes[c] / sizes[d]) for s in SIZES)
                v = symbol(other)
                yield (lambda k, u=u, v=v: build.power(build.add(u, times(k, v)), sympy.Integer(-1))), both  # type: ignore[misc]
