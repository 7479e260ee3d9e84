"""Forms for the local change of a channel: from a list of functions, and by the engines for free-form search."""

from __future__ import annotations

import numpy as np
from sympy import Expr

from distill.engines import FitOptions
from distill.engines.base import FUNCTIONS
from distill.engines.session import Session
from distill.fronts.compete import fit_channel
from distill.identify.freeform import reciprocals
from distill.sampling import Samples
from distill.weak.form_seeds import seeds
from distill.weak.local_change import LocalChange
from distill.weak.scaling import Scaled

EVALUATIONS = 200_000  # of expressions, for one channel
MOST_TERMS = 6
LISTED = 600  # points at which listed functions are tried
GUESSES = 2
EXACT = 1e-8  # share of the variance that the local change is known to
HELD = 3  # every third point is held out


class Proposals:
    """Forms for the local change of one channel: expressions of the fields, in the recording's units, each with the
    share of the variance that it leaves.
    """

    def __init__(self, scaled: Scaled, local: LocalChange, c: int, seed: int) -> None:
        x, y = local.points * scaled.scales, local.values * scaled.scales[c] / scaled.dt
        held = np.arange(len(y)) % HELD == 0
        self.seed, self.variance = seed, float(y.var()) or 1.0
        rounding = EXACT * self.variance
        y = y[:, None]
        self.samples = Samples(x[~held], y[~held], scaled.channels, (scaled.channels[c],), x[held], y[held], rounding)
        self.seeds: list[tuple[float, Expr]] = []

    def listed(self) -> list[tuple[float, Expr]]:
        """Those with one function of a list."""
        some = self.samples.subset(LISTED, self.seed)
        self.seeds = seeds(some.X, some.Y[:, 0], some.names)
        return self.seeds

    def searched(self, session: Session) -> list[tuple[float, Expr]]:
        """Those of a free-form search, which starts from the best listed ones."""
        best = sorted(self.seeds, key=lambda one: one[0])[:GUESSES]
        options = FitOptions(
            seed=self.seed,
            max_terms=MOST_TERMS,
            functions=FUNCTIONS,
            evaluations=EVALUATIONS,
            guesses=(
                *reciprocals(self.samples)[:1],
                *(expr for _, expr in best),
            ),
        )
        front = fit_channel(session, self.samples, 0, options=options)
        return [(candidate.loss / self.variance, candidate.expr) for candidate in front]
