"""Closed-loop refinement: constants by gradient through rollouts, the smallest terms pruned step by step.

A rule that is right to 95 % for one step drifts off its texture in a hundred; only rollouts tell. So the rule is
run, its pictures are judged, and its constants follow the gradient, as its network was trained. Then the terms of
the smallest effect go, and the rest is tuned again. That traces the front that matters: terms against loss.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from distill.engines import Progress, silent
from distill.sampling import Samples
from distill.stages import reach
from distill.teacher import Teacher
from distill.termwise import TermMatrix
from equations.errors import SrncaError
from equations.init import make_state
from equations.mask import shift_seed
from equations.rule import Rule

POOL = 64
BATCH = 2
SIDE = 48  # tuning runs on a smaller grid than judging: textures are statistics, and time is cells
STEPS = (20, 48)  # a rollout between two looks
FRESH_EVERY = 4
RATE = 6e-4  # of a term's effect, not of its constant
PRUNE = 0.75  # share of the terms that survives a level
ITERATIONS_PER_S = 7.0  # nominal: 8 channels, two cores
LEAST = 5  # iterations of a level, however short the budget
JUDGE_STEPS = 400
JUDGE_SEEDS = 3
JUDGE_EVERY = 50
TOLERANCE = 1.25  # the knee: the shortest rule whose loss is within this factor of the best
OVERFLOW_WEIGHT = 1.0


@dataclass(frozen=True)
class Objective:
    """How a rule's pictures are judged. Both take (batch, 3, h, w) and return (batch,).

    train: differentiable, what the constants follow. measure: the texture loss, by which rules are chosen.
    """

    train: Callable[[Tensor], Tensor]
    measure: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class RefineResult:
    """The chosen rule, and the best rule of every level: (terms per channel, texture loss, rule)."""

    rule: Rule
    front: list[tuple[float, float, Rule]]


def levels(start: int, channels: int, max_terms: int) -> list[int]:
    """Total terms at each level: from `start` down by a quarter at a time, stopping at `max_terms` per channel on
    the way, to a third of that.
    """
    wanted, limit = [start], channels * max_terms
    last = max(channels, limit // 3)
    while wanted[-1] > last:
        fewer = max(last, min(wanted[-1] - 1, round(PRUNE * wanted[-1])))
        wanted.append(limit if fewer < limit < wanted[-1] else fewer)
    return wanted


def refine(
    rule: Rule,
    objective: Objective,
    *,
    teacher: Teacher,
    size: tuple[int, int],
    seed: int,
    budget_s: float,
    max_terms: int,
    samples: Samples,
    progress: Progress | None = None,
) -> RefineResult:
    """Tune and prune `rule` until it makes the teacher's texture with few terms.

    budget_s: sets the optimiser iterations of a level, at a nominal speed, so that the same seed and budget give
    the same rule; a machine that needs more than twice as long stops at the level it has reached. samples: tell
    how far the teacher's states go.
    Raises SrncaError when no level yields a rule that survives a long rollout.
    """
    loop = _Loop(rule, objective, teacher, size, seed, limit=max(1.0, reach(samples)))
    plan = levels(loop.matrix.terms, len(rule.channels), max_terms)
    iterations = max(LEAST, round(ITERATIONS_PER_S * budget_s / len(plan)))
    deadline = time.monotonic() + 2 * budget_s
    loop.judge()
    for index, total in enumerate(plan):
        loop.matrix.prune(total)
        loop.tune(iterations, deadline, _reporter(progress or silent, index, len(plan), loop))
        if time.monotonic() > deadline:
            break
    channels = len(rule.channels)
    front = [(f.terms / channels, f.loss, f.rule) for f in loop.found.values() if math.isfinite(f.loss)]
    if not front:
        raise SrncaError("refinement: no rule survived a long rollout; train the teacher longer or give more --budget")
    return RefineResult(loop.rounded(choose(front, max_terms)), sorted(front, key=lambda point: point[0]))


def choose(front: list[tuple[float, float, Rule]], max_terms: int) -> Rule:
    """The shortest rule of at most `max_terms` per channel whose loss is within 25 % of the best of those."""
    short = [p for p in front if p[0] <= max_terms] or [min(front, key=lambda p: p[0])]
    best = min(loss for _, loss, _ in short)
    return min((p for p in short if p[1] <= TOLERANCE * best), key=lambda p: p[0])[2]


def _reporter(progress: Progress, index: int, count: int, loop: _Loop) -> Callable[[float], None]:
    channels = len(loop.matrix.rule.channels)

    def report(fraction: float) -> None:
        best = loop.found.get(loop.matrix.terms)
        loss = f", texture loss {best.loss:.3f}" if best else ""
        progress("refine", (index + fraction) / count, f"{loop.matrix.terms / channels:.1f} terms a channel{loss}")

    return report


@dataclass
class _Found:
    terms: int
    loss: float
    rule: Rule
    constants: Tensor


@dataclass
class _Loop:
    """The rule under treatment, its pool of states, its optimiser, and the best that was found so far."""

    rule: Rule
    objective: Objective
    teacher: Teacher
    size: tuple[int, int]
    seed: int
    limit: float
    found: dict[int, _Found] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = torch.Generator().manual_seed(self.seed)
        self.patch = (min(SIDE, self.size[0]), min(SIDE, self.size[1]))
        self.matrix = TermMatrix(self.rule)
        seed = shift_seed(self.seed, 7)
        frames = self.teacher.rollout(size=self.patch, steps=JUDGE_STEPS, seed=seed, every=JUDGE_STEPS // 8)
        grown = torch.from_numpy(frames[1:])
        self.matrix.calibrate(grown)
        self.pool = torch.stack([self._fresh() for _ in range(POOL)])
        self.pool[: len(grown)] = grown  # some states begin where the teacher is already

    def _fresh(self) -> Tensor:
        assert self.rule.init is not None
        seed = int(torch.randint(2**31, (), generator=self.random))
        return torch.from_numpy(make_state(self.rule.init, len(self.rule.channels), self.patch, seed))

    def tune(self, iterations: int, deadline: float, report: Callable[[float], None]) -> None:
        """`iterations` optimiser steps on the terms alive, judged now and then; ends on the best constants seen."""
        optimiser = torch.optim.Adam([self.matrix.scaled], lr=RATE, betas=(0.9, 0.98))
        for i in range(iterations):
            for group in optimiser.param_groups:
                group["lr"] = RATE * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * i / iterations)))
            self._learn(optimiser)
            if (i + 1) % JUDGE_EVERY == 0 or i + 1 == iterations:
                self.judge()
            report((i + 1) / iterations)
            if time.monotonic() > deadline:
                break
        best = self.found.get(self.matrix.terms)
        if best is not None:
            with torch.no_grad():
                self.matrix.scaled.copy_(best.constants)

    def _learn(self, optimiser: torch.optim.Optimizer) -> None:
        chosen = torch.randperm(POOL, generator=self.random)[:BATCH]
        state = self.pool[chosen]
        if int(torch.randint(FRESH_EVERY, (), generator=self.random)) == 0:
            state[0] = self._fresh()
        steps = int(torch.randint(STEPS[0], STEPS[1] + 1, (), generator=self.random))
        excess = torch.zeros(())
        for _ in range(steps):
            state = self.matrix(state, self._mask(state))
            inside = state.clamp(-self.limit, self.limit)
            excess = excess + (state - inside).abs().sum() / (BATCH * steps)
            state = state.clamp(-2 * self.limit, 2 * self.limit)  # a net under rules just pruned, which blow up
        loss = self.objective.train(self._rgb(state)).mean() + OVERFLOW_WEIGHT * excess
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        gradient = self.matrix.scaled.grad
        assert gradient is not None
        gradient.nan_to_num_(0.0, 0.0, 0.0)
        gradient /= gradient.norm() + 1e-8
        optimiser.step()
        with torch.no_grad():
            self.matrix.scaled.mul_(self.matrix.alive)
        self.pool[chosen] = state.detach().nan_to_num_(0.0, 0.0, 0.0)

    def _mask(self, state: Tensor) -> Tensor | None:
        if self.rule.update_rate >= 1:
            return None
        batch, channels, h, w = state.shape
        shape = (batch, channels if self.rule.mask == "channel" else 1, h, w)
        return (torch.rand(shape, generator=self.random) < self.rule.update_rate).to(state.dtype)

    def _rgb(self, state: Tensor) -> Tensor:
        assert self.rule.display is not None
        shown = [self.rule.channels.index(name) for name in self.rule.display.channels]
        return self.rule.display.scale * state[:, shown] + self.rule.display.offset

    @torch.no_grad()
    def measure(self, matrix: TermMatrix) -> float:
        """Texture loss after a long rollout from seeds that tuning does not use; inf if a state runs away."""
        assert self.rule.init is not None
        c, base = len(self.rule.channels), shift_seed(2**31, 1000 * self.seed)
        state = torch.stack(
            [
                torch.from_numpy(make_state(self.rule.init, c, self.size, shift_seed(base, i)))
                for i in range(JUDGE_SEEDS)
            ]
        )
        for step in range(JUDGE_STEPS):
            state = matrix(state, self._mask(state))
            if step % 50 == 49 and not float(state.abs().max()) <= 4 * self.limit:
                return math.inf
        return float(self.objective.measure(self._rgb(state)).mean())

    def judge(self) -> None:
        """Measure the rule as it is; remember it if it is the best of its number of terms."""
        loss = self.measure(self.matrix)
        terms, best = self.matrix.terms, self.found.get(self.matrix.terms)
        if best is None or loss < best.loss:
            self.found[terms] = _Found(terms, loss, self.matrix.to_rule(), self.matrix.scaled.detach().clone())

    def rounded(self, rule: Rule) -> Rule:
        """`rule` with as few digits in its constants as the texture loss does not feel (within 2 %)."""
        matrix = TermMatrix(rule)
        exact = self.measure(matrix)
        for digits in (2, 3, 4):
            short = matrix.to_rule(digits)
            if self.measure(TermMatrix(short)) <= 1.02 * exact:
                return short
        return rule
