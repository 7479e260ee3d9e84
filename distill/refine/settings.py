"""What refinement is asked for, and how it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Generator, Tensor


@dataclass(frozen=True)
class Objective:
    """How a rule's pictures are judged. All take (batch, 3, h, w) and return (batch,).

    train: differentiable, what the constants follow; may draw from the generator. judge: by which rules are chosen.
    measure: the texture loss.
    """

    train: Callable[[Tensor, Generator], Tensor]
    judge: Callable[[Tensor], Tensor]
    measure: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Settings:
    """iterations: of the optimiser, shared equally by all levels. spent: refinement ends where the best scores of two
    levels in a row are this many times the best of all: fewer terms will not do.
    side, steps: tuning runs on a smaller grid than judging (textures are statistics, and time is cells), for
    so many steps between two looks. pool, batch, fresh_every, damaged_every: states kept, taken at once, and how often
    (once in so many looks) the first of these is born anew and the last damaged. rate: of the first chain, of a term's
    effect, not of its constant. memory: of the running mean that is judged. ages: steps at which pictures are judged.
    isotropy: by how much (of the score) a term with a slope must matter more than others to stay. tried, trial_steps:
    the share of terms whose removal is tried, and for how long. regrown, looks: the share of a level's terms that comes
    back from those dropped before, and how many rollouts choose them. states: how much the teacher's own states count
    beside the pictures, 0 for not at all.
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
    states: float = 0.0
