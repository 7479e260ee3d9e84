"""The learned score: planted ratings are learned, random ones are said not to be, and score.json is plain data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from equations.errors import InputError
from srnca.studies.ratings.score import Score, fit_score, load_score, predict_score, save_score
from srnca.studies.ratings.statistics import NAMES, measure
from tests.test_srnca.test_studies.planted import FEW_RESAMPLES, draw_sample


@pytest.fixture(scope="module")
def rated() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Statistics of pictures under more and more noise, ratings that fall with it, trials of two pictures each."""
    random = np.random.default_rng(0)
    targets = [draw_sample(name) for name in ("snake", "orchid")]
    rows, ratings, trials = [], [], []
    for trial in range(15):
        for target in targets:
            noise = np.clip(trial / 14 + 0.05 * random.standard_normal(), 0, 1)
            rows.append(measure(target, np.clip(target + 0.4 * noise * random.standard_normal(target.shape), 0, 1)))
            ratings.append(float(round(5 - 5 * noise)))
            trials.append(trial)
    return np.array(rows), np.array(ratings), np.array(trials)


@pytest.fixture(scope="module")
def score(rated: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Score:
    return fit_score(*rated, resamples=FEW_RESAMPLES)[0]


def test_statistics_are_distances() -> None:
    snake, orchid = draw_sample("snake"), draw_sample("orchid")
    same, other, black = (
        dict(zip(NAMES, measure(snake, p), strict=True)) for p in (snake, orchid, np.zeros_like(snake))
    )
    for name in NAMES:
        assert same[name] <= min(other[name], black[name]) + 1e-9, name
    assert same["contrast"] == same["too_rough"] == 0
    assert black["too_smooth"] > 1
    assert other["colour_mean"] > same["colour_mean"] + 2
    assert np.isfinite(measure(snake, np.full((48, 40, 3), np.nan))).all()


def test_planted_ratings_are_learned(score: Score) -> None:
    assert score.has_learned
    assert score.r2.low > 0.5
    assert score.r2.low <= score.r2.value <= score.r2.high <= 1
    assert score.spearman.value > 0.8
    assert (score.pictures, score.trials) == (30, 15)


def test_a_good_picture_scores_above_a_spoiled_one(score: Score) -> None:
    snake = draw_sample("snake")
    noisy = np.clip(snake + 0.35 * np.random.default_rng(5).standard_normal(snake.shape), 0, 1)
    (good, off), (bad, _), (black, far) = (predict_score(score, snake, p) for p in (snake, noisy, np.zeros_like(snake)))
    assert good > 4 > 2 > bad >= 0
    assert off >= score.deviation
    assert far > off  # black is unlike everything that was rated
    assert black < good
    assert predict_score(score, snake, np.full_like(snake, np.nan)) == (0.0, score.deviation)


def test_random_ratings_teach_nothing_and_it_is_said(rated: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    rows, ratings, trials = rated
    for seed in range(3):
        shuffled = np.random.default_rng(seed).permutation(ratings)
        found, held = fit_score(rows, shuffled, trials, resamples=FEW_RESAMPLES)
        assert not found.has_learned
        assert found.r2.value < 0.3
        assert held.predicted.min() >= 0


def test_pictures_of_a_trial_are_held_out_together() -> None:
    random = np.random.default_rng(0)
    own = np.repeat(random.standard_normal((12, len(NAMES))), 4, axis=0)  # tells the trial, not the rating
    ratings = np.repeat(random.integers(0, 6, 12), 4).astype(float)
    trials = np.repeat(np.arange(12), 4)
    assert not fit_score(own, ratings, trials, resamples=FEW_RESAMPLES)[0].has_learned
    assert fit_score(own, ratings, np.arange(48), resamples=FEW_RESAMPLES)[0].r2.value > 0.5  # with ungrouped folds


def test_the_file_comes_back_and_others_are_refused(score: Score, tmp_path: Path) -> None:
    path = tmp_path / "score.json"
    save_score(path, score)
    assert load_score(path) == score
    data = json.loads(path.read_text())
    bad = {
        "format srnca.score/1, got 'x'": {**data, "format": "x"},
        "statistics of this version": {**data, "names": data["names"][1:]},
        "all numbers of a score": {k: v for k, v in data.items() if k != "weights"},
        "finite numbers a list": {**data, "scale": data["scale"][1:]},
    }
    for message, other in bad.items():
        path.write_text(json.dumps(other))
        with pytest.raises(InputError, match=message):
            load_score(path)
    path.write_text("{")
    with pytest.raises(InputError, match="expected the JSON of srnca explore"):
        load_score(path)
    with pytest.raises(InputError, match="expected a readable"):
        load_score(tmp_path / "none.json")


def test_too_few_ratings_are_refused(rated: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    rows, ratings, trials = rated
    with pytest.raises(InputError, match="at least 12 rated pictures of 6 trials, got 10 of 5"):
        fit_score(rows[:10], ratings[:10], trials[:10])
    with pytest.raises(InputError, match="ratings that differ, got 3 for every picture"):
        fit_score(rows, np.full(30, 3.0), trials)
