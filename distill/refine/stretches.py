"""Short pieces of the teacher's own rollouts, which a rule that is refined for its pictures may also have to follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from distill.refine.table import Floats, TermTable
from distill.teacher import Teacher
from equations.rule.mask import shift_seed, update_mask

STEPS = 8  # per stretch: enough for errors of successive steps to combine, too few for rollouts to diverge by chance
ROLLOUTS = 2
AGE = 400  # steps of each rollout


@dataclass(frozen=True)
class Stretches:
    """Pairs of teacher states that lie `STEPS` steps apart.

    start, end: states (n, channel, h, w).
    masks: (n, steps, 1 or channel, h, w), the teacher's update masks; None where every cell updates.
    spread: (channel, 1, 1), standard deviations of the teacher's states.
    """

    start: Floats
    end: Floats
    masks: Floats | None
    spread: Floats

    def pull(self, table: TermTable, chosen: np.ndarray, *, bound: float) -> np.ndarray:
        """The gradient, by the table's scaled constants, of the mean squared distance between the rule's and the
        teacher's end states, in units of the spread. chosen: numbers of the stretches. bound: states are cut to ±bound.
        """
        masks = None if self.masks is None else np.ascontiguousarray(self.masks[chosen].swapaxes(0, 1))
        tape = table.kernel.rollout(table.constants(), self.start[chosen], STEPS, masks=masks, bound=bound)
        apart = (tape.state() - self.end[chosen]) / self.spread
        adjoint = np.ascontiguousarray(2 * apart / (self.spread * apart.size), np.float32)
        return np.nan_to_num(tape.gradient(adjoint, limit=bound, excess=0.0) / table.sizes(), posinf=0.0, neginf=0.0)


def stretches_of(teacher: Teacher, *, size: tuple[int, int], seed: int) -> Stretches:
    """All stretches of two rollouts of 400 steps, from their first states on."""
    seeds = [shift_seed(seed, 1 + i) for i in range(ROLLOUTS)]
    grown = [teacher.rollout(size=size, steps=AGE, seed=s, every=STEPS) for s in seeds]
    spread = np.maximum(np.concatenate(grown).std(axis=(0, 2, 3), keepdims=True)[0], 1e-3)
    masks = None if teacher.update_rate >= 1 else np.stack(list(_masks(teacher, size, seeds)))
    start, end = (np.concatenate([frames[part] for frames in grown]) for part in (slice(-1), slice(1, None)))
    return Stretches(start.astype(np.float32), end.astype(np.float32), masks, spread.astype(np.float32))


def _masks(teacher: Teacher, size: tuple[int, int], seeds: list[int]) -> Iterator[Floats]:
    """The masks (steps, 1 or channel, h, w) of each stretch, computed as the teacher's rollouts compute them."""
    channels = len(teacher.channels) if teacher.mask == "channel" else None
    for seed in seeds:
        for begin in range(0, AGE, STEPS):
            on = [
                update_mask(teacher.update_rate, seed=seed, step=begin + i, shape=size, channels=channels)
                for i in range(STEPS)
            ]
            yield np.stack(on).reshape(STEPS, -1, *size).astype(np.float32)
