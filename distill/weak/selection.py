"""Which terms an equation has: the simplest support that explains, on held-out windows, what can be explained.

What is compared is the residual without what noise adds to it: terms with many derivatives can cancel noise with noise,
which lowers the residual itself and means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from distill.weak.forms import numbers_in
from distill.weak.grams import Grams
from distill.weak.paths import backward, forward, gains
from distill.weak.terms import Term
from equations.expressions.terms import complexity

Array = npt.NDArray[np.float64]

MOST_TERMS = 12  # in a forward path
GROWTH = 4.0  # by which the squared error of sampling may grow for a simpler support
MOST_GROWTH = 0.03  # share of the squared change that may be lost for a simpler support, however bad the best one is
FLOOR = 1e-6  # share of the squared change below which nothing is explained further
EXACT = 1e-9  # share of the squared change that an exact law may leave of a recording without noise
ROUNDED = 1e-12  # share that rounding may leave
MORE = 1e3  # times what an exact law leaves, another one may leave
CLEAR = 3.0  # standard errors at which a difference on held-out windows is one
SHORTLIST = 5  # terms that are tried in another's place
NOISY = 0.3  # of what noise adds, by which a loss must be larger to count whatever its scatter
UNSURE = 0.1  # of the noise that is subtracted may be too much
MOSTLY = 0.3  # of the held-out loss that noise does not explain: then sampling is the limit
LEVELS = (("reaction", "diffusion"), ("reaction", "diffusion", "fourth_order", "nonlinear_diffusion", "taxis"))
DIRECTED = ("advection", "anisotropy")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A support.

    losses: its held-out loss in each block.
    noise: the part of it that noise explains.
    cost: how complicated it is.
    """

    support: tuple[int, ...]
    losses: Array
    noise: Array
    cost: float

    @property
    def loss(self) -> float:
        return float(self.losses.sum())

    @property
    def clean(self) -> Array:
        """The losses without noise, of each block."""
        return self.losses - self.noise

    @property
    def beyond(self) -> float:
        """What it leaves unexplained, at least 0: if more noise is subtracted than there is, its estimate is wrong."""
        return max(0.0, float(self.clean.sum()))

    @property
    def left(self) -> float:
        """`beyond`, and a part of the noise, which is not known exactly."""
        return self.beyond + UNSURE * float(self.noise.sum())

    @property
    def excess(self) -> float:
        """The loss that noise does not explain; 0 where it explains most."""
        beyond = float(self.clean.sum())
        return beyond if beyond > MOSTLY * self.loss else 0.0


def cost_of(term: Term) -> float:
    """1 and a little for each degree, each derivative and a preferred direction; 1 more for the number in a quotient,
    and for a free form and each number in it.

    Ties go to what is simple.
    """
    if term.free is not None:
        return 2.0 + len(numbers_in([term.free.basis])) + 0.05 * complexity(term.free.basis)
    inside = 0.0 if term.saturation is None else 1.0 + 0.05 * term.saturation.power
    return 1.0 + 0.05 * (len(term.channels) + term.order) + (0.1 if term.family in DIRECTED else 0.0) + inside


def candidates(grams: Grams, terms: Sequence[Term]) -> list[Candidate]:
    """Supports of libraries of growing size, by elimination and by addition, simplest first."""
    everything = list(range(grams.terms))
    levels = [[k for k in everything if terms[k].family in families] for families in LEVELS] + [
        [k for k in everything if terms[k].family not in DIRECTED],
        everything,
    ]
    found: dict[tuple[int, ...], None] = {(): None}
    for allowed in levels:
        if allowed:
            gram = grams.without_noise(allowed)
            for support in backward(gram, allowed) + forward(gram, allowed, MOST_TERMS):
                found.setdefault(tuple(sorted(support)), None)
    return sorted((make_candidate(s, grams, terms) for s in found), key=lambda c: c.cost)


