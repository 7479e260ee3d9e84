"""A rule's terms and constants, fitted to the recording itself.

A network proposes the terms, but its error carries over into the constants. So the constants are fitted to rollouts
beside the recording (see `rollout_fit`). Terms are then dropped, the least important first,
as long as held-out rollouts stay as good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sympy import Expr

from distill.identify.footage import Footage
from distill.identify.rollout_fit import RolloutFit
from distill.identify.terms_table import TermsTable, to_digits
from equations.rule.stencils import Stencil, feature_name
from equations.rule.symbols import symbol

Array = np.ndarray
LAPLACIANS = ("lap", "corner")
FIRST_ITERATIONS, LATER_ITERATIONS = 6, 2  # of Gauss-Newton at first, and after terms were dropped
MANY = 16  # of more terms, half of the surplus is dropped at once
AS_GOOD = 0.02  # a rule is as good as another when its held-out loss is within this share of it
CLEANINGS = 2  # times that states are filtered again with the fitted law


@dataclass(frozen=True)
class Refitted:
    """A fitted rule.

    updates: channel → expression.
    loss: mean squared error of held-out rollouts, in units of change.
    before: the same for the rule as it was given.
    frames: length of the rollouts.
    path: (number of terms, loss) of all that was tried.
    gain: of the noise filter, see `clean`; 1 for none.
    """

    updates: dict[str, Expr]
    loss: float
    before: float
    frames: int
    path: tuple[tuple[int, float], ...]
    gain: float


def refit_on_recording(
    updates: Mapping[str, Expr],
    footage: Footage,
    stencils: tuple[Stencil, ...],
    *,
    dt: float,
    inner: int,
    seed: int = 0,
    noisy: bool = False,
    progress: Callable[[float, str], None] = lambda fraction, detail: None,
) -> Refitted:
    """Fit the constants of `updates` (channel → expression) to the recording, and drop needless terms.

    dt, inner: length and number of the steps from one frame to the next.
    noisy: use longer rollouts.
    """
    law = TermsTable(updates, stencils, dt, inner)
    fit = RolloutFit(footage, law, seed, noisy=noisy)
    fit.clean()
    before = fit.loss(fit.held)
    for _ in range(CLEANINGS):
        fit.fit_constants(FIRST_ITERATIONS)
        fit.clean()
    fit.fit_constants(FIRST_ITERATIONS)
    total, tried = len(law.support), []
    floor = float(np.mean([np.square(2.0**-23 * footage.size.numpy() / s).mean() for s in fit.scale]))
    while law.support:
        loss = fit.loss(fit.held)
        tried.append((list(law.support), law.constants.copy(), loss))
        progress(1 - len(law.support) / total, f"{len(law.support)} terms, loss {loss:.3g}")
        least = min(entry[2] for entry in tried)
        if len(law.support) == 1 or (len(tried) > 3 and loss > 3 * least + 10 * floor):
            break
        for _ in range(max(1, (len(law.support) - MANY) // 2)):
            fit.drop(fit.least_important())
        fit.fit_constants(LATER_ITERATIONS)
    limit = (1 + AS_GOOD) * max(min(entry[2] for entry in tried), floor)
    support, constants, _ = min((e for e in tried if e[2] <= limit), key=lambda e: len(e[0]))
    law.support, law.constants = list(support), constants
    fit.clean()
    _choose_laplacians(fit)
    train = fit.fit_constants(FIRST_ITERATIONS)
    exact = fit.law.constants
    fit.law.constants = np.array([to_digits(c, s) for c, s in zip(exact, fit.standard_errors(train), strict=True)])
    if fit.loss(fit.train) > 1.01 * train + floor:
        fit.law.constants = exact
    path = tuple((len(s), value) for s, _, value in tried)
    return Refitted(fit.law.updates(), fit.loss(fit.held), before, fit.frames, path, fit.gain)


def _choose_laplacians(fit: RolloutFit) -> None:
    """Replace each Laplacian by the other where that fits better: on smooth states they are nearly equal."""
    names = {s.name for s in fit.law.stencils}
    if not names.issuperset(LAPLACIANS):
        return
    least = fit.fit_constants(FIRST_ITERATIONS) + fit.loss(fit.held)
    for channel, place in [(c, p) for c in fit.law.channels for p in fit.law.channels]:
        for old, new in (LAPLACIANS, LAPLACIANS[::-1]):
            before, updates = fit.law, fit.law.updates()
            one, other = symbol(feature_name(place, old)), symbol(feature_name(place, new))
            if not updates[channel].has(one) or updates[channel].has(other):
                continue
            updates[channel] = updates[channel].xreplace({one: other})
            fit.law = TermsTable(updates, before.stencils, before.dt, before.inner)
            loss = fit.fit_constants(FIRST_ITERATIONS) + fit.loss(fit.held)
            if loss < least:
                least = loss
                break
            fit.law = before
