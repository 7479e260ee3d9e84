"""Rollouts of a batch of states, their losses and gradients: on a CPU one thread for each state, on a GPU one batch.

Steps of small grids are too short for the threads inside torch's operations. On two cores, torch's own threads make an
iteration 1.4 times faster, and one state on each thread 1.9 times; where other programs run too, torch's own threads
make it many times slower. The numbers of a state do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from equations.backends.torch.threads import one_thread
from srnca.texture.derivatives import bounded
from srnca.texture.network import NCA

GUARD = 2.0  # states are clipped to ±GUARD, as young networks would blow up; trained ones never reach it

# (rgb (batch, 3, h, w), random numbers) -> what to lower (batch,), the texture loss (batch,)
Objective = Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Grown:
    """The result of one batch of rollouts.

    states: (batch, channel, h, w) after the last step.
    rgb: (batch, 3, h, w) after the last step.
    texture: texture losses, (batch,).
    gradients: of the objective, mean over the batch, for each parameter.
    """

    states: Tensor
    rgb: Tensor
    texture: Tensor
    gradients: list[Tensor]


class Growing:
    """Rolls states out with a network and differentiates the objective by its parameters."""

    def __init__(self, nca: NCA, objective: Objective, *, excess: float) -> None:
        """excess: weight of the overflow penalty, mean over steps."""
        self.nca, self.objective, self.excess = nca, objective, excess
        self.parameters = [p for p in nca.parameters() if p.requires_grad]

    def __call__(self, states: Tensor, steps: int, seed: int, pool: ThreadPoolExecutor | None) -> Grown:
        """Roll states (batch, channel, h, w) out for `steps` steps.

        seed: of all random draws. pool: threads, see `state_threads`.
        """
        parts = [states] if pool is None else list(states.split(1))
        work = range(len(parts))
        if pool is None:
            grown = [self._part(parts[i], i, steps, seed, len(states)) for i in work]
        else:
            grown = list(pool.map(lambda i: self._part(parts[i], i, steps, seed, len(states)), work))
        gradients = [torch.stack(same).sum(dim=0) for same in zip(*(g.gradients for g in grown), strict=True)]
        return Grown(
            torch.cat([g.states for g in grown]),
            torch.cat([g.rgb for g in grown]),
            torch.cat([g.texture for g in grown]),
            gradients,
        )

    def _part(self, states: Tensor, index: int, steps: int, seed: int, batch: int) -> Grown:
        masks = torch.Generator(states.device).manual_seed(seed + index)
        excess = torch.zeros((), device=states.device)
        for _ in range(steps):
            states, over = bounded(self.nca(states, self.nca.random_mask(states, masks)), GUARD)
            excess = excess + over / steps
        rgb = self.nca.pictures(states)
        wanted, texture = self.objective(rgb, torch.Generator().manual_seed(seed))
        total = (wanted.sum() + self.excess * excess * len(states)) / batch
        gradients = list(torch.autograd.grad(total, self.parameters))
        return Grown(states.detach(), rgb.detach(), texture.detach(), gradients)


@contextmanager
def state_threads(device: torch.device, batch: int) -> Iterator[ThreadPoolExecutor | None]:
    """Threads for the states of a batch; None on a GPU or for a single state."""
    if device.type != "cpu" or batch < 2:
        yield None
        return
    with one_thread() as threads, ThreadPoolExecutor(min(batch, threads)) as pool:
        yield pool


def normalised(gradients: Sequence[Tensor]) -> list[Tensor]:
    """Gradients scaled to unit norm each: after long rollouts only their direction is reliable."""
    finite = [g.nan_to_num(0.0, 0.0, 0.0) for g in gradients]
    return [g / (g.norm() + 1e-8) for g in finite]
