"""The judge: by counting, it puts other pieces of a texture before what imitates them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equations.errors import InputError
from srnca.media.samples import make_sample
from srnca.texture.controls import colour_noise, flat, negative, random_phases
from srnca.texture.judge import GROUPS, UNIFORM, Judge


@pytest.fixture(scope="module")
def snake() -> Judge:
    return Judge(make_sample("snake", 64))


def test_the_target_has_none_and_a_flat_picture_one(snake: Judge) -> None:
    target = make_sample("snake", 64)
    assert snake(target) == 0
    assert snake(flat(target)) == pytest.approx(1)
    assert set(snake.by_group(target)) == set(GROUPS)


def test_other_seeds_come_before_imitations(snake: Judge) -> None:
    target, random = make_sample("snake", 64), np.random.default_rng(0)
    worst = max(snake(make_sample("snake", 64, seed)) for seed in (1, 2, 3))
    for imitation in (
        random_phases(target, random),
        random_phases(target, random, histogram=True),
        colour_noise(target, random),
        negative(target),
    ):
        assert snake(imitation) > 3 * worst
    assert snake.mean(np.stack([target, flat(target)])) == pytest.approx(0.5)


@pytest.mark.parametrize("size", [(16, 16), (17, 30), (32, 32), (48, 63), (64, 40)])
def test_small_targets_have_a_judge_too(size: tuple[int, int]) -> None:
    target = make_sample("snake", 64)[: size[0], : size[1]]
    judge = Judge(target)
    assert judge(target) == 0
    assert judge(flat(target)) == pytest.approx(1)
    assert 0 < judge(make_sample("snake", 64, 1)) < 0.5


def test_pictures_of_other_sizes_are_judged_alike(snake: Judge) -> None:
    tiled = np.tile(make_sample("snake", 64), (2, 2, 1))
    assert snake(tiled[:96]) < 0.02
    assert snake(tiled[:40, :50]) < 0.1


def test_what_is_too_small_is_refused_and_what_is_not_finite_is_infinitely_far(snake: Judge) -> None:
    with pytest.raises(InputError, match="a target of at least 16 pixels a side, got 15x64"):
        Judge(make_sample("snake", 64)[:15])
    with pytest.raises(InputError, match=r"picture: expected at least 32 pixels a side .*, got 64x31"):
        snake(np.zeros((64, 31, 3)))
    assert snake(np.full((64, 64, 3), np.nan)) == math.inf


def test_there_are_58_patterns_with_at_most_two_changes_around_the_circle() -> None:
    kinds, counts = np.unique(UNIFORM, return_counts=True)
    assert kinds.tolist() == list(range(59))
    assert counts[:58].tolist() == [1] * 58
    assert UNIFORM[0b01010101] == 58 != UNIFORM[0b00111000]
