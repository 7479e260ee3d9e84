"""Which of the refined rules is chosen, and how its constants are rounded."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from distill.refine import RefinedRule, RefineResult, choose, scoring
from distill.refine.chain import Chain
from distill.refine.choice import Choice, short_colours
from distill.refine.scoring import LASTS, Scoring
from distill.refine.table import TermTable
from distill.sampling import Samples
from equations.expressions.infix import parse_infix
from equations.rule.colours import Display
from equations.rule.init import Init
from equations.rule.rule import Rule
from tests.test_distill.teachers import planted
from tests.test_distill.test_refine.refining import OBJECTIVE, PLANTED, PROPER, SIZE, TINY, chain_of, loss_of, points_of


def point(terms: float, score: float, loss: float | None = None) -> RefinedRule:
    rule = planted({"u": f"{score!r}*u + {terms!r}"})
    return RefinedRule(terms, score if loss is None else loss, score, rule, "here")


def test_the_shortest_good_rule_is_chosen() -> None:
    front = [point(2, 9.0), point(4, 1.05), point(8, 1.0), point(16, 0.99), point(40, 0.1)]
    assert choose(front, 24) == front[1]  # within 10 % of the best that is short enough
    assert choose(front, 40) == front[4]
    assert choose(front, 3) == front[0]
    assert choose(front, 1) == front[0]  # nothing is short enough: the shortest there is
    assert choose([point(4, 1.2), point(8, 1.0)], 24) == point(8, 1.0)
    near = point(4, math.nextafter(1.1, 0))
    assert choose([near, point(8, 1.0)], 24) == near


def test_scores_choose_and_not_losses() -> None:
    front = [point(4, 2.0, loss=0.1), point(8, 1.0, loss=0.5)]
    assert choose(front, 24) == front[1]


def test_a_wanted_loss_chooses_the_shortest_that_has_it() -> None:
    front = [point(2, 0.1, loss=0.9), point(4, 0.2, loss=0.3), point(8, 0.3, loss=0.2), point(16, 0.4, loss=0.05)]
    assert choose(front, 24, 1.0) == front[0]
    assert choose(front, 24, 0.3) == front[1]
    assert choose(front, 24, 0.25) == front[2]
    assert choose(front, 24, 0.01) == front[3]  # none has it: the best there is
    assert choose(front, 9, 0.01) == front[2]
    assert choose(front, 1, 0.5) == front[0]


def test_a_rule_whose_texture_drifts_is_passed_over(samples: Samples) -> None:
    """By 10,000 steps; unless all of the short ones drift, of which the one that drifts least is taken."""
    drifting, shorter = (
        planted({**dict.fromkeys("gb", "0"), "r": text}, filters=2, **PROPER) for text in ("-1e-5", "-2e-5")
    )
    points = points_of({6: PLANTED, 2: drifting, 1: shorter})
    chain = chain_of(PLANTED)
    assert [chain.judge.aged(TermTable(point.rule))[1] <= LASTS[1] for point in points] == [True, False, False]
    choice = Choice(chain.judge)
    assert choice.marked(points[0]).lasts is None
    assert choice.lasting(points, 3) is points[0]
    assert [choice.marked(point).lasts for point in points] == [True, False, False]
    assert Choice(chain.judge).lasting(points[1:], 3) is points[1]
    assert Choice(chain.judge).lasting(points, 1) is points[1]


def test_a_rule_whose_texture_comes_late_is_passed_over_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """r is 0.45 at the first age and 0.3, which is right, only later; unless the others drift away or are worse."""
    monkeypatch.setattr(scoring, "damaged", lambda state, random: state)
    init = Init("noise", (0.5, -0.2, 0.1), (0.0, 0.0, 0.0))
    still, drifting, late = (
        planted({"r": text, "g": "0", "b": "0"}, filters=2, **PROPER | {"init": init})
        for text in ("0", "1e-5", "0.003 - 0.01*r")
    )
    points = points_of({6: still, 2: drifting, 1: late})
    chain = chain_of(PLANTED)
    ageing = [chain.judge.aged(TermTable(point.rule))[1] for point in points]
    assert ageing[0] == 1
    assert ageing[1] > 1.2
    assert ageing[2] < 0.1
    assert Choice(chain.judge).lasting(points, 3) is points[0]
    assert Choice(chain.judge).lasting(points[1:], 3) is points[2]
    dear, too_dear = (replace(points[0], score=times * 0.01) for times in (1.4, 1.6))
    assert Choice(chain.judge).lasting([dear, *points[1:]], 3) is dear
    assert Choice(chain.judge).lasting([too_dear, *points[1:]], 3) is points[2]


@pytest.mark.parametrize(("ageing", "looks"), [(math.inf, 20), (2.0, 10), (1.5, 9), (1.0, 1)])
def test_no_rule_is_looked_at_in_vain(ageing: float, looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With damage and without, where all run away; else each once, but for those that score too badly to win."""
    seen, told = list[bool](), list[float]()
    monkeypatch.setattr(Scoring, "aged", lambda self, table, damage: seen.append(damage) or (1.0, ageing))
    judge_of = Scoring(OBJECTIVE, TINY, SIZE, 0, 1.0)
    front = [
        point(terms, score)
        for terms, score in zip(range(10, 0, -1), [*np.linspace(1, 1.4, 9).tolist(), 1.6], strict=True)
    ]
    chosen = Choice(judge_of, lambda stage, fraction, detail: told.append(fraction)).lasting(front, 24)
    assert chosen == (front[0] if 1 < ageing < math.inf else choose(front, 24))
    assert seen == [True] * min(10, looks) + [False] * (looks - 10)
    assert told == sorted(told)
    assert told[-1] == 1


