"""A learned score: from a picture's statistics to the rating that people would give, with an honest deviation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, shorten, shorten_text
from equations.files import write_text
from equations.reading import check_regular_file, check_size
from srnca.studies.estimates import Estimate
from srnca.studies.ratings.ratings import HIGHEST, LOWEST
from srnca.studies.ratings.statistics import NAMES, measure

Array = npt.NDArray[Any]

FORMAT = "srnca.score/1"
FEWEST_PICTURES, FEWEST_TRIALS = 12, 6
PENALTIES = tuple(np.geomspace(0.1, 1000, 9).tolist())
FOLDS = 10
RESAMPLES = 1000
FARTHEST = 3.0  # standard deviations: beyond them a straight line knows nothing, and a picture counts as that far


@dataclass(frozen=True)
class Score:
    """Ridge regression of ratings on standardised statistics.

    middle, scale, weights: of each name in `names`; intercept: the mean rating; inverse: (XᵀX + penalty)⁻¹ of the
    standardised rows; deviation: root mean square error, held out by trial. r2, spearman: held out by trial, against
    the mean of the other trials' ratings and in ranks, with 95 % intervals over trials.
    """

    names: tuple[str, ...]
    middle: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    inverse: tuple[tuple[float, ...], ...]
    penalty: float
    deviation: float
    r2: Estimate
    spearman: Estimate
    pictures: int
    trials: int

    @property
    def has_learned(self) -> bool:
        """Whether it predicts better than the mean rating does, as far as the data can tell."""
        return self.r2.low > 0 and self.spearman.low > 0


@dataclass(frozen=True, eq=False)
class Held:
    """What cross-validation predicted for each picture without its trial, beside the rating."""

    ratings: Array
    predicted: Array


def fit_score(rows: Array, ratings: Array, trials: Array, *, seed: int = 0) -> tuple[Score, Held]:
    """rows (pictures, statistics), ratings (pictures,) in [0, 5], trials (pictures,): one is held out as a whole.

    Raises InputError with fewer than 12 pictures of 6 trials, or where all ratings are the same.
    """
    count = len(np.unique(trials))
    if len(rows) < FEWEST_PICTURES or count < FEWEST_TRIALS:
        raise InputError(
            f"score: expected at least {FEWEST_PICTURES} rated pictures of {FEWEST_TRIALS} trials, "
            f"got {len(rows)} of {count}; rate more with srnca rate"
        )
    if np.ptp(ratings) == 0:
        raise InputError(f"score: expected ratings that differ, got {ratings[0]:g} for every picture")
    predicted, baseline = np.empty(len(rows)), np.empty(len(rows))
    for inside, outside in _folds(trials, FOLDS, seed):
        penalty = _choose_penalty(rows[inside], ratings[inside], trials[inside], seed)
        predicted[outside] = _predict(_solve(rows[inside], ratings[inside], penalty), rows[outside])
        baseline[outside] = ratings[inside].mean()
    penalty = _choose_penalty(rows, ratings, trials, seed)
    middle, scale, weights, intercept, inverse = _solve(rows, ratings, penalty)
    r2, spearman = _judge(ratings, predicted, baseline, trials, seed)
    score = Score(
        NAMES,
        tuple(middle.tolist()),
        tuple(scale.tolist()),
        tuple(weights.tolist()),
        float(intercept),
        tuple(map(tuple, inverse.tolist())),
        penalty,
        float(np.sqrt(np.square(ratings - predicted).mean())),
        r2,
        spearman,
        len(rows),
        count,
    )
    return score, Held(ratings, predicted)


def predict_score(score: Score, target: Array, picture: Array) -> tuple[float, float]:
    """The rating to expect for a picture (h, w, 3) in [0, 1] of a target, in [0, 5], and its standard deviation.

    The deviation is that of held-out pictures, and grows for pictures unlike all that were rated.
    """
    if not np.isfinite(picture).all():
        return float(LOWEST), score.deviation
    row = ((measure(target, picture) - score.middle) / score.scale).clip(-FARTHEST, FARTHEST)
    mean = score.intercept + float(row @ np.array(score.weights))
    far = float(row @ np.array(score.inverse) @ row)
    return float(np.clip(mean, LOWEST, HIGHEST)), score.deviation * math.sqrt(1 + far)


def missing_rating(score: Score, targets: Mapping[str, Array], pictures: Mapping[str, Path]) -> float:
    """5 minus the mean rating to expect over all targets; one without a picture (it diverged) counts a rating of 0."""
    from srnca.studies.ratings.sheet import read_picture

    expected = [
        predict_score(score, target, np.asarray(read_picture(pictures[name]), np.float32) / 255)[0]
        if name in pictures
        else float(LOWEST)
        for name, target in targets.items()
    ]
    return HIGHEST - float(np.mean(expected))


def save_score(path: Path, score: Score) -> None:
    """Write `score.json`, atomically."""
    write_text(path, json.dumps(score_to_dict(score), indent=1) + "\n")


def score_to_dict(score: Score) -> dict[str, Any]:
    """As `score.json` holds it: plain JSON data."""
    return dict(json.loads(json.dumps({"format": FORMAT, **asdict(score)})))


def load_score(path: Path) -> Score:
    """The score of a `score.json`. Raises InputError for anything else."""
    try:
        check_size(check_regular_file(path, "a readable score.json").stat().st_size, "this file", path)
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"score: expected a readable score.json, got {str(path)!r} ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected the JSON of srnca explore, got something else") from error
    return score_from_dict(data, str(path))


def score_from_dict(data: Any, where: str = "score") -> Score:
    """The inverse of `score_to_dict`. Raises InputError."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        got = shorten(data.get("format")) if isinstance(data, dict) else shorten(data)
        raise InputError(f"{where}: expected a score of format {FORMAT}, got {got}; make one with srnca explore")
    if data.get("names") not in (NAMES, list(NAMES)):
        raise InputError(f"{where}: expected the statistics of this version, got others; run srnca explore again")
    try:
        lists = {key: tuple(float(x) for x in data[key]) for key in ("middle", "scale", "weights")}
        inverse = tuple(tuple(float(x) for x in row) for row in data["inverse"])
        numbers = {key: float(data[key]) for key in ("intercept", "penalty", "deviation")}
        judged = {
            key: Estimate(*(float(data[key][part]) for part in ("value", "low", "high"))) for key in ("r2", "spearman")
        }
        counts = {key: int(data[key]) for key in ("pictures", "trials")}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = shorten_text(str(error))
        raise InputError(f"{where}: expected all numbers of a score, got {reason}; run srnca explore again") from error
    sizes = {len(part) for part in (*lists.values(), inverse, *inverse)}
    flat = [x for row in (*lists.values(), *inverse, numbers.values()) for x in row]
    finite = np.isfinite(flat).all()
    if sizes != {len(NAMES)} or not finite or min(lists["scale"]) <= 0:
        raise InputError(f"{where}: expected {len(NAMES)} finite numbers a list, got others; run srnca explore again")
    return Score(names=NAMES, inverse=inverse, **lists, **numbers, **judged, **counts)  # type: ignore[arg-type]


