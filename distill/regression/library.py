"""The term library of sparse regression: which basis functions exist, their values, their Gram matrix.

A term is a product of at most three *atoms*: the perception features p and their absolute values |p|. It is
stored as a tuple of atom indices (i < n: p_i, else |p_{i−n}|), so that thousands of terms cost nothing until
they are evaluated, in chunks of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt
from sympy import Expr

from equations.expressions import build
from equations.rule.symbols import symbol

Array = npt.NDArray[np.float64]
Term = tuple[int, ...]  # sorted atom indices; () is the constant 1

CHUNK = 4096
FEW_CHANNELS = 3  # up to this many, the library has cubic terms and all products, as classical models need


@dataclass(frozen=True)
class Library:
    """Feature names and the terms over them."""

    names: tuple[str, ...]
    terms: tuple[Term, ...]

    def expr(self, index: int) -> Expr:
        """Term number `index` as a SymPy expression."""
        n = len(self.names)
        factors = [
            symbol(self.names[a]) if a < n else build.absolute(symbol(self.names[a - n])) for a in self.terms[index]
        ]
        return build.multiply(*factors)

    def take(self, indices: Sequence[int]) -> Library:
        """The library of these terms only."""
        return Library(self.names, tuple(self.terms[i] for i in indices))

    def evaluate(self, X: Array) -> Array:
        """(rows, features) → (rows, terms), float64."""
        atoms = np.concatenate([X, np.abs(X), np.ones((len(X), 1))], axis=1)
        one = atoms.shape[1] - 1
        order = max((len(term) for term in self.terms), default=0)
        padded = np.array([term + (one,) * (order - len(term)) for term in self.terms], np.int64)
        values = np.ones((len(X), len(self.terms)))
        for place in range(order):
            values *= atoms[:, padded[:, place]]
        return values

    def chunks(self, X: Array) -> Iterator[tuple[slice, Array]]:
        """Row slices of X and the terms' values there."""
        for start in range(0, len(X), CHUNK):
            rows = slice(start, start + CHUNK)
            yield rows, self.evaluate(X[rows])


@dataclass(frozen=True)
class Gram:
    """Sums over all rows: terms·terms (m, m), terms·Y (m, channels), Y·Y (channels,); float64."""

    terms: Array
    moments: Array
    power: Array
    rows: int


def accumulate(library: Library, X: Array, Y: Array) -> Gram:
    """The Gram matrix of the library on X and its products with Y, chunk by chunk."""
    m = len(library.terms)
    terms, moments = np.zeros((m, m)), np.zeros((m, Y.shape[1]))
    for rows, values in library.chunks(X):
        terms += values.T @ values
        moments += values.T @ Y[rows]
    return Gram(terms, moments, np.square(Y).sum(axis=0), len(X))


def linear_library(names: Sequence[str], X: Array) -> Library:
    """{1, p, |p|}: what a rule for closed-loop refinement is made of."""
    n = len(names)
    signed = _sign_changing(X)
    return Library(tuple(names), ((), *((i,) for i in range(n)), *((n + i,) for i in range(n) if signed[i])))


def full_library(names: Sequence[str], states: Sequence[int], X: Array) -> Library:
    """{1, p, |p|, p², s·p, |s|·p} and, for few channels, every p·p and the products s·s·p with their cubes.

    `states` are the indices of the features that are the channels themselves (the stencil `id`). Absolute
    values of features that keep one sign on X are left out: they are not new terms.
    """
    n, signed = len(names), _sign_changing(X)
    found: dict[Term, None] = dict.fromkeys(linear_library(names, X).terms)

    def add(*atoms: int) -> None:
        found.setdefault(tuple(sorted(atoms)))

    few = len(states) <= FEW_CHANNELS
    for i, j in combinations_with_replacement(range(n), 2):
        if i == j or few or i in states or j in states:
            add(i, j)
    for s in states:
        if signed[s]:
            for p in range(n):
                add(n + s, p)
    if few:
        for s, t in combinations_with_replacement(states, 2):
            for p in range(n):
                add(s, t, p)
    return Library(tuple(names), tuple(found))


def screen(library: Library, X: Array, Y: Array, *, limit: int, protected: int, rows: int = 4096) -> Library:
    """At most `limit` terms: the first `protected` ones, and those that explain most of these ones' residual.

    Works on at most `rows` evenly spaced rows; a term's score is its best squared correlation, over channels,
    with the residual of the protected terms.
    """
    if len(library.terms) <= limit:
        return library
    step = max(1, len(X) // rows)
    X, Y = X[::step], Y[::step]
    base = library.take(range(protected)).evaluate(X)
    basis, _ = np.linalg.qr(base / np.maximum(np.linalg.norm(base, axis=0), 1e-300))
    residual = Y - basis @ (basis.T @ Y)
    residual /= np.maximum(np.linalg.norm(residual, axis=0), 1e-300)
    scores = np.zeros(len(library.terms))
    for start in range(protected, len(scores), 256):
        values = library.take(range(start, min(start + 256, len(scores)))).evaluate(X)
        values -= basis @ (basis.T @ values)
        norms = np.maximum(np.linalg.norm(values, axis=0), 1e-300)
        scores[start : start + 256] = np.square(values.T @ residual / norms[:, None]).max(axis=1)
    best = np.argsort(-scores[protected:], kind="stable")[: max(0, limit - protected)] + protected
    return library.take([*range(protected), *sorted(map(int, best))])


def _sign_changing(X: Array) -> npt.NDArray[np.bool_]:
    signed: npt.NDArray[np.bool_] = (X.min(axis=0) < 0) & (X.max(axis=0) > 0)
    return signed
