"""Pictures are judged at several ages, and whether a texture lasts on large grids and after damage."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from distill.refine.choice import Choice
from distill.refine.scoring import LASTS, Scoring
from distill.refine.table import TermTable
from distill.sampling import Samples
from equations.errors import SrncaError
from equations.rule.init import Init
from equations.rule.mask import shift_seed
from tests.test_distill.teachers import planted
from tests.test_distill.test_refine.refining import (
    NEAR,
    OBJECTIVE,
    PLANTED,
    PROPER,
    SIZE,
    START,
    TINY,
    chain_of,
    mean_colour,
    points_of,
    refined,
)


def test_pictures_that_fade_late_are_worse(samples: Samples) -> None:
    """r sinks by 0.004 a step: right at step 40 (where it is judged first), wrong at 80."""
    updates = {**PLANTED.updates, "r": planted({"r": "-0.004"}).updates["r"]}
    fading = PLANTED.replace(updates=updates, init=Init("noise", (0.46, -0.2, 0.1), (0.0, 0.0, 0.0)))
    losses = []
    for ages in ((40,), (40, 80), (80,)):
        settings = replace(TINY, rate=0.0, ages=ages)
        losses.append(refined(samples, fading, iterations=1, max_terms=9, settings=settings).front[-1].loss)
    early, both, late = losses
    assert early == pytest.approx(0, abs=1e-4)
    assert late == pytest.approx(0.16**2, rel=0.01)
    assert both == late  # the worse of the two


def test_a_rule_that_runs_away_late_is_not_in_the_front(samples: Samples) -> None:
    growing = START.replace(updates=planted({**NEAR, "r": "0.05*r"}, filters=2).updates)
    for ages, survives in (((20,), True), ((20, 200), False)):
        settings = replace(TINY, rate=0.0, ages=ages)
        if survives:
            assert refined(samples, growing, iterations=1, max_terms=9, settings=settings).front
        else:
            with pytest.raises(SrncaError, match="no rule survived"):
                refined(samples, growing, iterations=1, max_terms=9, settings=settings)


def test_a_texture_lasts_from_the_first_age_on_and_on_twice_the_size() -> None:
    """r goes from 0.3, which is right, to 0.5 and stays: a third more loss than at step 40, 4 % more than at 80."""
    shapes: list[tuple[int, ...]] = []

    def measure(rgb: Tensor) -> Tensor:
        shapes.append(tuple(rgb.shape[2:]))
        return mean_colour(rgb)

    updates = {**PLANTED.updates, "r": planted({"r": "0.025 - 0.05*r"}).updates["r"]}
    ageing = PLANTED.replace(updates=updates, init=Init("noise", (0.3, -0.2, 0.1), (0.0, 0.0, 0.0)))
    objective = replace(OBJECTIVE, measure=measure)
    lasts = []
    for ages in ((40, 80), (80, 160)):
        judge_of = Scoring(objective, replace(TINY, ages=ages), SIZE, 0, 1.0)
        lasts.append(judge_of.aged(TermTable(ageing))[1] <= LASTS[1])
    assert lasts == [False, True]
    assert set(shapes) == {(16, 16)}


@pytest.mark.parametrize(
    ("scatter", "growth", "grids"),
    [(0.0, 1.0, 8), (0.0, 1.2, 8), (0.05, 1.0, 8), (0.5, 3.0, 8), (0.5, 1.0, 32), (0.5, 1.2, 32), (0.05, 1.15, 32)],
)
def test_more_grids_are_asked_where_their_scatter_leaves_the_answer_open(
    scatter: float, growth: float, grids: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The losses are lognormal around 0.1, and late ones a given factor larger."""
    grids_of = dict[int, np.ndarray]()

    def made_up(self: Scoring, table: TermTable, seeds: int, apart: int, ages: tuple[int, ...], *rest: Any) -> Any:
        random = np.random.default_rng(self.seed)
        when = np.where(np.array(ages) >= 6000, growth, 1.0)[:, None]
        grids_of[self.seed] = 0.1 * when * np.exp(scatter * random.normal(size=(len(ages), seeds)))
        return [(losses, losses) for losses in grids_of[self.seed]]

    monkeypatch.setattr(Scoring, "_losses", made_up)
    early, ratio = Scoring(OBJECTIVE, TINY, SIZE, 0, 1.0).aged(TermTable(PLANTED))
    lots = [grids_of[shift_seed(0, part)] for part in range(len(grids_of))]
    assert 4 * len(lots) == grids
    assert early == pytest.approx(np.hstack(lots[:2])[0].mean())
    every = np.hstack(lots)
    assert ratio == pytest.approx(every[-3:].mean() / every[0].mean())
    assert abs(ratio / growth - 1) < max(1e-6, 3 * scatter / math.sqrt(grids))


def test_a_texture_that_damage_makes_run_away_does_not_last() -> None:
    """At rest r is 0.3; from 0.6 on it grows for ever, which nothing but damage brings it to."""
    updates = {**PLANTED.updates, "r": planted({"r": "0.1*r*r - 0.09*r + 0.018"}).updates["r"]}
    fragile = PLANTED.replace(updates=updates, init=Init("noise", (0.3, -0.2, 0.1), (0.0, 0.0, 0.0)))
    chain = chain_of(fragile)
    assert math.isfinite(chain.judge.thorough(TermTable(fragile))[0])
    assert chain.judge.aged(TermTable(fragile))[1] == math.inf
    assert chain.judge.aged(TermTable(fragile), damage=False)[1] == 1
    assert chain.judge.aged(TermTable(planted({"r": "r", "g": "0", "b": "0"}, filters=2, **PROPER)))[1] == math.inf
    assert chain.judge.aged(TermTable(PLANTED))[1] <= LASTS[1]
    drifting = planted({"r": "-1e-5", "g": "0", "b": "0"}, filters=2, **PROPER)
    points = points_of({6: PLANTED, 3: fragile, 1: drifting})
    assert Choice(chain.judge).lasting(points, 3) is points[0]
    assert Choice(chain.judge).lasting(points[1:], 3) is points[1]  # better than one that drifts undamaged
