"""Ratings of a study's pictures by people, from 0 to 5, and how consistent each rater is."""

from __future__ import annotations

import datetime
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from equations.errors import InputError, shorten
from srnca.studies.storage import schema
from srnca.studies.storage.schema import TrialResult, rating_key

LOWEST, HIGHEST = schema.LOWEST_RATING, schema.HIGHEST_RATING
PAGE = 12  # pictures on a contact sheet


@dataclass(frozen=True)
class Shown:
    """A picture to be rated.

    trial, target: whose picture it is.
    again: whether its rater has seen it before.
    """

    trial: int
    target: str
    path: Path
    again: bool = False


@dataclass(frozen=True)
class Consistency:
    """How far two ratings of the same picture by one rater agree.

    pairs: how many pairs of ratings there are.
    exact: share of pairs with equal ratings.
    difference: mean of second − first; far from 0, the rater's scale has drifted.
    apart: mean of |second − first|.
    kappa: Cohen's, with quadratic weights (Cohen 1968): 1 is agreement, 0 chance; None where all ratings are equal.
    """

    pairs: int
    exact: float
    difference: float
    apart: float
    kappa: float | None


def parse_score(text: str) -> int:
    """Raises InputError for anything but a whole number from 0 to 5."""
    word = text.strip()
    if word not in {str(score) for score in range(LOWEST, HIGHEST + 1)}:
        raise InputError(
            f"rating: expected a whole number from {LOWEST} (bad) to {HIGHEST} (good), got {shorten(word)}"
        )
    return int(word)


def parse_rater(text: str) -> str:
    """A rater's name. Raises InputError."""
    name = text.strip()
    if not name or len(name) > 60 or not name.isprintable():
        raise InputError(f"--rater: expected a name of 1 to 60 letters, got {shorten(text)}")
    return name


def add_rating(study: Any, trial: int, target: str, score: int, rater: str) -> None:
    """Write one rating to the study at once. Several raters may do so at a time: each has attributes of their own."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    key = rating_key(trial, target, rater)
    study.set_user_attr(
        key, [*study.user_attrs.get(key, []), {"score": parse_score(str(score)), "rater": rater, "time": now}]
    )


def take_back(study: Any, trial: int, target: str, rater: str) -> None:
    """Remove the rater's last rating of a picture, if there is one."""
    key = rating_key(trial, target, rater)
    ratings = study.user_attrs.get(key, [])
    if ratings:
        study.set_user_attr(key, ratings[:-1])


def plan_pages(results: Iterable[TrialResult], rater: str, *, again: float, seed: int) -> list[list[Shown]]:
    """Contact sheets in random order: all pictures that `rater` has not rated, and some to be rated again.

    again: number of repeats as a share (0 to 1) of the new pictures or, where none is new, of the rated ones.

    Repeats are taken from earlier sessions first, then from this one. No sheet holds a picture twice: a repeat of this
    session comes on a later sheet.
    """
    if not 0 <= again <= 1:
        raise InputError(f"--again: expected a share from 0 to 1, got {again:g}")
    new, known = list[Shown](), list[Shown]()
    for result in results:
        for target, path in result.pictures.items():
            seen = any(rating["rater"] == rater for rating in result.ratings.get(target, ()))
            if path.is_file():
                (known if seen else new).append(Shown(result.number, target, path, again=seen))
    random = np.random.default_rng(seed)
    wanted = round(again * (len(new) or len(known)))
    earlier = [known[i] for i in random.permutation(len(known))[:wanted]]
    mixed = [*new, *earlier]
    mixed = [mixed[i] for i in random.permutation(len(mixed))]
    return _with_repeats(mixed, wanted - len(earlier), random)


def _with_repeats(mixed: list[Shown], wanted: int, random: np.random.Generator) -> list[list[Shown]]:
    """Pages of `mixed`, with `wanted` of its pictures repeated on a later page."""
    pages = [mixed[start : start + PAGE] for start in range(0, len(mixed), PAGE)]
    fresh = [(number, shown) for number, page in enumerate(pages) for shown in page if not shown.again]
    last = list[Shown]()
    for index in random.permutation(len(fresh))[:wanted]:
        number, shown = fresh[index]
        repeat = Shown(shown.trial, shown.target, shown.path, again=True)
        later = range(number + 1, len(pages))
        page = pages[int(random.choice(later))] if later else last
        page.insert(int(random.integers(len(page) + 1)), repeat)
    return [page for page in (*pages, last) if page]


def mean_scores(result: TrialResult) -> dict[str, float]:
    """Target -> mean over raters of each rater's mean, so that rating a picture twice gives no more weight."""
    means = {}
    for target, ratings in result.ratings.items():
        by_rater = defaultdict(list)
        for rating in ratings:
            by_rater[rating["rater"]].append(float(rating["score"]))
        if by_rater:
            means[target] = float(np.mean([np.mean(scores) for scores in by_rater.values()]))
    return means


def consistency(results: Iterable[TrialResult]) -> dict[str, Consistency]:
    """Rater -> agreement of consecutive ratings of the same picture; only raters with a repeat."""
    pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for result in results:
        for ratings in result.ratings.values():
            for rater, scores in _by_rater(ratings).items():
                pairs[rater] += list(itertools.pairwise(scores))
    return {rater: measure_agreement(found) for rater, found in sorted(pairs.items()) if found}


def measure_agreement(pairs: Sequence[tuple[int, int]]) -> Consistency:
    """Of at least one pair (first, second)."""
    first, second = np.array(pairs, int).T
    apart, kappa = second - first, None
    if np.ptp(pairs) > 0:
        from sklearn.metrics import cohen_kappa_score

        kappa = float(cohen_kappa_score(first, second, labels=range(LOWEST, HIGHEST + 1), weights="quadratic"))
    return Consistency(len(pairs), float((apart == 0).mean()), float(apart.mean()), float(np.abs(apart).mean()), kappa)


def _by_rater(ratings: Iterable[Mapping[str, Any]]) -> dict[str, list[int]]:
    scores: dict[str, list[int]] = defaultdict(list)
    for rating in ratings:
        scores[rating["rater"]].append(int(rating["score"]))
    return scores
