"""The constants of a law, fitted by Gauss-Newton to rollouts beside a recording."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from distill.identify.footage import Footage
from distill.identify.terms_table import TermsTable
from distill.identify.windows import Batch, Bounds, cleanest, gather

Array = np.ndarray
WINDOWS, HELD_WINDOWS = 6, 6  # numbers of windows to fit to, and held out
CELLS = 6000  # of all rollouts, whose derivatives are taken
MOST_FRAMES, NOISY_FRAMES = 3, 12  # frames of a rollout; with noise more, so that it averages out


class RolloutFit:
    """One law, and windows of a recording that its constants are fitted to."""

    def __init__(self, footage: Footage, law: TermsTable, seed: int, *, noisy: bool = False) -> None:
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
        """Draw windows, from states filtered of noise with the present law where that helps."""

        def ahead(state: Tensor) -> Tensor:
            return self.bounds(self.law.forecast(state))

        states, self.gain = cleanest(self.footage, ahead, lambda shown: shown)
        chosen = self.footage.draw(self.frames, WINDOWS, self.random)
        held = self.footage.windows(self.frames, held=True)
        held = held[:: -(-len(held) // HELD_WINDOWS)]
        cpu = torch.device("cpu")
        self.train = gather(self.footage, states, chosen, self.frames, cpu)
        self.held = gather(self.footage, states, held, self.frames, cpu)

    def loss(self, batches: Sequence[Batch], observe: Callable[[Array, Array, int], None] | None = None) -> float:
        """Mean squared error; `observe` gets (derivatives, residuals, frame) of a sample of cells at each frame."""
        squares, cells, law = 0.0, 0, self.law
        for batch in batches:
            state, later = batch.first.numpy(), batch.later.numpy()
            grid = state[0].size
            chosen = torch.randperm(grid, generator=self.random)[: CELLS // len(batches)].numpy() if observe else None
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
                if observe is not None and chosen is not None:
                    observe(slope * root[chosen], off[:, chosen], k)
        return squares / cells

    def fit_constants(self, iterations: int) -> float:
        """Fit the constants by Gauss-Newton; returns the training loss."""
        law, loss = self.law, math.inf
        for _ in range(iterations):
            count = len(law.support)
            normal, moment, rows = np.zeros((count, count)), np.zeros(count), [0]
            of_channel = np.array([c for c, _ in law.support])
            basis = np.array([b for _, b in law.support])

            def observe(slope: Array, off: Array, k: int) -> None:
                for c in range(len(law.channels)):
                    mine = np.flatnonzero(of_channel == c)  # noqa: B023
                    a = slope[basis[mine]] / self.scale[k][c]  # noqa: B023
                    normal[np.ix_(mine, mine)] += a @ a.T  # noqa: B023
                    moment[mine] += a @ off[c]  # noqa: B023
                rows[0] += off.size  # noqa: B023

            loss = self.loss(self.train, observe)
            if not math.isfinite(loss):
                return loss
            self.normal, self.moment = normal / rows[0], moment / rows[0]
            old = law.constants
            moved = _solve(self.normal, self.moment)
            for share in (1.0, 0.5, 0.2, 0.05):
                law.constants = old + share * moved
                after = self.loss(self.train)
                if after <= loss:
                    break
            else:
                law.constants = old
                return loss
            if after > 0.999 * loss:
                return after
            loss = after
        return loss

    def least_important(self) -> int:
        """Index of the term whose removal would raise the loss least."""
        weights = self.law.constants
        norm, inverse = _inverse(self.normal)
        return int(np.argmin(np.square(weights * norm) / np.maximum(np.diag(inverse), 1e-300)))

    def standard_errors(self, loss: float) -> Array:
        """Standard errors of the constants, for independent residuals."""
        norm, inverse = _inverse(self.normal)
        found: Array = np.sqrt(np.maximum(np.diag(inverse), 0) * loss / CELLS) / norm
        return found

    def drop(self, place: int) -> None:
        """Remove a term and adjust the other constants by the latest normal equations."""
        law = self.law
        law.support.pop(place)
        change = np.delete(self._without(place), place)
        law.constants = np.delete(law.constants, place) + change
        self.normal = np.delete(np.delete(self.normal, place, 0), place, 1)

    def _without(self, place: int) -> Array:
        """The change of all constants when the one at `place` becomes 0."""
        norm, scaled = _inverse(self.normal)
        inverse = scaled / np.outer(norm, norm)
        found: Array = -inverse[:, place] * self.law.constants[place] / max(float(inverse[place, place]), 1e-300)
        return found


def _norm(normal: Array) -> Array:
    """Lengths of the columns behind a normal matrix."""
    return np.asarray(np.sqrt(np.maximum(np.diag(normal), 1e-300)))


def _inverse(normal: Array) -> tuple[Array, Array]:
    """The columns' lengths, and the pseudo-inverse of the normal matrix of unit columns."""
    norm = _norm(normal)
    return norm, np.linalg.pinv(normal / np.outer(norm, norm), rcond=1e-12, hermitian=True)


def _solve(normal: Array, moment: Array) -> Array:
    norm = _norm(normal)
    scaled = normal / np.outer(norm, norm)
    found: Array = np.linalg.lstsq(scaled, moment / norm, rcond=1e-12)[0] / norm
    return found
