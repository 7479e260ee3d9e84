"""The numbers of terms that refinement goes through."""

from __future__ import annotations

from itertools import pairwise

import pytest

from distill.refine import levels
from tests.test_distill.test_refine.refining import PLAN, START


def test_levels_of_the_start_above() -> None:
    assert levels(sum(START.terms().values()), 3, 3) == PLAN


@pytest.mark.parametrize(
    ("start", "channels", "max_terms"), [(264, 8, 24), (30, 3, 24), (3, 3, 1), (100, 4, 1), (0, 3, 3)]
)
def test_levels_fall_through_the_wanted_number(start: int, channels: int, max_terms: int) -> None:
    plan = levels(start, channels, max_terms)
    assert plan[0] == start
    assert all(a > b for a, b in pairwise(plan))
    wanted = channels * max_terms
    assert all(b >= (1 / 2 if a > wanted else 2 / 3) * a - 1 for a, b in pairwise(plan))
    if start > channels:
        assert plan[-1] == min(start, max(channels, channels * max_terms // 4))
    if start > wanted >= channels:
        assert wanted in plan


def test_levels_fall_by_half_to_the_wanted_number_and_then_to_whole_numbers_a_channel() -> None:
    assert levels(520, 8, 24) == [520, 260, 192, 128, 96, 64, 48]
    assert levels(264, 8, 12) == [264, 132, 96, 64, 48, 32, 24]
    assert levels(161, 8, 24) == [161, 128, 96, 64, 48]  # short already
