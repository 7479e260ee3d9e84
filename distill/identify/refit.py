"""The last word is the recording's: which terms of a rule its windows ask for, and their constants.

A network offers the terms; what it is wrong by, it is wrong by in the constants too. So the constants are fitted to
rollouts beside the recording (Gauss-Newton, as in `newton`), and terms go one by one, the least missed first, as long
as held-out rollouts stay as good.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sympy import Expr
from torch import Tensor

from distill.identify.footage import Footage
from distill.identify.terms_table import Law
from distill.identify.windows import Batch, Bounds, cleanest, gather
from equations.rule.stencils import Stencil, feature_name
from equations.rule.symbols import symbol

Array = np.ndarray
WINDOWS, HELD_WINDOWS = 6, 6
CELLS = 6000
MOST_FRAMES, NOISY_FRAMES = 3, 12  # of a rollout; noise averages out over longer ones
LAPLACIANS = ("lap", "corner")
SETTLING, LATER = 6, 2  # Gauss-Newton iterations at first, and after a term is gone
MANY = 16  # terms: beyond them half of the surplus goes at once
SAME = 0.02  # a rule is as good as another when its held-out loss is within this share of it
CLEANINGS = 2


@dataclass(frozen=True)
class Refitted:
    """updates: channel -> expression. loss: held out, mean squared error in units of change; before: of the rule as it
    came. frames: of each rollout. path: (terms in all, loss) of what was tried. gain: how far states were cleaned.
    """

    updates: dict[str, Expr]
    loss: float
    before: float
    frames: int
    path: tuple[tuple[int, float], ...]
    gain: float


class _Fit:
    """One law against the windows of a recording."""

    def __init__(self, footage: Footage, law: Law, seed: int, *, noisy: bool = False) -> None:
        self.footage, self.law = footage, law
        self.random = torch.Generator().manual_seed(seed)
        self.frames = max(1, min(NOISY_FRAMES if noisy else MOST_FRAMES, footage.longest // 5))
        self.scale = [footage.change_over(k).numpy() for k in range(1, self.frames + 1)]
        self.bounds = Bounds(footage, torch.device("cpu"))
        self.train: list[Batch] = []
        self.held: list[Batch] = []
        self.gain = 1.0
        self.normal = np.zeros((0, 0))
        self.moment = np.zeros(0)

    def clean(self) -> None:
        """Windows anew, from states that the law as it is now cleans of noise where that helps."""

        def ahead(state: Tensor) -> Tensor:
            return self.bounds(self.law.forecast(state))

        states, self.gain = cleanest(self.footage, ahead, lambda shown: shown)
        chosen = self.footage.draw(self.frames, WINDOWS, self.random)
        held = self.footage.windows(self.frames, held=True)
        held = held[:: -(-len(held) // HELD_WINDOWS)]
        cpu = torch.device("cpu")
        self.train = gather(self.footage, states, chosen, self.frames, cpu)
        self.held = gather(self.footage, states, held, self.frames, cpu)

    def rolled(self, batches: Sequence[Batch], see: Callable[[Array, Array, int], None] | None = None) -> float:
        """The loss; `see` hears, at each frame, the chosen cells' derivatives and residuals."""
        squares, cells, law = 0.0, 0, self.law
        for batch in batches:
            state, later = batch.first.numpy(), batch.later.numpy()
            grid = state[0].size
            chosen = torch.randperm(grid, generator=self.random)[: CELLS // len(batches)].numpy() if see else None
            root = np.sqrt(np.broadcast_to(batch.weight.numpy(), batch.first[0].shape).ravel())
            slope = np.zeros(())
            for k, wanted in enumerate(later):
                for _ in range(law.inner):
                    values = law.values(state)
                    if chosen is not None:
                        slope = slope + law.dt * values.reshape(len(values), -1)[:, chosen]
                    state = state + law.dt * law.rate(values)
                    if not np.abs(state).max() < 1e6:
                        return math.inf
                off = (wanted - state).reshape(len(state), -1) / self.scale[k][:, None] * root
                squares += float(np.square(off).sum())
                cells += off.size
                if see is not None and chosen is not None:
                    see(slope * root[chosen], off[:, chosen], k)
        return squares / cells

    def settle(self, iterations: int) -> float:
        """Gauss-Newton on the constants; returns the training loss."""
        law, loss = self.law, math.inf
        for _ in range(iterations):
            count = len(law.support)
            normal, moment, rows = np.zeros((count, count)), np.zeros(count), [0]
            of_channel = np.array([c for c, _ in law.support])
            basis = np.array([b for _, b in law.support])

            def see(slope: Array, off: Array, k: int) -> None:
                for c in range(len(law.channels)):
                    mine = np.flatnonzero(of_channel == c)  # noqa: B023
                    a = slope[basis[mine]] / self.scale[k][c]  # noqa: B023
                    normal[np.ix_(mine, mine)] += a @ a.T  # noqa: B023
                    moment[mine] += a @ off[c]  # noqa: B023
                rows[0] += off.size  # noqa: B023

            loss = self.rolled(self.train, see)
            if not math.isfinite(loss):
                return loss
            self.normal, self.moment = normal / rows[0], moment / rows[0]
            old = law.constants
            moved = _solve(self.normal, self.moment)
            for share in (1.0, 0.5, 0.2, 0.05):
                law.constants = old + share * moved
                after = self.rolled(self.train)
                if after <= loss:
                    break
            else:
                law.constants = old
                return loss
            if after > 0.999 * loss:
                return after
            loss = after
        return loss

    def least_missed(self) -> int:
        """The term without which the loss would grow least."""
        weights = self.law.constants
        norm = np.sqrt(np.maximum(np.diag(self.normal), 1e-300))
        inverse = np.linalg.pinv(self.normal / np.outer(norm, norm), rcond=1e-12, hermitian=True)
        return int(np.argmin(np.square(weights * norm) / np.maximum(np.diag(inverse), 1e-300)))

    def deviations(self, loss: float) -> Array:
        """Standard errors of the constants, if residuals are as independent as white noise."""
        norm = np.sqrt(np.maximum(np.diag(self.normal), 1e-300))
        inverse = np.linalg.pinv(self.normal / np.outer(norm, norm), rcond=1e-12, hermitian=True)
        found: Array = np.sqrt(np.maximum(np.diag(inverse), 0) * loss / CELLS) / norm
        return found

    def drop(self, place: int) -> None:
        """Take a term away; the other constants follow as the last normal equations say."""
        law = self.law
        law.support.pop(place)
        change = np.delete(self._without(place), place)
        law.constants = np.delete(law.constants, place) + change
        self.normal = np.delete(np.delete(self.normal, place, 0), place, 1)

    def _without(self, place: int) -> Array:
        """How the constants change when that at `place` goes to 0."""
        norm = np.sqrt(np.maximum(np.diag(self.normal), 1e-300))
        inverse = np.linalg.pinv(self.normal / np.outer(norm, norm), rcond=1e-12, hermitian=True) / np.outer(norm, norm)
        found: Array = -inverse[:, place] * self.law.constants[place] / max(float(inverse[place, place]), 1e-300)
        return found


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
    """`updates` (channel -> expression) with the terms and constants that the recording's windows ask for."""
    law = Law(updates, stencils, dt, inner)
    fit = _Fit(footage, law, seed, noisy=noisy)
    fit.clean()
    before = fit.rolled(fit.held)
    for _ in range(CLEANINGS):
        fit.settle(SETTLING)
        fit.clean()
    fit.settle(SETTLING)
    total, tried = len(law.support), []
    floor = float(np.mean([np.square(2.0**-23 * footage.size.numpy() / s).mean() for s in fit.scale]))
    while law.support:
        loss = fit.rolled(fit.held)
        tried.append((list(law.support), law.constants.copy(), loss))
        progress(1 - len(law.support) / total, f"{len(law.support)} terms, loss {loss:.3g}")
        least = min(entry[2] for entry in tried)
        if len(law.support) == 1 or (len(tried) > 3 and loss > 3 * least + 10 * floor):
            break
        for _ in range(max(1, (len(law.support) - MANY) // 2)):
            fit.drop(fit.least_missed())
        fit.settle(LATER)
    limit = (1 + SAME) * max(min(entry[2] for entry in tried), floor)
    support, constants, _ = min((e for e in tried if e[2] <= limit), key=lambda e: len(e[0]))
    law.support, law.constants = list(support), constants
    fit.clean()
    _settle_laplacians(fit)
    train = fit.settle(SETTLING)
    exact = fit.law.constants
    fit.law.constants = np.array([_to_digits(c, s) for c, s in zip(exact, fit.deviations(train), strict=True)])
    if fit.rolled(fit.train) > 1.01 * train + floor:
        fit.law.constants = exact
    path = tuple((len(s), value) for s, _, value in tried)
    return Refitted(fit.law.updates(), fit.rolled(fit.held), before, fit.frames, path, fit.gain)


def _settle_laplacians(fit: _Fit) -> None:
    """On smooth states the two Laplacians are all but one: each that was taken is tried against the other."""
    names = {s.name for s in fit.law.stencils}
    if not names.issuperset(LAPLACIANS):
        return
    least = fit.settle(SETTLING) + fit.rolled(fit.held)
    for channel, place in [(c, p) for c in fit.law.channels for p in fit.law.channels]:
        for old, new in (LAPLACIANS, LAPLACIANS[::-1]):
            before, updates = fit.law, fit.law.updates()
            one, other = symbol(feature_name(place, old)), symbol(feature_name(place, new))
            if not updates[channel].has(one) or updates[channel].has(other):
                continue
            updates[channel] = updates[channel].xreplace({one: other})
            fit.law = Law(updates, before.stencils, before.dt, before.inner)
            loss = fit.settle(SETTLING) + fit.rolled(fit.held)
            if loss < least:
                least = loss
                break
            fit.law = before


def _solve(normal: Array, moment: Array) -> Array:
    norm = np.sqrt(np.maximum(np.diag(normal), 1e-300))
    scaled = normal / np.outer(norm, norm)
    found: Array = np.linalg.lstsq(scaled, moment / norm, rcond=1e-12)[0] / norm
    return found


def _to_digits(value: float, slack: float) -> float:
    """The number with the fewest digits within `slack`, but never 0: a term that is there stays."""
    for digits in range(1, 16):
        rounded = float(f"{value:.{digits - 1}e}")
        if abs(rounded - value) <= slack:
            return rounded
    return value
