"""Closed-loop refinement: constants go where the pictures are better, and few terms are enough."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from distill.deadline import Deadline
from distill.refine import Objective, RefinedRule, RefineResult, descent, refine
from distill.refine import refinement as module
from distill.refine.chain import Chain
from distill.refine.scoring import Scoring
from distill.sampling import Samples, sample
from distill.teacher import RuleTeacher
from equations.errors import SrncaError
from equations.perception import perceive
from equations.rule.rule import Rule
from tests.test_distill.teachers import planted
from tests.test_distill.test_refine.refining import (
    HIDDEN,
    NEAR,
    OBJECTIVE,
    PLAN,
    PLANTED,
    SIZE,
    START,
    TEACHER,
    TINY,
    WILD,
    follow,
    judge,
    lengths,
    loss_of,
    mean_colour,
    refined,
)


def test_the_measured_loss_improves_with_fewer_terms(result: RefineResult) -> None:
    assert loss_of(START) == pytest.approx(0.03, abs=0.01)
    assert loss_of(result.rule) < 0.02 * loss_of(START)
    assert sum(result.rule.terms().values()) <= 9 < sum(START.terms().values())
    assert all(count >= 1 for count in result.rule.terms().values())
    assert result.rule.provenance == {"start": "near", "refined": True}


def test_the_front_is_what_it_says(result: RefineResult) -> None:
    terms = [point.terms for point in result.front]
    assert terms == sorted(terms)
    assert lengths(result) == PLAN[::-1]
    for point in result.front:
        assert sum(point.rule.terms().values()) == pytest.approx(3 * point.terms)
        assert point.loss == pytest.approx(loss_of(point.rule), rel=0.3, abs=1e-3)
        assert point.score == pytest.approx(2 * point.loss + 0.002, rel=1e-5)
        assert point.start == "near"


def test_the_teachers_states_hold_a_rule_near_its_law(samples: Samples) -> None:
    """Pictures tell nothing here, and all are as good: what is left is the teacher's states, where they count."""
    aimless = Objective(
        train=lambda rgb, random: rgb.mean(dim=(1, 2, 3)) * (torch.rand((), generator=random) - 0.5),
        judge=lambda rgb: torch.ones(len(rgb)),
        measure=lambda rgb: torch.ones(len(rgb)),
    )
    free, held = (
        refined(samples, objective=aimless, settings=replace(TINY, states=weight), iterations=60).front[-1].rule
        for weight in (0.0, 10.0)
    )
    assert off_the_law(held) < 0.5 * min(off_the_law(free), off_the_law(START))


def off_the_law(rule: Rule) -> float:
    """Root mean square of the updates' distance from the teacher's, on its own states."""
    frames = TEACHER.rollout(size=SIZE, steps=40, seed=5, every=10)
    seen = np.stack([perceive(frame, rule.stencils) for frame in frames], axis=1).reshape(6, -1).T
    return float(np.sqrt(np.square(RuleTeacher(rule).update(seen) - TEACHER.update(seen)).mean()))


