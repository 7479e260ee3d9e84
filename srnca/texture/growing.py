"""A batch of states grown, judged and differentiated: on a CPU each on a thread of its own, on a GPU all at once.

Steps of small grids are too short for the threads inside torch's operations: on two cores those make an iteration
1.4 times faster, one state a thread 1.9 times; and where other programs run too, they make it many times slower.
A state's numbers do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from equations.backends.torch.threads import one_thread
from srnca.texture.loss import overflow
from srnca.texture.network import NCA

GUARD = 2.0  # a net under young rules, which would blow up; a trained one never touches it

# (rgb (batch, 3, h, w), random numbers) -> what to lower (batch,), the texture loss (batch,)
Objective = Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Grown:
    """states (batch, channel, h, w) and rgb (batch, 3, h, w) after the last step, texture losses (batch,), and the
    gradient by every parameter, mean over the batch.
    """

    states: Tensor
    rgb: Tensor
    texture: Tensor
    gradients: list[Tensor]


class Growing:
    """Grows states with a network and says how its parameters should change."""

    def __init__(self, nca: NCA, objective: Objective, *, excess: float) -> None:
        """excess: weight of the overflow penalty, mean over steps."""
        self.nca, self.objective, self.excess = nca, objective, excess
        self.parameters = [p for p in nca.parameters() if p.requires_grad]

    def __call__(self, states: Tensor, steps: int, seed: int, pool: ThreadPoolExecutor | None) -> Grown:
        """`steps` steps of states (batch, channel, h, w), all draws from `seed`; pool: see state_threads."""
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
            states = self.nca(states, self.nca.random_mask(states, masks))
            excess = excess + overflow(states) / steps
            states = states.clamp(-GUARD, GUARD)
        rgb = self.nca.rgb(states)
        wanted, texture = self.objective(rgb, torch.Generator().manual_seed(seed))
        total = (wanted.sum() + self.excess * excess * len(states)) / batch
        gradients = list(torch.autograd.grad(total, self.parameters))
        return Grown(states.detach(), rgb.detach(), texture.detach(), gradients)


@contextmanager
def state_threads(device: torch.device, batch: int) -> Iterator[ThreadPoolExecutor | None]:
    """Threads for the states of a batch; None where there is nothing to share out."""
    if device.type != "cpu" or batch < 2:
        yield None
        return
    with one_thread() as threads, ThreadPoolExecutor(min(batch, threads)) as pool:
        yield pool


def normalised(gradients: Sequence[Tensor]) -> list[Tensor]:
    """Gradients of unit norm: long rollouts give them any size; only their direction is trusted."""
    finite = [g.nan_to_num(0.0, 0.0, 0.0) for g in gradients]
    return [g / (g.norm() + 1e-8) for g in finite]
