"""How good a rule's pictures are at several ages, from first states that tuning does not use."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from distill.refine.coloured import pictures_of
from distill.refine.pictures import damaged, first_state, masks_of
from distill.refine.settings import Objective, Settings
from distill.refine.table import TermTable
from equations.rule.mask import shift_seed

Losses = npt.NDArray[np.floating]

LASTS = (0.85, 1.15)  # bounds of the ratio of late to early texture loss between which a texture lasts
TINY = 1e-4  # losses below this are invisible (a flat picture's is 1) and count as this in the ratio
SURE = 2  # stop adding grids once the ratio is this many standard errors from both bounds of LASTS
DISCS = 4  # discs of damage on each grid before the late ages
RUNAWAY = 4  # a state that exceeds the teacher's range by this factor ends a run


@dataclass(frozen=True)
class Scoring:
    """Runs rules and measures their pictures.

    size: (height, width) of the pictures.
    seed: of the first states, the masks and the damage.
    limit: largest |state| of the teacher.
    """

    objective: Objective
    settings: Settings
    size: tuple[int, int]
    seed: int
    limit: float

    def quick(self, table: TermTable, best: float = math.inf) -> tuple[float, float]:
        """(texture loss, score) for use during tuning, each the worst over the ages; infinite where a state runs away.

        Once the score reaches `best`, later ages are skipped: the worst over the ages can only grow.
        """
        return _worst(self._losses(table, self.settings.judge_seeds, 0, self.settings.ages, best))

    def thorough(self, table: TermTable) -> tuple[float, float]:
        """The same for the last decisions, from more first states and other ones.

        Rules were chosen by the first states of `quick`, so their losses there are too low.
        """
        return _worst(self._losses(table, self.settings.final_seeds, 500, self.settings.ages, math.inf))

    def aged(self, table: TermTable, damage: bool = True) -> tuple[float, float]:
        """(texture loss at the first age, ratio of late to early loss), on grids of twice the size.

        Larger grids have a smaller error. The ratio is infinite where a state runs away. Damage stands for rare events
        that would occur by chance in many more cells and steps. The loss is the mean over the first grids, the same
        for all rules. For the ratio, grids are added while their scatter leaves open whether the texture lasts.
        """
        s = self.settings
        first, size = s.ages[0], (2 * self.size[0], 2 * self.size[1])
        ages = (*range(first, first + DISCS * s.damage_interval, s.damage_interval), *s.late_ages)

        def losses(part: int) -> npt.NDArray[np.float64]:
            large = replace(self, size=size, seed=shift_seed(self.seed, part))
            found = large._losses(table, s.large_seeds, 900, ages, math.inf, damage)
            return np.maximum([loss for loss, _ in found], TINY).T

        grids = np.empty((0, len(ages)))
        with ThreadPoolExecutor(2) as pool:
            for lot in range(s.large_lots):
                grids = np.vstack([grids, *pool.map(losses, (2 * lot, 2 * lot + 1))])
                early, late = grids[:, 0], grids[:, -len(s.late_ages) :].mean(axis=1)
                if not np.isfinite(late).all():
                    ratio = math.inf
                    break
                ratio, error = ratio_of_means(late, early)
                if min(abs(ratio - bound) for bound in LASTS) >= SURE * error:
                    break
        return float(grids[: 2 * s.large_seeds, 0].mean()), ratio

    def _losses(
        self, table: TermTable, seeds: int, apart: int, ages: tuple[int, ...], best: float, damage: bool = False
    ) -> list[tuple[Losses, Losses]]:
        """(texture loss, score) of every state at each age; infinite for all states from where one runs away.

        seeds, apart: how many first states, and what is added to the seed for them.
        best: stop after the age at which the mean score reaches this.
        damage: damage a disc of every state after each age.
        """
        base = shift_seed(2**31, 1000 * self.seed + apart)
        state = np.stack([first_state(table.rule, self.size, shift_seed(base, i)) for i in range(seeds)])
        lost = np.full(seeds, math.inf)
        found, age = list[tuple[Losses, Losses]](), 0
        random = np.random.default_rng((self.seed, 0x10DE))
        for until in ages:
            while age < until:  # 50 steps at a time, since masks take memory
                steps = min(50, until - age)
                masks = masks_of(table.rule, random, steps, len(state), self.size)
                state = table.kernel.last(table.constants(), state, steps, masks=masks)
                age += steps
                if not np.abs(state).max() <= RUNAWAY * self.limit:
                    return [*found, *[(lost, lost)] * (len(ages) - len(found))]
            with torch.no_grad():
                rgb = torch.from_numpy(pictures_of(table, state))
                found.append((self.objective.measure(rgb).numpy(), self.objective.judge(rgb).numpy()))
            if found[-1][1].mean() >= best:
                break
            if damage:
                state = np.stack([damaged(one, random) for one in state])
        return found


def lasts(ageing: float) -> bool:
    """Whether the ratio of late to early loss lies within LASTS."""
    return LASTS[0] <= ageing <= LASTS[1]


def ratio_of_means(above: npt.NDArray[np.floating], below: npt.NDArray[np.floating]) -> tuple[float, float]:
    """mean(above) / mean(below) of paired values, each (n,), and the standard error of this ratio."""
    ratio = above.mean() / below.mean()
    return float(ratio), float(np.std(above - ratio * below, ddof=1) / math.sqrt(len(above)) / below.mean())


def _worst(found: list[tuple[Losses, Losses]]) -> tuple[float, float]:
    """(loss, score): for each the mean over all states, at the age where that is largest."""
    losses, scores = (max(float(one.mean()) for one in kind) for kind in zip(*found, strict=True))
    return losses, scores
