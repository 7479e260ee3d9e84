"""Laws whose reaction is in no library: forms proposed by a free-form search, then judged like all other laws.

The search sees what the fields do at one place (`local_change`). Every form that it proposes is fitted in the weak
form. A law with free forms is taken only if it wins as a quotient has to: it explains the change, all laws of the
library with at most as many numbers are clearly worse on held-out windows, and no longer one is clearly better. Numbers
inside a form count, and so does each function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from sympy import Expr

from distill.engines import unavailable
from distill.engines.session import Happenings, Session, open_engines
from distill.fronts.compete import FREE_FORM
from distill.weak.form_fits import FormFits, Proposal, shortened
from distill.weak.form_rivals import count_numbers, doubt_about, forms_of, shape
from distill.weak.forms import bases_of
from distill.weak.local_change import LocalChange, LocalColumns, local_change
from distill.weak.proposals import Proposals
from distill.weak.quotients import Augmented, counted, wins
from distill.weak.selection import EXACT, FLOOR, Candidate, as_good, clearly_worse, make_candidate
from equations.errors import MissingPartError, check_choice

ENGINES = ("auto", "sparse", *FREE_FORM)
STREAM = 60_317
LISTED = "a list of functions"
SHORT = 4  # numbers of a law for which the engine finds no shorter one
LOCAL = 0.01  # share of the squared change beyond which no function of the fields explains it
POINTS = 3000  # at which the search sees the local change
MOST = 12  # proposals that are fitted
CLOSE = 30.0  # times the best proposal's loss that others may have, as the search sees it


@dataclass(frozen=True, eq=False)
class FreeForms:
    """The search for laws with free forms.

    session: the engine that is open.
    notes: what the search came to. doubts: of a channel, what the recording cannot tell from its law.
    """

    fits: FormFits
    session: Session
    seed: int
    notes: list[str] = field(default_factory=list)
    doubts: dict[int, str] = field(default_factory=dict)
    columns: list[LocalColumns] = field(default_factory=list)

    @property
    def engine(self) -> str:
        return self.session.names[0]

    def search(
        self, library: Mapping[int, Augmented], known: Mapping[int, Sequence[Candidate]]
    ) -> dict[int, Augmented]:
        """The laws of channels: with free forms, or the library's where these are as good.

        library, known: of each channel the library's law, and all polynomial laws beside it.
        """
        looks = {c: look for c, law in library.items() if (look := self._look(c, law, known[c])) is not None}
        found = dict(library) | {c: look.law for c, look in looks.items()}
        forms = {term.free.basis: None for law in found.values() for term in law.terms if term.free is not None}
        for c, look in looks.items():
            if found[c] is library[c]:  # what one channel does often stands in the law of another
                look.laws += [law for form in forms if (law := self._with_form(look, form)) is not None]
                found[c] = look.law
            self._tell(look)
        return found

    def _look(self, c: int, library: Augmented, known: Sequence[Candidate]) -> _Look | None:
        """The search for one channel; None where there is nothing to search for."""
        name = self.fits.scaled.channels[c]
        if library.chosen.loss < EXACT:
            self.notes.append(f"{name}: {self.engine} was not needed, for the library's law leaves nothing to explain")
            return None
        local = self._local(c, _derivatives(library))
        if local.fit.beyond > LOCAL:
            self.notes.append(
                f"{name}: {self.engine} was not used, for no function of the fields' values explains the change: with "
                f"these derivatives, {100 * local.fit.beyond:.2g} % is left"
            )
            return None
        proposals = Proposals(self.fits.scaled, local, c, self.seed)
        look = _Look(c, library, [*counted(known), (library.chosen, count_numbers(library))], local)
        look.laws = self._laws(look, proposals.listed())
        settled = look.law is not library or count_numbers(library) <= SHORT
        if not settled or clearly_worse(look.law.chosen, local.fit):
            look.laws += self._laws(look, proposals.searched(self.session))
            look.by = f"{LISTED} and {self.engine}"
        return look

    def _tell(self, look: _Look) -> None:
        """Note what the search came to, and what the recording cannot tell."""
        scaled, law, count = self.fits.scaled, look.law, len(look.laws)
        if law is look.library:
            said = f"no law with forms from {look.by} is better than the library's law"
        else:
            rank = "the only law" if count == 1 else f"the best of {count} laws"
            said = f"{forms_of(law)}: {rank} with forms from {look.by}"
        self.notes.append(f"{scaled.channels[look.c]}: {said}")
        doubt = doubt_about(law, look.laws, look.rivals, scaled.channels, look.local.points * scaled.scales)
        if doubt is not None:
            self.doubts[look.c] = doubt

    def _local(self, c: int, derivatives: Sequence[int]) -> LocalChange:
        fits = self.fits
        if not self.columns:
            self.columns.append(LocalColumns(fits.scaled, fits.setting, fits.noisy[0]))
        allowed = sorted({k for k, t in enumerate(fits.terms) if t.family == "diffusion"} | set(derivatives))
        rng = np.random.default_rng((self.seed, STREAM))
        return local_change(c, fits.terms, allowed, fits.system, fits.errors[0], self.columns[0], rng, POINTS)

    def _laws(self, look: _Look, found: Sequence[tuple[float, Expr]]) -> list[Augmented]:
        """Of those expressions the simplest good law of each shape, without the parts that it does not need.

        Laws that are as good without their forms are left out.
        """
        library = look.library
        tuned = self._tuned(look.c, look.derivatives, found)
        best = min((library.chosen, *(law.chosen for _, law in tuned)), key=lambda one: one.left)
        shapes: dict[frozenset[str], Proposal] = {}
        for proposal, law in sorted(tuned, key=lambda one: one[1].chosen.cost):
            if as_good(law.chosen, best) and not as_good(_plain(proposal, library), best):
                shapes.setdefault(shape(law), proposal)
        finished = (self.fits.finished(look.c, shortened(self.fits, look.c, one, best)) for one in shapes.values())
        return [law for law in finished if law is not None]

    def _with_form(self, look: _Look, form: Expr) -> Augmented | None:
        """The library's law with this form, without the parts that are not needed then; None if the form is one."""
        library, best = look.library, look.law.chosen
        known = [k for k in library.chosen.support if k < len(self.fits.terms)]
        tuned = self.fits.tuned(look.c, Proposal(tuple(sorted({*known, *look.derivatives})), (form,)))
        if tuned is None or not as_good(tuned[1].chosen, best):
            return None
        proposal = shortened(self.fits, look.c, tuned[0], best)
        return None if as_good(_plain(proposal, library), best) else self.fits.finished(look.c, proposal)

    def _tuned(
        self, c: int, derivatives: Sequence[int], found: Sequence[tuple[float, Expr]]
    ) -> list[tuple[Proposal, Augmented]]:
        """The laws of these derivatives and those expressions that are about as good as the best, tuned."""
        best = min((loss for loss, _ in found), default=0.0)
        made: dict[Proposal, None] = {}
        for loss, expr in found:
            proposal = self.fits.propose(derivatives, bases_of(expr))
            if proposal.fits and loss <= CLOSE * max(best, FLOOR):
                made.setdefault(proposal)
        return [one for proposal in list(made)[:MOST] if (one := self.fits.tuned(c, proposal)) is not None]


