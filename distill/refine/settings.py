"""What refinement is asked for, and how it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Generator, Tensor


@dataclass(frozen=True)
class Objective:
    """How a rule's pictures are judged. All three functions take (batch, 3, h, w) and return (batch,).

    train: the differentiable loss whose gradient the constants follow; it may draw from the generator.
    judge: the score by which rules are chosen.
    measure: the texture loss that is reported.
    """

    train: Callable[[Tensor, Generator], Tensor]
    judge: Callable[[Tensor], Tensor]
    measure: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Settings:
    """How refinement works.

    iterations: optimiser iterations, shared equally by all levels.
    spent: stop when the best scores of two consecutive levels exceed the overall best by this factor.
    side: tuning runs on at most side x side cells, fewer than judging: textures are statistics, and cells cost time.
    steps: smallest and largest number of steps of a rollout whose last state gives a gradient.
    pool: states that are kept; rollouts start from them and put their last states back.
    batch: states taken from the pool for one gradient.
    fresh_every: in one of this many gradients, on average, the first state is replaced by a new first state.
    damaged_every: in one of this many gradients, on average, the last state is damaged.
    rate: learning rate of the first chain, for the size of a term's effect rather than for its constant.
    smallest: least typical size of a term, which its effect is measured with.
    memory: decay of the running mean of the constants, which is what is judged.
    overflow: weight of the penalty on states beyond the teacher's range.
    judge_seeds: first states that rules are judged by while they are tuned.
    ages: steps at which pictures are judged.
    judged_at: when rules are judged while they are tuned, as shares of a level's iterations.
    tried: share of the terms, those of smallest effect, whose removal is tried before pruning.
    trial_steps: steps of the rollout that tries it.
    regrown: share of a level's terms that is chosen anew among the terms dropped before.
    looks: rollouts whose gradients choose them.
    isotropy: relative margin of the score by which a term that favours a direction must matter more than others.
    colours: whether the constants of the colours are tuned, pruned and counted along with those of the channels.
    states: weight of the teacher's own states beside the pictures; 0 leaves them out.
    least_iterations: iterations of a level, however little effort or time there is.
    final_seeds: first states by which the rules found are judged at the end.
    late_ages: steps at which an old texture is compared with the one at the first of the ages.
    damage_interval: steps between two discs of damage before that.
    large_seeds: grids of twice the side for this comparison that each of two threads runs at once.
    large_lots: largest number of such rounds; there is another one while it is open whether a texture lasts.
    """

    iterations: int = 2592
    spent: float = 3.0
    side: int = 48
    steps: tuple[int, int] = (24, 56)
    pool: int = 64
    batch: int = 2
    fresh_every: int = 6
    damaged_every: int = 4
    rate: float = 3e-4
    smallest: float = 1e-3
    memory: float = 0.98
    overflow: float = 1.0
    judge_seeds: int = 3
    ages: tuple[int, ...] = (400, 1600)
    judged_at: tuple[float, ...] = (0.6, 0.8, 0.9, 1.0)
    tried: float = 0.6
    trial_steps: int = 64
    regrown: float = 0.04
    looks: int = 8
    isotropy: float = 0.02
    colours: bool = False
    states: float = 0.0
    least_iterations: int = 5
    final_seeds: int = 16
    late_ages: tuple[int, ...] = (6000, 8000, 10_000)
    damage_interval: int = 200
    large_seeds: int = 4
    large_lots: int = 4
