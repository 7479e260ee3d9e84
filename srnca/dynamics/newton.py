"""Damped Gauss-Newton (Levenberg-Marquardt) on rollouts, with approximate derivatives.

The exact derivative of a later state by a weight is multiplied by the Jacobian of every step in between. Over the few
steps between two frames this Jacobian is close to the identity, so it is left out: the derivative is
dt · Σ ∂f/∂weight over the states of the rollout. That costs no more than a step and needs a sample of cells only.
Residuals, and with them the decision whether to accept a step, are exact; so where the recording can be fitted the
result is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from distill.identify.windows import Batch, Bounds
from srnca.dynamics.network import RecordingNCA

CELLS = 3000  # of all rollouts, whose derivatives are taken
TRIES = 8  # dampings that are tried for one step
LEAST_DAMPING, FIRST_DAMPING = 1e-9, 1e-3
DECAY = 1e-3  # weight decay per unit of loss: product units must not grow where there are no data
DECAYS = (1e-10, 1e-4)  # least and largest decay


def decay_for(loss: float) -> float:
    return min(max(DECAY * loss, DECAYS[0]), DECAYS[1])


def weights_of(nca: RecordingNCA) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, p) for name, p in nca.named_parameters() if p.numel()]


def jacobian(nca: RecordingNCA, x: Tensor) -> Tensor:
    """∂f/∂weights (channel, n, weights) at scaled features (features, n); weights in the order of `weights_of`."""
    c, n = len(nca.weight), x.shape[1]
    q, views = nca.inner(x)
    through = (nca.weight[:, None, :, None] * views[None]).permute(0, 3, 1, 2)  # (channel, n, view, hidden)
    parts = {
        "hidden": through[..., None] * x.T[None, :, None, None, :],
        "shift": through,
        "weight": _for_own(q.T, c),
    }
    if nca.config.linear_path:
        parts |= {"linear": _for_own(x.T, c), "bias": _for_own(torch.ones_like(x[:1].T), c)}
    flat = [parts[name].reshape(c, n, -1) for name, _ in weights_of(nca)]
    return torch.cat(flat, dim=2) * nca.scaling.change[:, :, None]


def _for_own(rows: Tensor, channels: int) -> Tensor:
    """Derivatives of each channel by its own k weights, (channel, n, channel, k), from rows (n, k)."""
    found = rows.new_zeros(channels, len(rows), channels, rows.shape[1])
    for c in range(channels):
        found[c, :, c] = rows
    return found


class Newton:
    """Gauss-Newton steps of one network; `damping` carries over from step to step."""

    def __init__(self, nca: RecordingNCA, bounds: Bounds, scale: Callable[[int], Tensor]) -> None:
        """scale: number of frames → the unit of errors after that many, (channel,)."""
        self.nca, self.bounds, self.scale = nca, bounds, scale
        self.damping = FIRST_DAMPING

    def step(
        self, batches: Sequence[Batch], inner: int, dt: float, decay: float, random: torch.Generator
    ) -> float | None:
        """One step, with `inner` CA steps of `dt` between frames: the new loss, or None if nothing lowers the loss."""
        with torch.no_grad():
            normal, moment, before = self._system(batches, inner, dt, random)
            weights = [p for _, p in weights_of(self.nca)]
            old = torch.cat([p.flatten() for p in weights])
            diagonal = normal.diagonal()
            total = before + decay * float(old.square().sum())
            for _ in range(TRIES):
                damped = normal + torch.diag(self.damping * (diagonal + 1e-9 * diagonal.mean()) + decay)
                moved, failed = torch.linalg.solve_ex(damped, moment - decay * old)
                if not failed and moved.isfinite().all():
                    self._set(weights, old + moved)
                    after = self.loss(batches, inner, dt)
                    if after + decay * float((old + moved).square().sum()) < total:
                        self.damping = max(self.damping / 3, LEAST_DAMPING)
                        return after
                self.damping *= 4
            self._set(weights, old)
            self.damping = FIRST_DAMPING
            return None

    @torch.no_grad()
    def loss(self, batches: Sequence[Batch], inner: int, dt: float) -> float:
        """Mean squared error over frames, channels and cells, in units of change."""
        return float(rollout_loss(self.nca, batches, inner, dt, self.bounds, self.scale))

    def _system(
        self, batches: Sequence[Batch], inner: int, dt: float, random: torch.Generator
    ) -> tuple[Tensor, Tensor, float]:
        """The normal equations (matrix and right-hand side), from a sample of cells, and the loss of all."""
        count = sum(p.numel() for _, p in weights_of(self.nca))
        normal, moment = self.nca.weight.new_zeros(count, count), self.nca.weight.new_zeros(count)
        rows, squares, cells = 0, 0.0, 0
        share = -(-CELLS // len(batches))
        for batch in batches:
            state, grid = batch.first, batch.first[0].numel()
            chosen = torch.randperm(grid, generator=random)[:share].to(state.device)
            root = batch.weight.expand(batch.first[0].shape).flatten().sqrt()
            slope: Tensor | float = 0.0
            for k, wanted in enumerate(batch.later, 1):
                for _ in range(inner):
                    x = self.nca.scaled(self.nca.perceive(state))
                    slope = slope + dt * jacobian(self.nca, x[:, chosen])
                    state = self.bounds(state + dt * self.nca.rate(x).view(state.shape))
                unit = self.scale(k).to(state.device)
                off = (wanted - state).flatten(1) / unit[:, None] * root
                slopes = (slope / unit[:, None, None] * root[chosen, None]).flatten(0, 1)
                here = off[:, chosen].flatten()
                normal += slopes.T @ slopes
                moment += slopes.T @ here
                rows += len(here)
                squares += float(off.square().sum())
                cells += off.numel()
        return normal / rows, moment / rows, squares / cells

    @staticmethod
    def _set(weights: list[torch.nn.Parameter], values: Tensor) -> None:
        place = 0
        for p in weights:
            p.copy_(values[place : place + p.numel()].view(p.shape))
            place += p.numel()


def rollout_loss(
    nca: RecordingNCA, batches: Sequence[Batch], inner: int, dt: float, bounds: Bounds, scale: Callable[[int], Tensor]
) -> Tensor:
    """Mean squared error over frames, channels and cells, in units of change; with gradients."""
    squares, cells = nca.weight.new_zeros(()), 0
    for batch in batches:
        state, shown = batch.first, batch.later.shape[1]
        for k, wanted in enumerate(batch.later, 1):
            for _ in range(inner):
                state = bounds(nca(state, dt))
            off = (wanted - state[:shown]) / scale(k).to(state.device)[:, None, None, None]
            squares = squares + (off.square() * batch.weight).sum()
            cells += off.numel()
    return squares / cells
