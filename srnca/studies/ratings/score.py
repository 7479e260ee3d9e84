"""A learned score: predicts a picture's rating, and the deviation of that prediction, from the picture's statistics."""

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
from srnca.studies import estimates
from srnca.studies.estimates import Estimate, correlate
from srnca.studies.ratings.ratings import HIGHEST, LOWEST
from srnca.studies.ratings.statistics import NAMES, measure

Array = npt.NDArray[Any]

FORMAT = "srnca.score/1"
FEWEST_PICTURES, FEWEST_TRIALS = 12, 6
PENALTIES = tuple(np.geomspace(0.1, 1000, 9).tolist())  # of the ridge regression, to choose from
FOLDS = 10
RESAMPLES = 1000  # bootstrap samples for the interval of R²
FARTHEST = 3.0  # standardised statistics are clipped here: the regression does not extrapolate further


@dataclass(frozen=True)
class Score:
    """Ridge regression of ratings on standardised statistics.

    names: of the statistics.
    middle, scale, weights: mean, standard deviation and weight of each statistic.
    intercept: the mean rating.
    inverse: (XᵀX + penalty)⁻¹ of the standardised rows X.
    penalty: of the ridge regression.
    deviation: root mean square error on held-out trials.
    r2: on held-out trials, against the mean rating of the other trials, with a 95 % interval over trials.
    spearman: rank correlation of prediction and rating on held-out trials, with a 95 % interval over trials.
    pictures, trials: how many it was fitted on.
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
        """Whether it predicts better than the mean rating: both intervals lie above 0."""
        return self.r2.low > 0 and self.spearman.low > 0


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The rating of each picture, and the prediction of a score fitted without its trial; both (pictures,)."""

    ratings: Array
    predicted: Array


def fit_score(
    rows: Array, ratings: Array, trials: Array, *, seed: int = 0, resamples: int = estimates.RESAMPLES
) -> tuple[Score, HeldOut]:
    """Fit the ridge regression, with its penalty chosen by cross-validation, and judge it on held-out trials.

    rows: (pictures, statistics).
    ratings: (pictures,) in [0, 5].
    trials: (pictures,) the trial of each picture; a trial is held out as a whole.
    resamples: bootstrap samples for the interval of the rank correlation.

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
    r2, spearman = _judge(ratings, predicted, baseline, trials, seed, resamples)
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
    return score, HeldOut(ratings, predicted)


def predict_score(score: Score, target: Array, picture: Array) -> tuple[float, float]:
    """The predicted rating, in [0, 5], of a picture (h, w, 3) in [0, 1], and the prediction's standard deviation.

    The deviation is at least the error on held-out pictures, and is larger for pictures unlike those that were rated.
    """
    if not np.isfinite(picture).all():
        return float(LOWEST), score.deviation
    row = ((measure(target, picture) - score.middle) / score.scale).clip(-FARTHEST, FARTHEST)
    mean = score.intercept + float(row @ np.array(score.weights))
    distance = float(row @ np.array(score.inverse) @ row)
    return float(np.clip(mean, LOWEST, HIGHEST)), score.deviation * math.sqrt(1 + distance)


def missing_rating(score: Score, targets: Mapping[str, Array], pictures: Mapping[str, Path]) -> float:
    """5 minus the mean predicted rating over all targets; a target without a picture (it diverged) counts as 0."""
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
    """The score as plain JSON data, as in `score.json`."""
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
    """Mean, scale, weights, intercept, and (XᵀX + penalty)⁻¹, which the deviation of a prediction needs as well."""
    middle, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    x = (rows - middle) / scale
    inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1]))
    return middle, scale, inverse @ x.T @ (ratings - ratings.mean()), float(ratings.mean()), inverse


def _predict(solved: _Ridge, rows: Array) -> Array:
    middle, scale, weights, intercept, _ = solved
    standardised = ((rows - middle) / scale).clip(-FARTHEST, FARTHEST)
    return np.clip(intercept + standardised @ weights, LOWEST, HIGHEST)


def _choose_penalty(rows: Array, ratings: Array, trials: Array, seed: int) -> float:
    """The penalty with the lowest cross-validated error on these rows."""
    errors = np.zeros(len(PENALTIES))
    for inside, outside in _folds(trials, 5, seed + 1):
        for place, penalty in enumerate(PENALTIES):
            missed = _predict(_solve(rows[inside], ratings[inside], penalty), rows[outside]) - ratings[outside]
            errors[place] += np.square(missed).sum()
    return PENALTIES[int(errors.argmin())]


def _folds(trials: Array, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
    """(training, held-out) masks of the rows; each trial is held out once, with all its pictures."""
    names = np.random.default_rng(seed).permutation(np.unique(trials))
    parts = np.array_split(names, min(count, len(names)))
    return [(~np.isin(trials, part), np.isin(trials, part)) for part in parts]


def _judge(
    ratings: Array, predicted: Array, baseline: Array, trials: Array, seed: int, resamples: int
) -> tuple[Estimate, Estimate]:
    """R² against the mean rating of the other trials, and Spearman's coefficient; intervals resample trials."""
    errors, of_mean = np.square(ratings - predicted), np.square(ratings - baseline)
    value = 1 - float(errors.sum() / of_mean.sum())
    names, place = np.unique(trials, return_inverse=True)
    sums = np.array([np.bincount(place, part, minlength=len(names)) for part in (errors, of_mean)])  # (2, trials)
    drawn = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))
    again = 1 - sums[0][drawn].sum(axis=1) / np.maximum(sums[1][drawn].sum(axis=1), 1e-12)
    low, high = np.quantile(again, [0.025, 0.975])
    found = correlate(ratings, predicted, groups=trials, seed=seed, resamples=resamples)
    ranks = found.spearman if found is not None else Estimate(0.0, -1.0, 1.0)
    return Estimate(value, float(low), float(high)), ranks