def test_rounding_stops_where_the_score_feels_it(result: RefineResult) -> None:
    constants = [str(c) for expr in result.rule.expressions for c in expr.atoms() if getattr(c, "is_Float", False)]
    assert constants
    short = [len(text.strip("-0.").replace(".", "").rstrip("0")) for text in constants]
    assert max(short) <= 4
    exact = next(p for p in result.front if p.rule.terms() == result.rule.terms())
    assert exact.rule != result.rule
    assert 2 * loss_of(result.rule) + 0.002 == pytest.approx(exact.score, rel=0.1)


def tidied(chain: Chain, table: TermTable) -> Rule:
    loss, score = chain.judge.thorough(table)
    return Choice(chain.judge).tidy(RefinedRule(table.terms / 3, loss, score, table.to_rule(), "a rule"))


@pytest.mark.parametrize(("r", "whole"), [(0.25, math.inf), (0.33, 0.0)])
def test_rounding_stops_where_the_texture_would_not_last(
    r: float, whole: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """r is this for good; with two digits (0.0001, 0.00011) it has faded by 8 % at step 8,000, and by nothing at 80:
    away from 0.3, which is right, or towards it.
    """
    monkeypatch.setattr(scoring, "damaged", lambda state, random: state)
    updates = {**PLANTED.updates, "r": planted({"r": "0.0001049*abs(r) - 0.0001051*r"}).updates["r"]}
    still = PLANTED.replace(updates=updates, init=Init("noise", (r, -0.2, 0.1), (0.0, 0.0, 0.0)))
    chain, table, proper = chain_of(still), TermTable(still), Scoring.aged
    assert tidied(chain, table) == table.to_rule(3)
    monkeypatch.setattr(
        Scoring,
        "aged",
        lambda self, other, damage: (math.inf, whole) if other.rule == table.to_rule() else proper(self, other, damage),
    )
    assert tidied(chain, table) == table.to_rule(2)  # of a rule that does so itself nobody asks more


@pytest.mark.parametrize(("times", "digits"), [(1.04, 2), (1.06, 3)])
def test_rounding_stops_where_large_pictures_feel_it(
    times: float, digits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = PLANTED.replace(updates=planted({c: f"0.1234567*{c}" for c in "rgb"}, filters=2).updates)
    chain, table = chain_of(still), TermTable(still)
    rough = table.to_rule(2)
    monkeypatch.setattr(Scoring, "thorough", lambda self, other: (0.01, 0.01))
    monkeypatch.setattr(Scoring, "aged", lambda self, other, damage: (times if other.rule == rough else 1.0, 1.0))
    assert tidied(chain, table) == table.to_rule(digits)


@pytest.mark.parametrize(("times", "digits"), [(1.06, 4), (1.24, 4), (1.26, None)])
def test_four_digits_may_change_the_score_of_a_chaotic_rule_more_than_fewer_digits_may(
    times: float, digits: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = PLANTED.replace(updates=planted({c: f"0.1234567*{c}" for c in "rgb"}, filters=2).updates)
    chain, table = chain_of(still), TermTable(still)
    whole = table.to_rule()
    monkeypatch.setattr(
        Scoring, "thorough", lambda self, other: (0.01, 0.01) if other.to_rule() == whole else (0.01 * times, 0.01)
    )
    monkeypatch.setattr(Scoring, "aged", lambda self, other, damage: (1.0, 1.0))
    assert tidied(chain, table) == table.to_rule(digits)


def test_the_colours_of_a_chosen_rule_have_four_digits() -> None:
    long, short = (parse_infix(f"{number}*r + 0.5*g*g - 2", "rgb") for number in ("0.123456789", "0.1235"))
    rule = PLANTED.replace(display=Display(colours=dict.fromkeys("rgb", long)))
    assert short_colours(rule).display == Display(colours=dict.fromkeys("rgb", short))
    assert short_colours(PLANTED) is PLANTED
