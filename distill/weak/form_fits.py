"""Laws with free forms, fitted in the weak form: coefficients by regression, the numbers inside by Gauss and Newton.

Columns of a form are averages over the same windows, with the same simulated noise, as those of the library's terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from distill.weak.forms import bases_of, numbers_in, replace_numbers, unbiased
from distill.weak.grams import Grams, make_grams
from distill.weak.quotients import Augmented
from distill.weak.scaling import Scaled
from distill.weak.selection import UNSURE, Candidate, as_good, make_candidate
from distill.weak.system import Setting, System, averages
from distill.weak.terms import Term, make_free, product_text
from distill.weak.verdict import EXPLAINED
from equations.errors import InputError
from equations.expressions import build

Array = npt.NDArray[np.float64]

QUIET = 1e-5  # noise in units of the scales below which forms are not corrected for it
TUNING = 12  # steps of Gauss and Newton
TUNED = 1e-9  # share of the squared change that a step must explain for another to follow
NUDGE = 1e-4  # relative, for derivatives
FARTHEST = 0.5  # relative, of a step
HALVINGS = 4  # of a step that makes the fit worse
MOST_NUMBERS = 4  # inside the forms of a law
MOST_FORMS, MOST_TERMS = 3, 9


@dataclass(frozen=True)
class Proposal:
    """A law's terms: indices of the library's, and functions of the fields that it lacks."""

    known: tuple[int, ...]
    forms: tuple[Expr, ...]

    @property
    def fits(self) -> bool:
        """Whether it has a form, and is short enough to be looked at."""
        short = len(self.known) + len(self.forms) <= MOST_TERMS and len(numbers_in(self.forms)) <= MOST_NUMBERS
        return 0 < len(self.forms) <= MOST_FORMS and short


@dataclass(frozen=True, eq=False)
class FormFits:
    """Fits laws of one recording.

    terms, system, errors: the library's, and what noise changes in the system, a few times.
    noisy: of each replica the recordings with noise added once more.
    """

    scaled: Scaled
    setting: Setting
    terms: tuple[Term, ...]
    system: System
    errors: list[System]
    noisy: list[list[Array]]

    def propose(self, known: Sequence[int], bases: Sequence[Expr]) -> Proposal:
        """These terms of the library, and functions of the fields, of which it may have some too."""
        names = self.scaled.channels
        library = {t.text: k for k, t in enumerate(self.terms) if t.family == "reaction"}
        kept, forms = list(known), []
        for basis in bases:
            powers = basis.as_powers_dict() if basis != 1 else {}
            plain = all(str(b) in names and e.is_Integer and e > 0 for b, e in powers.items())
            factors = [names.index(str(b)) for b, e in powers.items() for _ in range(int(e))] if plain else []
            text = product_text(names, factors) if plain else ""
            if text in library:
                kept.append(library[text])
            else:
                forms.append(basis)
        return Proposal(tuple(sorted(set(kept))), tuple(dict.fromkeys(forms)))

    def tuned(self, c: int, proposal: Proposal) -> tuple[Proposal, Augmented] | None:
        """The law with the numbers that fit channel c best; None where a form is not finite or too noisy."""
        now = self._law(c, proposal, 1)
        for _ in range(TUNING):
            if now is None or not numbers_in(proposal.forms):
                break
            numbers = np.array(numbers_in(proposal.forms))
            move = self._move(c, proposal, now)
            move = np.clip(move, -FARTHEST * np.abs(numbers), FARTHEST * np.abs(numbers))
            gain = 0.0
            for _ in range(HALVINGS):
                nearby = _moved(proposal, numbers, numbers + move)
                other = None if nearby is None else self._law(c, nearby, 1)
                if nearby is not None and other is not None and (gain := _left(now) - _left(other)) > 0:
                    proposal, now = nearby, other
                    break
                move = move / 2
            if gain < TUNED:
                break
        return None if now is None else (proposal, now)

    def finished(self, c: int, proposal: Proposal) -> Augmented | None:
        """The law of tuned numbers with all that is known of noise, and a column for each number's derivative."""
        law = self._law(c, proposal, len(self.noisy))
        if law is None:
            return None
        return replace(law, slope=self._slopes(c, proposal, law)) if numbers_in(proposal.forms) else law

    def _law(self, c: int, proposal: Proposal, replicas: int) -> Augmented | None:
        columns = [self._columns(form, replicas) for form in proposal.forms]
        if not all(np.isfinite(column).all() for one in columns for column in one):
            return None
        known = list(proposal.known)
        made = []
        for k, system in enumerate([self.system, *self.errors[:replicas]]):
            forms = [one[k] - one[0] if k else one[0] for one in columns]
            made.append(replace(system, features=np.column_stack([system.features[:, known], *forms])))
        grams = make_grams(made[0], made[1:], c)
        free = (make_free(self.scaled.channels, form, self.scaled.scales.tolist()) for form in proposal.forms)
        terms = (*(self.terms[k] for k in known), *free)
        chosen = make_candidate(range(len(terms)), grams, terms)
        if float(chosen.clean.sum()) < -max(EXPLAINED, UNSURE * float(chosen.noise.sum())):
            return None  # less than nothing: what noise does to such forms is not of second order
        return Augmented(terms, made[0], made[1:], grams, None, chosen)

    def _columns(self, form: Expr, replicas: int) -> list[Array]:
        """The form averaged over every window: of the recordings, and of so many noisy ones."""
        scaled = self.scaled
        found: list[Array] = []
        quiet = bool(scaled.noise.max() < QUIET)
        for k, recordings in enumerate([list(scaled.frames), *self.noisy[:replicas]]):
            if k and quiet:
                found.append(found[0])
                continue
            level = np.zeros(len(scaled.noise)) if quiet else scaled.noise * scaled.scales * np.sqrt(2 if k else 1)
            fields = [
                unbiased(form, scaled.channels, [f[:, c] * s for c, s in enumerate(scaled.scales)], level.tolist())
                for f in recordings
            ]
            found.append(averages(fields, self.setting))
        return found

    def _move(self, c: int, proposal: Proposal, law: Augmented) -> Array:
        """What the numbers would have to be changed by, to first order."""
        slope = self._slopes(c, proposal, law)
        return (slope.fit(range(slope.terms)) / slope.sizes)[law.grams.terms :]

    def _slopes(self, c: int, proposal: Proposal, law: Augmented) -> Grams:
        """The law's sums with one more column for each number: the derivative of the law's right-hand side by it."""
        first = len(proposal.known)  # column of a form
        weights = (law.grams.fit(law.chosen.support) / law.grams.sizes)[first:]
        numbers, replicas = numbers_in(proposal.forms), len(law.errors)
        slopes = []
        for x in numbers:
            step = NUDGE * abs(x)
            total = [np.zeros(len(law.system.features)) for _ in range(replicas + 1)]
            for place, (form, weight) in enumerate(zip(proposal.forms, weights, strict=True), first):
                if x in numbers_in([form]):
                    moved = self._columns(replace_numbers(form, {x: x + step}), replicas)
                    now = law.system.features[:, place]
                    for k, other in enumerate(moved):
                        noise = law.errors[k - 1].features[:, place] if k else 0.0
                        total[k] += weight * (other - now - noise) / step
            slopes.append([total[0], *(other - total[0] for other in total[1:])])
        systems = [
            replace(system, features=np.column_stack([system.features, *(one[k] for one in slopes)]))
            for k, system in enumerate([law.system, *law.errors])
        ]
        return make_grams(systems[0], systems[1:], c)


