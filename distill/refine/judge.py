"""How good a rule's pictures are, from first states that tuning does not use, at every age that is looked at."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch

from distill.refine.pictures import damaged, first_state, masks_of, rgb_of
from distill.refine.settings import Objective, Settings
from distill.refine.table import TermTable
from equations.mask import shift_seed

SEEDS = 8  # first states that the last decisions are made on; their mean moves by 2 % with the choice of seeds
LATE = (4000, 6000, 8000)  # steps
LASTS = (0.85, 1.1)  # times the loss of the first of the ages, till then
TINY = 1e-4  # a texture loss that nobody sees: that of a flat picture is 1
LARGE_SEEDS = 4  # grids of twice the size, which have as many cells as 16; so many for each of two threads
DISCS, APART = 4, 200  # damaged on each of them at first, and the steps between two
RUNAWAY = 4  # a value so many times the limit ends a run


@dataclass(frozen=True)
class Judge:
    """size: (height, width) of the pictures. limit: how far the teacher's states go."""

    objective: Objective
    settings: Settings
    size: tuple[int, int]
    seed: int
    limit: float

    def quick(self, table: TermTable, best: float = math.inf) -> tuple[float, float]:
        """(texture loss, score) while rules are tuned, each the worst of the ages; infinite where a state runs away.

        A score that reaches `best` at an early age is not followed further: an older picture can only be worse.
        """
        return _worst(self._look(table, self.settings.judge_seeds, 0, self.settings.ages, best))

    def thorough(self, table: TermTable) -> tuple[float, float]:
        """The same from more and other first states than rules are tuned by, which flatter them."""
        return _worst(self._look(table, SEEDS, 500, self.settings.ages, math.inf))

    def ageing(self, table: TermTable, damage: bool = True) -> float:
        """Texture loss when old, in units of that of the first age; infinite where a state runs away."""
        return self.aged(table, damage)[1]

    def aged(self, table: TermTable, damage: bool = True) -> tuple[float, float]:
        """Texture loss at the first age, and `ageing`, on grids of twice the size, whose loss is surer. Damage shows
        what chance would do in many more cells and steps.
        """
        first, size = self.settings.ages[0], (2 * self.size[0], 2 * self.size[1])
        ages = (*range(first, first + DISCS * APART, APART), *LATE)

        def losses(half: int) -> list[float]:
            large = replace(self, size=size, seed=shift_seed(self.seed, half))
            return [loss for loss, _ in large._look(table, LARGE_SEEDS, 900, ages, math.inf, damage)]

        with ThreadPoolExecutor(2) as pool:
            young, *rest = (max(sum(pair) / 2, TINY) for pair in zip(*pool.map(losses, range(2)), strict=True))
        old = sum(rest[-len(LATE) :]) / len(LATE)
        return young, old / young if math.isfinite(old) else math.inf

    def _look(
        self, table: TermTable, seeds: int, apart: int, ages: tuple[int, ...], best: float, damage: bool = False
    ) -> list[tuple[float, float]]:
        """(texture loss, score) of each age; infinite from where a state runs away. `damage`: a disc after each age."""
        base = shift_seed(2**31, 1000 * self.seed + apart)
        state = np.stack([first_state(table.rule, self.size, shift_seed(base, i)) for i in range(seeds)])
        found, age = list[tuple[float, float]](), 0
        random = np.random.default_rng((self.seed, 0x10DE))
        for until in ages:
            while age < until:  # in parts: masks take memory
                steps = min(50, until - age)
                masks = masks_of(table.rule, random, steps, len(state), self.size)
                state = table.kernel.last(table.constants(), state, steps, masks=masks)
                age += steps
                if not np.abs(state).max() <= RUNAWAY * self.limit:
                    return [*found, *[(math.inf, math.inf)] * (len(ages) - len(found))]
            with torch.no_grad():
                rgb = torch.from_numpy(rgb_of(table.rule, state))
                found.append((float(self.objective.measure(rgb).mean()), float(self.objective.judge(rgb).mean())))
            if found[-1][1] >= best:
                break
            if damage:
                state = np.stack([damaged(one, random) for one in state])
        return found


def _worst(found: list[tuple[float, float]]) -> tuple[float, float]:
    losses, scores = zip(*found, strict=True)
    return max(losses), max(scores)
