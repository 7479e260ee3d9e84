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

from equations.numeric import compile_numpy
from equations.perception import perceive
from equations.stencils import Stencil, feature_names
from equations.terms import join_terms, split_terms
from srnca.dynamics.footage import Footage
from srnca.dynamics.rollout import Batch, Bounds, cleanest, gather

Array = np.ndarray
WINDOWS, HELD_WINDOWS = 6, 6
CELLS = 6000
MOST_FRAMES = 3  # of a rollout
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


class _Law:
    """Terms of every channel with their constants; rolls out beside a recording."""

    def __init__(self, updates: Mapping[str, Expr], stencils: tuple[Stencil, ...], dt: float, inner: int) -> None:
        self.channels, self.stencils, self.dt, self.inner = tuple(updates), stencils, dt, inner
        terms = [split_terms(updates[c]) for c in self.channels]
        self.bases = list(dict.fromkeys(basis for of_one in terms for _, basis in of_one))
        self.support = [(c, self.bases.index(b)) for c, of_one in enumerate(terms) for _, b in of_one]
        self.constants = np.array([value for of_one in terms for value, _ in of_one], np.float64)
        self._evaluate = compile_numpy(self.bases, feature_names(self.channels, stencils))

    def values(self, state: Array) -> Array:
        """The bases on a state (channel, batch, h, w): (bases, batch, h, w)."""
        seen = perceive(np.ascontiguousarray(state.swapaxes(0, 1)), self.stencils)
        return self._evaluate(seen.swapaxes(0, 1))

    def rate(self, values: Array, constants: Array | None = None) -> Array:
        matrix = np.zeros((len(self.channels), len(self.bases)))
        for (c, b), value in zip(self.support, self.constants if constants is None else constants, strict=True):
            matrix[c, b] = value
        return np.tensordot(matrix, values, 1)

    def forecast(self, state: Tensor) -> Tensor:
        """From one frame to the next."""
        now = state.numpy()
        for _ in range(self.inner):
            now = now + self.dt * self.rate(self.values(now))
        return torch.from_numpy(now)

    def updates(self, constants: Array) -> dict[str, Expr]:
        found: dict[str, list[tuple[float, Expr]]] = {c: [] for c in self.channels}
        for (c, b), value in zip(self.support, constants, strict=True):
            found[self.channels[c]].append((float(value), self.bases[b]))
        return {c: join_terms(terms) for c, terms in found.items()}


class _Fit:
    """One law against the windows of a recording."""

    def __init__(self, footage: Footage, law: _Law, seed: int) -> None:
        self.footage, self.law = footage, law
        self.random = torch.Generator().manual_seed(seed)
        self.frames = max(1, min(MOST_FRAMES, footage.longest // 5))
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
    progress: Callable[[float, str], None] = lambda fraction, detail: None,
) -> Refitted:
    """`updates` (channel -> expression) with the terms and constants that the recording's windows ask for."""
    law = _Law(updates, stencils, dt, inner)
    fit = _Fit(footage, law, seed)
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
    train = fit.settle(SETTLING)
    rounded = np.array([_to_digits(c, s) for c, s in zip(law.constants, fit.deviations(train), strict=True)])
    exact, law.constants = law.constants, rounded
    if fit.rolled(fit.train) > 1.01 * train + floor:
        law.constants = exact
    path = tuple((len(s), value) for s, _, value in tried)
    return Refitted(law.updates(law.constants), fit.rolled(fit.held), before, fit.frames, path, fit.gain)


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