def shortened(fits: FormFits, c: int, proposal: Proposal, best: Candidate) -> Proposal:
    """The proposal without the terms and the numbers that it can do without and be as good as `best`."""
    tuned = (fits.tuned(c, shorter) for shorter in _shorter(fits, proposal))
    good = [one for one in tuned if one is not None and as_good(one[1].chosen, best)]
    return shortened(fits, c, min(good, key=lambda one: one[1].chosen.left)[0], best) if good else proposal


def _shorter(fits: FormFits, proposal: Proposal) -> list[Proposal]:
    """Proposals with a term less, with a part less in a sum inside a form, or with a 0, 1 or -1 for a number."""
    found = [Proposal(tuple(k for k in proposal.known if k != gone), proposal.forms) for gone in proposal.known]
    found += [Proposal(proposal.known, tuple(f for f in proposal.forms if f != gone)) for gone in proposal.forms]

    def change(how: Callable[[Expr], Expr]) -> None:
        with suppress(InputError):
            found.append(fits.propose(proposal.known, [part for f in proposal.forms for part in bases_of(how(f))]))

    for total in {total for form in proposal.forms for total in form.atoms(sympy.Add)}:
        for gone in total.args:
            rest = build.add(*(part for part in total.args if part != gone))
            change(partial(Expr.xreplace, rule={total: rest}))
    for x in numbers_in(proposal.forms):
        for plain in (0, 1, -1):
            change(partial(replace_numbers, new={x: plain}))
    return [one for one in found if one.fits]


def _left(law: Augmented) -> float:
    """What the law leaves when fitted to all blocks, without noise; may be below 0."""
    losses, noise = law.grams.losses(law.grams.fit(law.chosen.support))
    return float(losses.sum() - noise.sum())


def _moved(proposal: Proposal, old: Array, new: Array) -> Proposal | None:
    """The proposal with other numbers; None where they are beyond what rules may hold."""
    try:
        pairs = dict(zip(old.tolist(), new.tolist(), strict=True))
        return replace(proposal, forms=tuple(replace_numbers(form, pairs) for form in proposal.forms))
    except InputError:
        return None
