"""Closed-loop refinement: constants go where the pictures are better, and few terms are enough."""

from __future__ import annotations

import math
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from distill import refine as module
from distill.refine import Objective, RefineResult, choose, levels, refine
from distill.sampling import Samples, sample
from distill.teacher import RuleTeacher
from equations.errors import SrncaError
from equations.init import Init
from equations.rule import Display, Rule
from tests.test_distill.teachers import planted

SETTINGS: dict[str, Any] = {
    "init": Init("noise", background=(0.1, 0.0, 0.0), amplitude=(0.2, 0.2, 0.2)),
    "display": Display(("r", "g", "b"), offset=0.5),
}
# Each channel forgets, and goes to a colour of its own: constant / rate.
PLANTED = planted({"r": "0.03 - 0.1*r", "g": "-0.02 - 0.1*g", "b": "0.01 - 0.1*b"}, filters=2, **SETTINGS)
START = planted(
    {
        "r": "0.02 - 0.1*r + 0.001*g_lap + 0.0005*abs(b)",
        "g": "-0.01 - 0.1*g - 0.0004*r_lap",
        "b": "0.02 - 0.1*b + 0.0003*abs(r) + 0.0002*b_lap",
    },
    filters=2,
    **SETTINGS,
)
TEACHER = RuleTeacher(PLANTED)
SIZE = (8, 8)
COLOUR = torch.tensor([0.8, 0.3, 0.6])


def mean_colour(rgb: Tensor) -> Tensor:
    return (rgb.mean(dim=(2, 3)) - COLOUR).square().sum(dim=1)


OBJECTIVE = Objective(train=lambda rgb: (mean_colour(rgb) + 1e-6).log(), measure=mean_colour)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return sample(TEACHER, rows=200, size=SIZE, steps=20, seed=0)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JUDGE_STEPS", 80)
    monkeypatch.setattr(module, "STEPS", (10, 20))
    monkeypatch.setattr(module, "JUDGE_EVERY", 15)