def _derivatives(law: Augmented) -> list[int]:
    """The indices of the law's terms with derivatives."""
    return [k for k in law.chosen.support if law.terms[k].order]


@dataclass(eq=False)
class _Look:
    """What is known of channel c.

    library: its law of the library. rivals: this and other laws of the library, each with its numbers.
    laws: those with free forms. by: who proposed them.
    """

    c: int
    library: Augmented
    rivals: list[tuple[Candidate, int]]
    local: LocalChange
    laws: list[Augmented] = field(default_factory=list)
    by: str = LISTED

    @property
    def derivatives(self) -> list[int]:
        """The indices of all terms with derivatives that the channel may need."""
        return sorted({*self.local.derivatives, *_derivatives(self.library)})

    @property
    def law(self) -> Augmented:
        """The simplest law with a free form that is as good as the best such, if it wins; else the library's."""
        if not self.laws:
            return self.library
        best = min((law.chosen for law in self.laws), key=lambda one: one.left)
        good = [law for law in self.laws if as_good(law.chosen, best)]
        found = min(good, key=lambda law: (count_numbers(law), law.chosen.cost))
        return found if wins(found.chosen, count_numbers(found), self.rivals) else self.library


def _plain(proposal: Proposal, library: Augmented) -> Candidate:
    """The proposal without its forms."""
    return make_candidate(proposal.known, library.grams, library.terms)


def check_engine(engine: str) -> None:
    """Raises InputError for what is no engine for continuous time, MissingPartError for one that is not there."""
    check_choice("engine", engine, ENGINES)
    if engine in FREE_FORM and (reason := unavailable(engine)):
        raise MissingPartError(reason)


@contextmanager
def free_forms(engine: str, fits: FormFits, seed: int) -> Iterator[FreeForms | None]:
    """The search by this engine; None for "auto" and "sparse", which have none. What it starts ends with the block."""
    if engine not in FREE_FORM:
        yield None
        return
    happenings = Happenings()
    with open_engines((engine,), happenings) as session:
        yield FreeForms(fits, session, seed, happenings.notes)
