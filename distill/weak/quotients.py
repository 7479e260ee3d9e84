"""Rational kinetics: laws with one quotient, such as Holling II, Michaelis-Menten and Hill, u^n v / (K^n + u^n).

A quotient has a number inside, the half-saturation K, so its term is tried for several K, together with the polynomial
terms; then K is tuned. It is taken only if it wins by evidence and by simplicity: every polynomial law with at most as
many numbers (K counts as one) is clearly worse on held-out windows, and it is not clearly worse than the best of all.

For implicit laws in general see SINDy-PI: Kaheman, Kutz & Brunton 2020, Proceedings of the Royal Society A 476,
20200279. Here denominators have one species, so that products with time derivatives are not needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from distill.weak.grams import Grams, make_grams, solve, subtract_noise
from distill.weak.paths import backward
from distill.weak.quotient_columns import HALVES, Column, Columns
from distill.weak.selection import FLOOR, LEVELS, Candidate, clearly_worse, make_candidate
from distill.weak.system import System
from distill.weak.terms import Term, make_quotient
from distill.weak.verdict import EXPLAINED

Array = npt.NDArray[np.float64]

A_TERM = 0.7  # logarithm of the loss that one more term must save, in the first look
UNSURE = 0.03  # of the noise in the change that a loss may be wrong by
SHORTLIST = 4  # laws that are looked at closely
TUNING = 6  # steps of Gauss and Newton
TUNED = 1e-6  # of log K
NUDGE = 1e-3  # of log K, for the derivative
FARTHEST = 2.0  # factor that K may move from where tuning began


@dataclass(frozen=True, eq=False)
class Augmented:
    """A law with a term beyond the polynomial ones: a quotient, or a free form.

    terms: the polynomial ones, then those. system, errors, grams: with their columns, the last.
    slope: sums with more columns: the quotient's derivative by log K; or the derivative of the law's right-hand side by
        each number in the free forms. None where no number is inside.
    chosen: the law.
    """

    terms: tuple[Term, ...]
    system: System
    errors: list[System]
    grams: Grams
    slope: Grams | None
    chosen: Candidate


@dataclass(frozen=True, eq=False)
class Sums:
    """Products of the columns of some terms, a quotient, its derivative by log K, and the change: of data and noise."""

    term: Term
    raw: Array
    noise: Array

    def path(self) -> list[list[int]]:
        """The other terms (positions) as they are eliminated, from all to none."""
        count = len(self.raw) - 1
        gram = subtract_noise(self.raw, self.noise, range(count))
        return [support[:-2] for support in backward(gram, list(range(count)), kept=2)]

    def loss(self, others: Sequence[int]) -> float:
        """What these terms (positions) and the quotient leave of the squared change, without noise, K tuned nearby."""
        last = len(self.raw) - 3  # the quotient; then its derivative, then the change
        support = [*others, last, last + 1]
        w = np.append(solve(self.raw, self.noise, support), -1.0)
        if abs(w[-2]) > np.log(HALVES[1] / HALVES[0]) * abs(w[-3]):  # K would move beyond its neighbours
            return np.inf
        inside = np.ix_([*support, last + 2], [*support, last + 2])
        by_noise, change = float(w @ self.noise[inside] @ w), float(self.raw[-1, -1])
        left = (float(w @ self.raw[inside] @ w) - by_noise) / change
        return max(left, 0.0) + FLOOR + UNSURE * max(by_noise, 0.0) / change


@dataclass(frozen=True, eq=False)
class Quotients:
    """The search for a quotient.

    system: the polynomial terms'. errors: what noise changes in it, a few times.
    columns: makes those of quotients, for the same windows and the same noise.
    """

    terms: tuple[Term, ...]
    system: System
    errors: list[System]
    columns: Columns

    def search(self, c: int, polynomial: Candidate, known: Sequence[Candidate]) -> Augmented | None:
        """The law of channel c with a quotient; None where a polynomial is as good.

        polynomial: the best law without. known: all candidates without.
        """
        left = polynomial.clean
        if float(left.sum()) < max(FLOOR, float(np.std(left)) * np.sqrt(len(left))):
            return None  # the polynomial leaves nothing that could be told from noise
        found = sorted(self._first_look(c, polynomial), key=lambda one: one[0])[:SHORTLIST]
        laws = [law for _, term, support in found if (law := self._tuned(c, term, support)) is not None]
        if not laws:
            return None
        best = min(laws, key=lambda law: float(law.chosen.clean.sum()))
        good = [law for law in laws if not clearly_worse(law.chosen, best.chosen)]
        law = self._shortened(c, min(good, key=lambda one: one.chosen.cost), best.chosen)
        return law if wins(law.chosen, len(law.chosen.support) + 1, counted([*known, polynomial])) else None

    def _first_look(self, c: int, polynomial: Candidate) -> Iterator[tuple[float, Term, tuple[int, ...]]]:
        """For each form of quotient, laws of all lengths by elimination: (score, the quotient, the other terms)."""
        terms = self.terms
        allowed = sorted({k for k, t in enumerate(terms) if t.family in LEVELS[0]} | set(polynomial.support))
        for form in self.columns.forms:
            best: dict[int, tuple[float, Term, tuple[int, ...]]] = {}
            for column in form:
                sums = self._sums(c, allowed, column)
                for others in sums.path():
                    score = float(np.log(sums.loss(others))) + A_TERM * len(others)
                    if len(others) not in best or score < best[len(others)][0]:
                        best[len(others)] = score, sums.term, tuple(allowed[k] for k in others)
            yield from best.values()

    def _sums(self, c: int, allowed: Sequence[int], column: Column) -> Sums:
        sizes = np.sqrt(np.square(self.system.features[:, allowed]).mean(axis=0))
        size = float(np.sqrt(np.square(column.value).mean()))
        found = []
        for system, columns in ((self.system, (column.value, column.slope)), (self.errors[0], column.noise)):
            scaled = system.features[:, allowed] / np.where(sizes > 0, sizes, 1.0)
            x = np.column_stack([scaled, columns[0] / size, columns[1] / size, system.change[:, c]])
            found.append(x.T @ x)
        return Sums(column.term, found[0], found[1])

    def _tuned(self, c: int, term: Term, others: Sequence[int]) -> Augmented | None:
        """The law of these terms and the quotient, with the K that fits best; None where tuning does not end nearby."""
        first = term.saturation
        assert first is not None
        last = len(self.terms)
        support = tuple(sorted([*others, last]))
        for _ in range(TUNING):
            made = self._augmented(c, term)
            inside = term.saturation
            assert inside is not None
            assert made.slope is not None
            w = made.slope.fit([*support, last + 1]) / made.slope.sizes
            move = float(w[last + 1] / w[last]) if w[last] else np.inf
            half = inside.half * float(np.exp(np.clip(move, -0.5, 0.5)))
            if not first.half / FARTHEST < half < first.half * FARTHEST:
                return None
            if abs(move) < TUNED:
                break
            term = make_quotient(self.columns.scaled.channels, replace(inside, half=half), term.channels)
        return replace(made, chosen=make_candidate(support, made.grams, made.terms))

    def _shortened(self, c: int, law: Augmented, best: Candidate) -> Augmented:
        """The law without the terms that are not needed: each is left out once, and K tuned again."""
        last = len(self.terms)
        others = [k for k in law.chosen.support if k != last]
        for gone in others:
            shorter = self._tuned(c, law.terms[last], [k for k in others if k != gone])
            if shorter is not None and not clearly_worse(shorter.chosen, best):
                return self._shortened(c, shorter, best)
        return law

    def _augmented(self, c: int, term: Term) -> Augmented:
        """The library with this term; its law is still to be chosen."""
        inside = term.saturation
        assert inside is not None
        names = self.columns.scaled.channels
        near = [
            make_quotient(names, replace(inside, half=inside.half * float(np.exp(move))), term.channels)
            for move in (0.0, NUDGE)
        ]
        recorded = [self.columns.of(self.columns.scaled.frames, one, 1.0) for one in near]
        noisy = [[self.columns.of(n, one, np.sqrt(2)) for one in near] for n in self.columns.noisy]
        system, steeper = self._with(self.system, recorded)
        pairs = [
            self._with(e, [a - b for a, b in zip(n, recorded, strict=True)])
            for e, n in zip(self.errors, noisy, strict=True)
        ]
        errors = [pair[0] for pair in pairs]
        terms = (*self.terms, term)
        slope = make_grams(steeper, [pair[1] for pair in pairs], c)
        return Augmented(
            terms, system, errors, _without_last(slope), slope, Candidate((), np.zeros(0), np.zeros(0), 0.0)
        )

    @staticmethod
    def _with(system: System, columns: Sequence[Array]) -> tuple[System, System]:
        """The system with the first column; and with the derivative too, from the second one."""
        one = replace(system, features=np.column_stack([system.features, columns[0]]))
        slope = (columns[1] - columns[0]) / NUDGE
        return one, replace(system, features=np.column_stack([one.features, slope]))


def _without_last(grams: Grams) -> Grams:
    """The sums without the last term's column."""
    kept = np.delete(np.arange(grams.terms + 1), grams.terms - 1)
    inside = np.ix_(np.arange(len(grams.data)), kept, kept)
    return Grams(grams.data[inside], grams.noise[inside], grams.sizes[:-1])


def wins(law: Candidate, numbers: int, rivals: Sequence[tuple[Candidate, int]]) -> bool:
    """Whether a law explains the change, beats all rivals that are as short, by evidence, and is not clearly worse than
    any.

    numbers: of the law, coefficients and others. rivals: each with its numbers.
    """
    if float(law.clean.sum()) > EXPLAINED:
        return False
    best = min((one for one, _ in rivals), key=lambda one: float(one.clean.sum()))
    as_short = [one for one, count in rivals if count <= numbers]
    return not clearly_worse(law, best) and all(clearly_worse(one, law) for one in as_short)


def counted(polynomials: Sequence[Candidate]) -> list[tuple[Candidate, int]]:
    """Polynomial laws with the number of their coefficients."""
    return [(one, len(one.support)) for one in polynomials]