_Ridge = tuple[Array, Array, Array, float, Array]


def _solve(rows: Array, ratings: Array, penalty: float) -> _Ridge:
    """middle, scale, weights, intercept, inverse."""
    middle, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    x = (rows - middle) / scale
    inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1]))
    return middle, scale, inverse @ x.T @ (ratings - ratings.mean()), float(ratings.mean()), inverse


def _predict(solved: _Ridge, rows: Array) -> Array:
    middle, scale, weights, intercept, _ = solved
    near = ((rows - middle) / scale).clip(-FARTHEST, FARTHEST)
    return np.clip(intercept + near @ weights, LOWEST, HIGHEST)


def _choose_penalty(rows: Array, ratings: Array, trials: Array, seed: int) -> float:
    """The one of the lowest held-out error, within these rows."""
    errors = np.zeros(len(PENALTIES))
    for inside, outside in _folds(trials, 5, seed + 1):
        for place, penalty in enumerate(PENALTIES):
            missed = _predict(_solve(rows[inside], ratings[inside], penalty), rows[outside]) - ratings[outside]
            errors[place] += np.square(missed).sum()
    return PENALTIES[int(errors.argmin())]


def _folds(trials: Array, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
    """(inside, outside) masks: each trial is outside once."""
    names = np.random.default_rng(seed).permutation(np.unique(trials))
    parts = np.array_split(names, min(count, len(names)))
    return [(~np.isin(trials, part), np.isin(trials, part)) for part in parts]


def _judge(ratings: Array, predicted: Array, baseline: Array, trials: Array, seed: int) -> tuple[Estimate, Estimate]:
    """R² against the mean of the other trials, and Spearman's coefficient; trials are drawn again for the intervals."""
    from srnca.studies.estimates import correlate

    errors, of_mean = np.square(ratings - predicted), np.square(ratings - baseline)
    value = 1 - float(errors.sum() / of_mean.sum())
    names, place = np.unique(trials, return_inverse=True)
    sums = np.array([np.bincount(place, part, minlength=len(names)) for part in (errors, of_mean)])  # (2, trials)
    drawn = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))
    again = 1 - sums[0][drawn].sum(axis=1) / np.maximum(sums[1][drawn].sum(axis=1), 1e-12)
    low, high = np.quantile(again, [0.025, 0.975])
    found = correlate(ratings, predicted, groups=trials, seed=seed)
    ranks = found.spearman if found is not None else Estimate(0.0, -1.0, 1.0)
    return Estimate(value, float(low), float(high)), ranks
