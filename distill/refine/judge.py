"""How good a rule's pictures are, from first states that tuning does not use, at every age that is looked at."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from distill.refine.pictures import damaged, first_state, masks_of, rgb_of
from distill.refine.settings import Objective, Settings
from distill.refine.table import TermTable
from equations.rule.mask import shift_seed

Losses = npt.NDArray[np.floating]

SEEDS = 16  # first states that the last decisions are made on
LATE = (6000, 8000, 10_000)  # steps
LASTS = (0.85, 1.15)  # times the loss of the first of the ages, till then
TINY = 1e-4  # a texture loss that nobody sees: that of a flat picture is 1
LARGE_SEEDS = 4  # grids of twice the size, which have as many cells as 16; so many for each of two threads
LOTS = 4  # of so many grids at most: a loss of slow bands differs by a third from grid to grid
SURE = 2  # standard errors from either bound of `LASTS`, and no more grids are asked
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

    def aged(self, table: TermTable, damage: bool = True) -> tuple[float, float]:
        """(texture loss at the first age, loss when old in units of that) on grids of twice the size, whose loss is
        surer; the second is infinite where a state runs away. Damage shows what chance would do in many more cells and
        steps. The first is of the first grids, the same for all rules; for the second there are more of them, where
        their scatter leaves open whether a texture lasts.
        """
        first, size = self.settings.ages[0], (2 * self.size[0], 2 * self.size[1])
        ages = (*range(first, first + DISCS * APART, APART), *LATE)

        def losses(part: int) -> npt.NDArray[np.float64]:
            large = replace(self, size=size, seed=shift_seed(self.seed, part))
            looks = large._look(table, LARGE_SEEDS, 900, ages, math.inf, damage)
            return np.maximum([loss for loss, _ in looks], TINY).T

        grids = np.empty((0, len(ages)))
        with ThreadPoolExecutor(2) as pool:
            for lot in range(LOTS):
                grids = np.vstack([grids, *pool.map(losses, (2 * lot, 2 * lot + 1))])
                young, old = grids[:, 0], grids[:, -len(LATE) :].mean(axis=1)
                if not np.isfinite(old).all():
                    ratio = math.inf
                    break
                ratio, error = ratio_of_means(old, young)
                if min(abs(ratio - bound) for bound in LASTS) >= SURE * error:
                    break
        return float(grids[: 2 * LARGE_SEEDS, 0].mean()), ratio

    def _look(
        self, table: TermTable, seeds: int, apart: int, ages: tuple[int, ...], best: float, damage: bool = False
    ) -> list[tuple[Losses, Losses]]:
        """(texture loss, score) of every state at each age; all infinite from where one runs away. `damage`: a disc
        after each age.
        """
        base = shift_seed(2**31, 1000 * self.seed + apart)
        state = np.stack([first_state(table.rule, self.size, shift_seed(base, i)) for i in range(seeds)])
        lost = np.full(seeds, math.inf)
        found, age = list[tuple[Losses, Losses]](), 0
        random = np.random.default_rng((self.seed, 0x10DE))
        for until in ages:
            while age < until:  # in parts: masks take memory
                steps = min(50, until - age)
                masks = masks_of(table.rule, random, steps, len(state), self.size)
                state = table.kernel.last(table.constants(), state, steps, masks=masks)
                age += steps
                if not np.abs(state).max() <= RUNAWAY * self.limit:
                    return [*found, *[(lost, lost)] * (len(ages) - len(found))]
            with torch.no_grad():
                rgb = torch.from_numpy(rgb_of(table.rule, state))
                found.append((self.objective.measure(rgb).numpy(), self.objective.judge(rgb).numpy()))
            if found[-1][1].mean() >= best:
                break
            if damage:
                state = np.stack([damaged(one, random) for one in state])
        return found


def lasts(ageing: float) -> bool:
    """Whether a texture whose loss when old is so many times the early one keeps."""
    return LASTS[0] <= ageing <= LASTS[1]


def ratio_of_means(above: npt.NDArray[np.floating], below: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Of values (n,) that belong together in pairs; and its standard error."""
    ratio = above.mean() / below.mean()
    return float(ratio), float(np.std(above - ratio * below, ddof=1) / math.sqrt(len(above)) / below.mean())


def _worst(found: list[tuple[Losses, Losses]]) -> tuple[float, float]:
    """The means over all states, the worst of the ages."""
    losses, scores = (max(float(one.mean()) for one in kind) for kind in zip(*found, strict=True))
    return losses, scores
