"""A planted teacher of three flat colours, rules near it, and short refinements of them, which these tests share."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor

from distill.refine import Objective, RefinedRule, RefineResult, Settings, refine
from distill.refine.chain import Chain
from distill.sampling import Samples
from distill.teacher import RuleTeacher
from equations.rule.init import Init
from equations.rule.rule import Display, Rule
from tests.test_distill.teachers import planted

torch.set_num_threads(1)

PROPER: dict[str, Any] = {
    "init": Init("noise", background=(0.1, 0.0, 0.0), amplitude=(0.2, 0.2, 0.2)),
    "display": Display(("r", "g", "b"), offset=0.5),
}
# Each channel forgets, and goes to a colour of its own: constant / rate.
PLANTED = planted({"r": "0.03 - 0.1*r", "g": "-0.02 - 0.1*g", "b": "0.01 - 0.1*b"}, filters=2, **PROPER)
# No Laplacians: the teacher's states are flat, and what is nothing there would count as large after a touch of tuning.
NEAR = {
    "r": "0.02 - 0.1*r + 0.001*g*r + 0.0005*abs(b)",
    "g": "-0.01 - 0.1*g - 0.0004*r",
    "b": "0.02 - 0.1*b + 0.0003*abs(r) + 0.0002*b*g",
}
START = planted(NEAR, filters=2, **PROPER, provenance={"start": "near"})
WILD = planted(
    {c: f"2*{c} + 1 + 0.1*abs(r) + 0.2*g_lap" for c in "rgb"}, filters=2, **PROPER, provenance={"start": "wild"}
)
PLAN = [11, 9, 6, 4, 3]  # of START at three terms a channel
TEACHER = RuleTeacher(PLANTED)
SIZE = (8, 8)
COLOUR = torch.tensor([0.8, 0.3, 0.6])
TINY = Settings(rate=6e-4, steps=(10, 20), pool=12, ages=(40, 80), judge_seeds=2, trial_steps=10, spent=math.inf)
# spent: rules are bad after so little tuning; the descent continues all the same


def mean_colour(rgb: Tensor) -> Tensor:
    return (rgb.mean(dim=(2, 3)) - COLOUR).square().sum(dim=1)


def follow(rgb: Tensor, random: Generator) -> Tensor:
    """The logarithm, with a little noise, as the patch distance has it."""
    return (mean_colour(rgb) + 1e-6).log() * (1 + 0.1 * torch.rand((), generator=random))


def judge(rgb: Tensor) -> Tensor:
    """With a floor, as textures have one: no rule's pictures are perfect."""
    return 2 * mean_colour(rgb) + 0.002


OBJECTIVE = Objective(train=follow, judge=judge, measure=mean_colour)


def refined(samples: Samples, *starts: Rule, iterations: int = 30, **options: Any) -> RefineResult:
    """Refine with a given least number of iterations a level."""
    settings = replace(options.pop("settings", TINY), iterations=1, least_iterations=iterations)
    given: dict[str, Any] = {
        "objective": OBJECTIVE, "teacher": TEACHER, "size": SIZE, "seed": 0, "max_terms": 3,
        "samples": samples, "settings": settings,
    }  # fmt: skip
    return refine(starts or (START,), **{**given, **options})


def loss_of(rule: Rule) -> float:
    """Measured here, by the simulator."""
    frames = RuleTeacher(rule).rollout(size=SIZE, steps=80, seed=77, every=80)
    return float(mean_colour(torch.from_numpy(frames[-1:]) + 0.5))


def lengths(made: RefineResult) -> list[int]:
    """The numbers of terms on the front, over all channels."""
    return [round(3 * point.terms) for point in made.front]


def chain_of(rule: Rule, **settings: Any) -> Chain:
    grown = RuleTeacher(rule).rollout(size=SIZE, steps=40, seed=1, every=10)[1:]
    return Chain(rule, OBJECTIVE, replace(TINY, **settings), size=SIZE, seed=0, grown=grown, limit=1.0)


def points_of(rules: dict[int, Rule]) -> list[RefinedRule]:
    """A front on which all rules look equally good, by their number of terms; of 3 channels."""
    return [RefinedRule(count / 3, 0.01, 0.01, rule, "a rule") for count, rule in rules.items()]


def places(chain: Chain) -> set[tuple[int, str]]:
    return {(channel, str(chain.table.bases[basis])) for channel, basis in chain.table.places}


def quietly(chain: Chain, terms: int) -> None:
    chain.level(terms, 1, stop=lambda: False, report=lambda fraction: None)


HIDDEN: dict[str, Any] = {
    "init": Init("noise", background=(0.1, 0.0, 0.0, 0.0), amplitude=(0.2, 0.2, 0.2, 0.2)),
    "display": Display(("r", "g", "b"), offset=0.5),
    "provenance": {"start": "hidden"},
}


class Clock:
    """Stands still but for what is added."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now