def test_a_start_that_is_short_already_waits_for_the_others(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    plans, proper = [], descent.Descent

    def watched(chains: list[Chain], plan: list[int], *rest: Any) -> descent.Descent:
        plans.append(plan)
        return proper(chains, plan, *rest)

    monkeypatch.setattr(module, "Descent", watched)
    for starts in ((PLANTED, START), (START, WILD), (PLANTED, PLANTED)):
        refined(samples, *starts, iterations=1)
    assert [plan[0] for plan in plans] == [11, 11, 6]
    assert plans[0] == PLAN


def test_where_one_chains_rule_does_not_last_the_others_is_taken(
    samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And stands on the front in its place."""
    barred = set[Rule]()
    monkeypatch.setattr(Scoring, "aged", lambda self, table, damage: (1.0, math.inf if table.rule in barred else 1.0))
    candidates, proper = list[list[RefinedRule]](), module._judged_anew
    monkeypatch.setattr(module, "_judged_anew", lambda *given: candidates.append(proper(*given)) or candidates[-1])
    first = refined(samples, START, START, iterations=3)
    for point in first.front:
        scores = [candidate.score for candidate in candidates[0] if candidate.terms == point.terms]
        assert len(scores) == 2
        assert point.score == min(scores)
    barred |= {point.rule for point in first.front}
    second = refined(samples, START, START, iterations=3)
    old, new = ({point.terms: point for point in made.front} for made in (first, second))
    changed = [terms for terms in new if new[terms].rule != old[terms].rule]
    assert new.keys() == old.keys()
    assert len(changed) == 1
    assert new[changed[0]].score > old[changed[0]].score
    assert sum(second.rule.terms().values()) == round(3 * changed[0]) <= 9
    assert [point.lasts for point in first.front if point.rule in barred].count(True) == 1
    assert new[changed[0]].lasts is True
    assert {point.lasts for terms, point in new.items() if terms <= 3 and terms != changed[0]} <= {False, None}
    assert all(point.lasts is None for point in second.front if point.terms > 3)


def test_the_same_seed_gives_the_same_rule(samples: Samples) -> None:
    one, two, other = (refined(samples, iterations=6, seed=seed, max_terms=9) for seed in (3, 3, 4))
    assert one.rule == two.rule
    assert one.front == two.front
    assert one.front != other.front


def test_the_number_of_torchs_threads_changes_nothing(samples: Samples) -> None:
    """The chains, and the rounding after them, count on one thread; what was set before is set afterwards."""
    seen: set[int] = set()

    def watched_judge(rgb: Tensor) -> Tensor:
        seen.add(torch.get_num_threads())
        return judge(rgb)

    def train(rgb: Tensor, random: Generator) -> Tensor:
        seen.add(torch.get_num_threads())
        return follow(rgb, random)

    made, before = [], torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            made.append(
                refined(
                    samples,
                    START,
                    START,
                    iterations=3,
                    max_terms=9,
                    objective=Objective(train, watched_judge, mean_colour),
                )
            )
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert made[0] == made[1]
    assert made[0].rule == made[1].rule
    assert seen == {1}


def test_any_seed_of_the_masks_is_good(samples: Samples) -> None:
    refined(samples, START, START, iterations=2, seed=2**32 - 1, max_terms=9)


def test_masks_and_clamps_are_part_of_the_loop(samples: Samples) -> None:
    start = START.replace(update_rate=0.5, mask="channel", clamp=(-0.9, 0.9))
    rule = refined(samples, start, settings=replace(TINY, steps=(20, 40), ages=(80, 160))).rule
    assert (rule.update_rate, rule.mask, rule.clamp) == (0.5, "channel", (-0.9, 0.9))
    assert rule.provenance == {"start": "near", "refined": True}
    assert loss_of(rule) < 0.05 * loss_of(start)
    cells = refined(samples, start.replace(mask="cell"), iterations=2).rule
    assert (cells.update_rate, cells.mask) == (0.5, "cell")


def test_a_rule_that_runs_away_is_never_chosen(samples: Samples) -> None:
    with pytest.raises(SrncaError, match="no rule survived a long rollout"):
        refined(samples, WILD, iterations=2, settings=replace(TINY, rate=0.0))


def test_an_error_after_a_short_time_names_the_time(samples: Samples) -> None:
    with pytest.raises(SrncaError, match="give a longer --budget"):
        refined(samples, WILD, iterations=2, settings=replace(TINY, rate=0.0), deadline=Deadline(1e-9))


def test_a_channel_without_terms_stays_without(samples: Samples) -> None:
    still = START.replace(updates=planted({"r": "0.02 - 0.1*r", "g": "-0.1*g + 0.01*b", "b": "0"}, filters=2).updates)
    assert refined(samples, still, iterations=2).rule.terms()["b"] == 0


def test_a_start_without_a_name_and_a_pool_smaller_than_the_teachers_frames(samples: Samples) -> None:
    made = refined(samples, START.replace(provenance={}), iterations=2, settings=replace(TINY, pool=3))
    assert {point.start for point in made.front} == {"a rule"}


def test_a_channel_that_no_picture_depends_on_is_not_in_the_rule() -> None:
    teacher = RuleTeacher(planted({**NEAR, "h3": "0.3 - 0.5*h3"}, filters=2, **HIDDEN))
    seen = sample(teacher, rows=100, size=SIZE, steps=20, seed=0)
    made = refined(seen, teacher.rule, iterations=2, max_terms=12, teacher=teacher)
    assert made.rule.channels == ("r", "g", "b")
    assert made.front[-1].rule.channels == ("r", "g", "b", "h3")  # the front is what the levels were


@pytest.mark.parametrize("effort", [1.0, 2.0])
def test_effort_scales_the_iterations(samples: Samples, effort: float) -> None:
    done: list[Tensor] = []  # append() is one step: chains run in threads

    def counted(rgb: Tensor, random: Generator) -> Tensor:
        done.append(rgb)
        return follow(rgb, random)

    refine(
        [START], replace(OBJECTIVE, train=counted), teacher=TEACHER, size=SIZE, seed=0, effort=effort,
        max_terms=3, samples=samples, settings=replace(TINY, regrown=0, iterations=7 * len(PLAN)),
    )  # fmt: skip
    assert len(done) == effort * 7 * len(PLAN)


def test_progress_goes_up_to_the_end(samples: Samples) -> None:
    told: dict[str, list[tuple[float, str]]] = {}
    refined(samples, START, START, iterations=4, progress=lambda stage, *rest: told.setdefault(stage, []).append(rest))
    assert list(told) == ["refine", "choose", "round"]
    for stage in told.values():
        fractions = [fraction for fraction, _ in stage]
        assert fractions == sorted(fractions)
        assert fractions[-1] == pytest.approx(1)
    assert len({fraction for fraction, _ in told["refine"]}) >= 4
    assert any("1.0 terms a channel, texture loss" in detail for _, detail in told["refine"])
    assert told["refine"][-1][1] == "rule 10 of 10 judged by other first states"
    assert told["choose"][0][0] == told["round"][0][0] == 0


def test_a_wanted_loss_is_passed_on(samples: Samples) -> None:
    made = refined(samples, iterations=2, max_loss=1e9)
    assert sum(made.rule.terms().values()) == 3
    best = min(made.front, key=lambda p: p.loss)
    strict = refined(samples, iterations=2, max_loss=best.loss)
    assert sum(strict.rule.terms().values()) == round(3 * best.terms)