def choose(found: Sequence[Candidate], grams: Grams, terms: Sequence[Term]) -> Candidate:
    """The simplest support that is not clearly worse than the best candidate.

    From the simplest candidate, terms are dropped, or exchanged for simpler ones, as long as that holds.
    """
    best = min(found, key=lambda c: c.left)
    chosen = next((c for c in found if not clearly_worse(c, best)), best)
    while True:
        for trials in (_shorter(chosen), _merged(chosen, grams), _simpler(chosen, grams, terms)):
            made = (make_candidate(support, grams, terms) for support in trials)
            good = [c for c in made if not clearly_worse(c, best)]
            if good:
                chosen = min(good, key=lambda c: c.left)
                break
        else:
            return chosen


def _shorter(chosen: Candidate) -> list[list[int]]:
    """Supports with one term less."""
    return [[i for i in chosen.support if i != k] for k in chosen.support]


def _merged(chosen: Candidate, grams: Grams) -> list[list[int]]:
    """Supports with two terms exchanged for one of the most promising ones."""
    gram, everything = grams.without_noise(chosen.support), list(range(grams.terms))
    found = []
    for pair in combinations(chosen.support, 2):
        rest = [i for i in chosen.support if i not in pair]
        found += [[*rest, int(j)] for j in np.argsort(-gains(gram, rest, everything))[:SHORTLIST] if j not in rest]
    return found


def _simpler(chosen: Candidate, grams: Grams, terms: Sequence[Term]) -> list[list[int]]:
    """Supports with one term exchanged for one of the most promising simpler ones."""
    gram = grams.without_noise(chosen.support)
    found = []
    for k in chosen.support:
        rest = [i for i in chosen.support if i != k]
        simpler = [j for j in range(len(terms)) if j not in chosen.support and cost_of(terms[j]) < cost_of(terms[k])]
        if simpler:
            best = np.argsort(-gains(gram, rest, simpler))[:SHORTLIST]
            found += [[*rest, simpler[j]] for j in best]
    return found


def make_candidate(support: Sequence[int], grams: Grams, terms: Sequence[Term]) -> Candidate:
    """A support with what it loses on held-out windows."""
    ordered = tuple(sorted(support))
    return Candidate(ordered, *grams.held_out(ordered), sum(cost_of(terms[k]) for k in ordered))


def clearly_worse(one: Candidate, other: Candidate) -> bool:
    """Whether `one` leaves more unexplained than `other`, beyond scatter and beyond the error of sampling.

    Blocks differ much in how much happens in them, so differences relative to the blocks' losses are asked as well, and
    their ranks: where a front passes through few blocks, these scatter so much that no mean is clear. What is lost
    counts by itself where it is much, and not small beside what noise adds.
    """
    difference = one.clean - other.clean
    lost = float(difference.sum())
    if lost <= max(FLOOR, min((GROWTH - 1) * other.excess, MOST_GROWTH)):
        return False
    if one.beyond - other.beyond > MOST_GROWTH + NOISY * float(one.noise.sum() + other.noise.sum()):
        return True  # where little happens in most blocks, even a loss of half the change may not be clear by scatter
    relative = difference / np.clip(one.losses + other.losses, 1e-300, None)
    return max(map(in_errors, (difference, relative, signed_ranks(difference)))) > CLEAR


def as_good(one: Candidate, other: Candidate) -> bool:
    """Whether `one` is not clearly worse than `other`, and nearly as exact where `other` is exact."""
    exact = other.loss < EXACT and one.loss > max(ROUNDED, MORE * other.loss)
    return not exact and not clearly_worse(one, other)


def signed_ranks(values: Array) -> Array:
    """The rank of each value's size, with its sign (Wilcoxon 1945, Biometrics Bulletin 1, 80)."""
    return np.sign(values) * (1.0 + np.argsort(np.argsort(np.abs(values))))


def in_errors(values: Array) -> float:
    """The mean in units of its standard error."""
    if len(values) < 2:
        return np.inf
    return float(values.mean() / max(float(np.std(values, ddof=1)), 1e-300) * np.sqrt(len(values)))
