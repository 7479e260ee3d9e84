"""Stretches of the teacher's rollouts: the teacher's own rule ends where it ends, and another is pulled there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from distill.refine.stretches import AGE, ROLLOUTS, STEPS, Stretches, stretches_of
from distill.refine.table import TermTable
from distill.teacher import RuleTeacher
from equations.rule.init import Init
from equations.rule.rule import Rule
from tests.test_distill.teachers import planted

LAW = {"u": "0.05*u_lap + 0.1*u - 0.2*u**2*v", "v": "0.04*v_lap - 0.1*v + 0.2*u**2*v"}
BORN = Init("noise", background=(0.6, 0.4), amplitude=(0.3, 0.3))
SIZE = (8, 8)


def law(**settings: Any) -> Rule:
    return planted(LAW, filters=2, init=BORN, **settings)


def off(rule: Rule) -> TermTable:
    """Every constant a tenth too large."""
    table = TermTable(rule)
    table.scaled *= np.float32(1.1)
    return table


@pytest.mark.parametrize("mask", ["cell", "channel"])
@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_a_teachers_own_rule_is_not_pulled(mask: Any, rate: float) -> None:
    rule = law(update_rate=rate, mask=mask)
    near = stretches_of(RuleTeacher(rule), size=SIZE, seed=3)
    assert len(near.start) == len(near.end) == ROLLOUTS * AGE // STEPS
    assert (near.masks is None) == (rate == 1)
    chosen = np.arange(0, len(near.start), 7)
    own, other = (near.pull(table, chosen, bound=10.0) for table in (TermTable(rule), off(rule)))
    assert np.linalg.norm(own) < 1e-3 * np.linalg.norm(other)


def test_the_pull_is_the_derivative_of_the_distance() -> None:
    rule = law(update_rate=0.5)
    near = stretches_of(RuleTeacher(rule), size=SIZE, seed=3)
    table, chosen = off(rule), np.array([1, 40, 77])
    pull = near.pull(table, chosen, bound=10.0)
    places = np.argwhere(table.alive)
    for number, (channel, basis) in enumerate(places):
        ends, step = [], 0.005 * abs(float(table.scaled[channel, basis]))
        for sign in (1, -1):
            moved = table.copy()
            moved.scaled[channel, basis] += np.float32(sign * step)
            ends.append(distance(near, moved, chosen))
        assert pull[number] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=0.01, abs=1e-4 * np.abs(pull).max())


def distance(near: Stretches, table: TermTable, chosen: np.ndarray) -> float:
    assert near.masks is not None
    masks = np.ascontiguousarray(near.masks[chosen].swapaxes(0, 1))
    last = table.kernel.last(table.constants(), near.start[chosen], STEPS, masks=masks).astype(np.float64)
    return float(np.square((last - near.end[chosen]) / near.spread).mean())


def test_states_that_run_away_pull_nowhere() -> None:
    rule = law(update_rate=0.5)
    near = stretches_of(RuleTeacher(rule), size=SIZE, seed=3)
    wild = replace(near, start=np.full_like(near.start, np.nan))
    assert np.isfinite(wild.pull(TermTable(rule), np.array([0, 1]), bound=2.0)).all()