def refined(samples: Samples, start: Rule = START, *, iterations: int = 30, **options: Any) -> RefineResult:
    """Refine with so many iterations a level."""
    settings: dict[str, Any] = {
        "teacher": TEACHER, "size": SIZE, "seed": 0, "budget_s": 60, "max_terms": 3, "samples": samples
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST", iterations)
        patch.setattr(module, "ITERATIONS_PER_S", 0)
        return refine(start, OBJECTIVE, **{**settings, **options})


def loss_of(rule: Rule) -> float:
    """Measured here, by NumPy."""
    frames = RuleTeacher(rule).rollout(size=SIZE, steps=80, seed=77, every=80)
    return float(mean_colour(torch.from_numpy(frames[-1:]) + 0.5))


def test_the_measured_loss_improves_with_fewer_terms(samples: Samples) -> None:
    result = refined(samples)
    assert loss_of(START) == pytest.approx(0.03, abs=0.01)
    assert loss_of(result.rule) < 0.02 * loss_of(START)
    assert sum(result.rule.terms().values()) <= 9 < sum(START.terms().values())
    assert all(count >= 1 for count in result.rule.terms().values())


def test_the_front_is_what_it_says(samples: Samples) -> None:
    front = refined(samples).front
    terms = [point[0] for point in front]
    assert terms == sorted(terms)
    assert len(set(terms)) == len(terms) > 2
    for count, loss, rule in front:
        assert sum(rule.terms().values()) == pytest.approx(3 * count)
        assert loss == pytest.approx(loss_of(rule), rel=0.3, abs=1e-3)


def test_the_same_seed_gives_the_same_rule(samples: Samples) -> None:
    one, two, other = (refined(samples, iterations=6, seed=seed) for seed in (3, 3, 4))
    assert one.rule == two.rule
    assert one.front == two.front
    assert one.front != other.front


def test_any_seed_of_the_masks_is_good(samples: Samples) -> None:
    refined(samples, iterations=2, seed=2**32 - 1)


def test_masks_and_clamps_are_part_of_the_loop(samples: Samples) -> None:
    start = START.replace(update_rate=0.5, mask="channel", clamp=(-0.9, 0.9))
    rule = refined(samples, start).rule
    assert (rule.update_rate, rule.mask, rule.clamp) == (0.5, "channel", (-0.9, 0.9))
    assert rule.provenance == start.provenance
    assert loss_of(rule) < 0.2 * loss_of(start)


def test_the_budget_ends_it(samples: Samples) -> None:
    began = time.monotonic()
    result = refined(samples, iterations=100_000, budget_s=1.0)
    assert time.monotonic() - began < 5
    assert result.front


def test_a_budget_that_ends_at_once_still_gives_a_rule(samples: Samples) -> None:
    result = refined(samples, iterations=1000, budget_s=1e-9)
    assert result.rule.channels == START.channels


def test_a_rule_that_runs_away_is_never_chosen(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = START.replace(updates=planted({"r": "2*r + 1", "g": "2*g", "b": "2*b"}, filters=2).updates)
    monkeypatch.setattr(module, "RATE", 0.0)
    with pytest.raises(SrncaError, match="no rule survived a long rollout"):
        refined(samples, wild, iterations=2)


def test_a_channel_without_terms_stays_without(samples: Samples) -> None:
    still = START.replace(updates=planted({"r": "0.02 - 0.1*r", "g": "-0.1*g + 0.01*b", "b": "0"}, filters=2).updates)
    assert refined(samples, still, iterations=2).rule.terms()["b"] == 0


def test_progress_goes_up_to_the_end(samples: Samples) -> None:
    seen: list[tuple[str, float, str]] = []
    refined(samples, iterations=4, progress=lambda *told: seen.append(told))
    fractions = [fraction for _, fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    assert {stage for stage, _, _ in seen} == {"refine"}
    assert "terms a channel, texture loss" in seen[-1][2]


# levels and choice


@pytest.mark.parametrize(
    ("start", "channels", "max_terms"), [(264, 8, 24), (30, 3, 24), (3, 3, 1), (100, 4, 1), (0, 3, 3)]
)
def test_levels_fall_through_the_wanted_number(start: int, channels: int, max_terms: int) -> None:
    plan = levels(start, channels, max_terms)
    assert plan[0] == start
    assert all(a > b for a, b in pairwise(plan))
    assert all(b >= module.PRUNE * a - 1 for a, b in pairwise(plan))
    if start > channels:
        assert plan[-1] == min(start, max(channels, channels * max_terms // 3))
    if start > channels * max_terms >= channels:
        assert channels * max_terms in plan


def point(terms: float, loss: float) -> tuple[float, float, Rule]:
    return terms, loss, planted({"u": f"{loss!r}*u + {terms!r}"})


def test_the_shortest_good_rule_is_chosen() -> None:
    front = [point(2, 9.0), point(4, 1.2), point(8, 1.0), point(16, 0.99), point(40, 0.1)]
    assert choose(front, 24) == front[1][2]  # within 25 % of the best that is short enough
    assert choose(front, 40) == front[4][2]
    assert choose(front, 3) == front[0][2]
    assert choose(front, 1) == front[0][2]  # nothing is short enough: the shortest there is
    assert choose([point(4, 1.3), point(8, 1.0)], 24) == point(8, 1.0)[2]
    assert choose([point(4, math.nextafter(1.25, 0)), point(8, 1.0)], 24)


def test_rounding_stops_where_the_loss_feels_it(samples: Samples) -> None:
    rule = refined(samples).rule
    constants = [str(c) for expr in rule.expressions for c in expr.atoms() if getattr(c, "is_Float", False)]
    assert constants
    short = [len(text.strip("-0.").replace(".", "").rstrip("0")) for text in constants]
    assert np.mean(short) < 6
