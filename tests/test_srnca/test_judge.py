"""The judge ranks pictures as a person does: pieces of the texture before what only shares some of its statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest

import srnca
from equations.errors import InputError
from srnca.media.samples import make_sample
from srnca.texture.controls import colour_noise, control_pictures, flat
from srnca.texture.evaluate import score_pictures
from srnca.texture.judge import GROUPS, UNIFORM, Judge
from srnca.texture.loss import build_loss

TARGET = make_sample("snake", 64)
JUDGE = Judge(TARGET)


def grey(picture: np.ndarray) -> np.ndarray:
    return np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)


def test_it_is_one_of_the_names_of_the_package() -> None:
    assert srnca.Judge is Judge


def test_the_scale_flat_is_one_and_the_target_is_zero() -> None:
    assert JUDGE(TARGET) == 0
    assert JUDGE(flat(TARGET)) == pytest.approx(1)
    assert JUDGE.mean(np.stack([TARGET, flat(TARGET)])) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["snake", "orchid"])
def test_other_plants_of_a_kind_come_before_all_control_pictures(name: str) -> None:
    target = make_sample(name, 64)
    judge = Judge(target)
    others = max(judge(make_sample(name, 64, seed)) for seed in (1, 2))
    controls = {kind: judge(made) for kind, made in control_pictures(target).items()}
    assert others < 0.1
    assert others < min(distance for kind, distance in controls.items() if kind != "blocks of 16")


def test_coloured_noise_is_seen_on_a_grey_photo() -> None:
    photo = grey(TARGET)
    judge = Judge(photo)
    random = np.random.default_rng(0)
    assert judge(grey(make_sample("snake", 64, 1))) < 0.1
    assert judge(colour_noise(photo, random)) > 0.4
    assert judge(colour_noise(photo, random, 0.001)) < 0.01  # that nobody sees


@pytest.mark.parametrize("ends", [((0, 0, 0), (1, 1, 1)), ((0.15, 0.25, 0.2), (0.95, 0.75, 0.35))])
def test_rounding_makes_no_second_hue_where_a_picture_has_one(ends: tuple[tuple[float, ...], ...]) -> None:
    dark, light = np.array(ends)
    photo = dark + grey(TARGET) * (light - dark)
    judge, random = Judge(photo.astype(np.float32)), np.random.default_rng(0)
    assert judge(photo) < 1e-3
    assert judge(photo + 1e-7 * random.normal(size=photo.shape)) < 1e-3
    assert judge(colour_noise(photo, random)) > 0.3


def test_every_group_of_statistics_sees_a_flat_picture() -> None:
    assert tuple(JUDGE.by_group(TARGET)) == GROUPS
    assert JUDGE.by_group(TARGET) == dict.fromkeys(GROUPS, 0.0)
    apart = JUDGE.by_group(flat(TARGET))
    assert apart.pop("hues") > 1  # those of this plant hardly vary
    assert min(apart.values()) > 3  # chance


def test_the_same_picture_has_the_same_distance_again() -> None:
    other = make_sample("snake", 64, 1)
    assert JUDGE(other) == Judge(TARGET)(other) == JUDGE(other.copy())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_picture_that_is_not_finite_is_infinitely_far(bad: float) -> None:
    broken = TARGET.copy()
    broken[3, 4, 1] = bad
    assert JUDGE(broken) == math.inf
    assert JUDGE.by_group(broken) == dict.fromkeys(GROUPS, math.inf)
    assert JUDGE.mean(np.stack([TARGET, broken])) == math.inf


def test_colours_beyond_black_and_white_are_shown_as_these() -> None:
    beyond = TARGET * 3 - 1
    assert JUDGE(beyond) == JUDGE(beyond.clip(0, 1)) > 0


@pytest.mark.parametrize("size", [(15, 64), (64, 15), (4, 4)])
def test_a_target_that_is_too_small_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"judge: expected a target of at least 16 pixels a side, got {size[0]}x"):
        Judge(np.zeros((*size, 3)))


@pytest.mark.parametrize("size", [16, 24, 32, 48])
def test_small_targets_have_a_judge(size: int) -> None:
    target = make_sample("snake", size)
    judge = Judge(target)
    assert judge(target) == 0
    assert judge(flat(target)) == pytest.approx(1)
    assert judge(make_sample("snake", size, 1)) < 0.5


def test_pictures_may_be_larger_than_the_target_and_half_as_large() -> None:
    """Statistics are averages. Opposite edges of a sample join, so its tiles are a larger piece of the same texture."""
    other = make_sample("snake", 64, 1)
    assert JUDGE(np.tile(other, (2, 3, 1))) == pytest.approx(JUDGE(other), abs=0.01)
    assert JUDGE(TARGET[:32, 16:48]) < 0.2
    with pytest.raises(InputError, match="expected at least 32 pixels a side to compare it with the target, got 31x64"):
        JUDGE(TARGET[:31])


def test_grey_pictures_have_a_judge() -> None:
    target = grey(TARGET)
    judge = Judge(target)
    assert judge(target) == 0
    assert judge(flat(target)) == pytest.approx(1)
    assert judge(grey(make_sample("snake", 64, 1))) < 0.1 < judge(control_pictures(target)["random phases"])
    assert JUDGE(target) > 0.1  # a grey picture of a coloured texture


def test_a_part_of_a_target_of_one_colour_is_perfect() -> None:
    target = np.full((32, 32, 3), (0.2, 0.5, 0.3), np.float32)
    judge = Judge(target)
    assert judge(target) == judge(target[4:20, :16]) == 0
    assert judge(make_sample("snake", 32)) > 1


def test_a_target_with_parts_of_one_colour_has_a_judge() -> None:
    target = make_sample("snake", 32)
    target[:16] = 0.5
    judge = Judge(target)
    assert judge(target) == 0
    assert judge(flat(target)) == pytest.approx(1)


def test_scores_have_none_for_pictures_that_diverged() -> None:
    target = make_sample("snake", 16)
    pictures = {"teacher": target[None], "rule": np.full((2, 16, 16, 3), np.nan, np.float32)}
    scores = score_pictures(build_loss("wavelet", target), Judge(target), target, **pictures)
    assert list(scores) == ["texture_loss", "judge"]
    for measured in scores.values():
        assert measured["flat"] == pytest.approx(1, abs=1e-4)
        assert measured["teacher"] == pytest.approx(0, abs=1e-6)
        assert measured["rule"] is None


def test_there_are_58_patterns_with_at_most_two_changes_around_the_circle() -> None:
    kinds, counts = np.unique(UNIFORM, return_counts=True)
    assert kinds.tolist() == list(range(59))
    assert counts[:58].tolist() == [1] * 58
    assert UNIFORM[0b01010101] == 58 != UNIFORM[0b00111000]
