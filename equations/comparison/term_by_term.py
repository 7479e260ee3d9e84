"""Two updates term by term: what is shared, missing and spurious, and how far they are apart on typical cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from equations.comparison.cells import Cells
from equations.comparison.kernels import CORRECTS, describe_laplacian
from equations.comparison.raw_terms import ONE, Monomial, times
from equations.comparison.reduced_law import Below, Term, Update
from equations.comparison.wording import term_text

SAME = 0.005  # coefficients are the same if their relative difference is at most this
NOTABLE = 0.005  # a term that adds less than this to a channel's distance has next to no effect
STENCIL_SAME = 0.01  # stencils are the same if their corrections differ by at most this part of the leading term
Status = Literal["shared", "missing", "spurious"]


@dataclass(frozen=True)
class TermMatch:
    """One term of a model's channel, in the model's names and units, per unit of its time.

    rule, model: the coefficients; None where the term is not there.
    error: the relative error of the coefficient of a shared term.
    below: the largest relative error of the numbers inside its denominators.
    stencil: where the rule uses another stencil for the same term, a description of both.
    cost: what the difference adds to the channel's distance.
    """

    channel: str
    term: str
    status: Status
    rule: float | None
    model: float | None
    error: float | None
    below: float
    stencil: str | None
    cost: float

    @property
    def worst(self) -> float:
        """The larger of its relative errors; 1 for a missing or spurious term, 0 if that one has next to no effect."""
        if self.status != "shared":
            return float(self.cost > NOTABLE)
        return max(abs(self.error or 0.0), self.below)

    @property
    def differs(self) -> bool:
        """Whether the rule and the model differ in this term, by more than half a percent."""
        off = abs(self.error or 0.0) > SAME or self.below > SAME
        return self.status != "shared" or off or self.stencil is not None


def match_terms(
    channel: str, rule: Update, model: Update, cells: Cells, size_of: Callable[[Term, Update], float], step: float
) -> tuple[float, list[TermMatch]]:
    """The distance of two updates of a channel, and their terms, those with the largest effect first.

    For each term, R and M are its values in the rule and in the model on the same cells. The distance is
    Σ rms(R - M) / Σ (rms R + rms M) over all terms: 0 for equal updates, 1 for updates that share nothing, and half the
    relative error if all coefficients share one (J. R. Bray, J. T. Curtis, Ecological Monographs 27 (1957) 325-349).
    size_of: gives the rms of a term that the model's cells do not define. step: the time of a step.
    """
    parts = []
    by_lead = _by_lead(rule), _by_lead(model)
    for lead in dict.fromkeys([*by_lead[1], *by_lead[0]]):
        ours, theirs = (found.get(lead, []) for found in by_lead)
        r, m = (cells.of(u, [t for t in terms if _on_cells(t, cells)]) for u, terms in ((rule, ours), (model, theirs)))
        away = sum(abs(rule.terms[t]) * size_of(t, rule) for t in ours if not _on_cells(t, cells))
        parts.append((lead, ours, theirs, _rms(r - m) + away, _rms(r) + _rms(m) + away))
    total = sum(part[-1] for part in parts)
    if total == 0:
        return 1.0, []  # nothing can be said about two updates that are 0
    parts.sort(key=lambda part: -part[-1])
    found = [_describe(channel, rule, model, *part[:3], part[3] / total, step) for part in parts]
    return sum(part[3] for part in parts) / total, found


def _describe(
    channel: str,
    rule: Update,
    model: Update,
    lead: Term,
    ours: list[Term],
    theirs: list[Term],
    cost: float,
    step: float,
) -> TermMatch:
    shared = lead if lead in ours and lead in theirs else None
    if shared is None and ours and theirs and lead not in ours and lead not in theirs:
        shared = next((term for term in theirs if term in ours), None)  # only corrections: ∇⁴ and the like
    shown = shared or next((t for t in (lead, *theirs, *ours) if t in rule.terms or t in model.terms), lead)
    r, m = ((u.terms.get(shown) or None) for u in (rule, model))
    status: Status = "shared" if shared else "missing" if theirs and (lead in theirs or not ours) else "spurious"
    if status == "missing":
        r = None
    elif status == "spurious":
        m = None
    numbers = model if m is not None else rule
    return TermMatch(
        channel=channel,
        term=term_text(shown, numbers.below),
        status=status,
        rule=None if r is None else r / step,
        model=None if m is None else m / step,
        error=r / m - 1 if shared and r is not None and m is not None else None,
        below=max((_below_error(rule, model, den) for den in shown.over), default=0.0) if shared else 0.0,
        stencil=_stencil(rule, model, lead, ours, theirs) if shared == lead else None,
        cost=cost,
    )


def _below_error(rule: Update, model: Update, den: Below) -> float:
    pairs = zip(rule.below[den], model.below[den], strict=True)
    return max(abs(a / b - 1) for a, b in pairs)


def _stencil(rule: Update, model: Update, lead: Term, ours: list[Term], theirs: list[Term]) -> str | None:
    """A description of the rule's stencil where its corrections differ from the model's, else None."""
    kinds = [{t: u.terms[t] / u.terms[lead] for t in terms} for u, terms in ((rule, ours), (model, theirs))]
    if all(abs(kinds[0].get(t, 0.0) - kinds[1].get(t, 0.0)) <= STENCIL_SAME for t in {*kinds[0], *kinds[1]}):
        return None
    if len(lead.monomial) == 1 and lead.monomial[0][1:] == ("lap", 1) and not lead.over:
        ours_named, theirs_named = (_laplacian(kind) for kind in kinds)
        return f"through the {ours_named} Laplacian, the model's is {theirs_named}"
    return "through another stencil than the model's"


def _laplacian(kind: dict[Term, float]) -> str:
    return describe_laplacian({t.monomial[0][1]: value for t, value in kind.items()})


def _by_lead(update: Update) -> dict[Term, list[Term]]:
    found: dict[Term, list[Term]] = {}
    for term in update.terms:
        found.setdefault(lead_of(term), []).append(term)
    return found


def lead_of(term: Term) -> Term:
    """The term with higher-order differences replaced by the derivative they correct: u·δx²δy²v belongs to u·∇²v."""
    monomial: Monomial = ONE
    for channel, part, power in term.monomial:
        monomial = times(monomial, ((channel, CORRECTS.get(part, part), power),))
    return Term(monomial, term.over, term.other)


def _on_cells(term: Term, cells: Cells) -> bool:
    return term.other is None and term.channels <= set(cells.around)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
