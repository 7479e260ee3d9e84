"""All numbers of a study's report: correlations, importances, the learned score, views and suggestions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, MissingPartError
from srnca.studies.estimates import RESAMPLES, Correlation, Estimate, Line, correlate, fit_line, mean_rank_agreement
from srnca.studies.explore import views
from srnca.studies.explore.importance import Importances, measure_importances
from srnca.studies.explore.named import Comparison, compare_named
from srnca.studies.explore.suggest import Drawn, good_ones, suggest
from srnca.studies.explore.trial_table import Table, mean_of_rows, standardised
from srnca.studies.explore.views import View
from srnca.studies.ratings.ratings import Consistency, consistency
from srnca.studies.ratings.score import HeldOut, Score, fit_score
from srnca.studies.ratings.statistics import measure

Array = npt.NDArray[Any]
Report = Callable[[str, float, float, str], None]

VIEWS = ("pca", "umap", "autoencoder")


@dataclass(eq=False)
class Findings:
    """What was found; None or empty where there are too few data.

    numbers: hyperparameter -> its values (trials,).
    by_hyperparameter: (hyperparameter, target) -> correlation of its values with the log losses.
    with_ratings: target -> correlation of log losses with ratings; "all": pooled over targets.
    across: (target, target) -> correlation and line between their log losses.
    agreement: mean rank correlation of the losses over all pairs of targets.
    importances: of the hyperparameters, for the "loss" and the "rating".
    views, drawn: the planes, and the suggestions drawn on each.
    score, held: the learned score, and its held-out predictions.
    raters: how consistent each rater is.
    named: the field's two named sets beside each other.
    lacks: what could not be computed -> which data are missing.
    """

    table: Table
    numbers: dict[str, Array] = field(default_factory=dict)
    by_hyperparameter: dict[tuple[str, str], Correlation] = field(default_factory=dict)
    with_ratings: dict[str, Correlation] = field(default_factory=dict)
    across: dict[tuple[str, str], tuple[Correlation, Line]] = field(default_factory=dict)
    agreement: Estimate | None = None
    importances: dict[str, Importances] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    score: Score | None = None
    held: HeldOut | None = None
    raters: dict[str, Consistency] = field(default_factory=dict)
    named: Comparison | None = None
    lacks: dict[str, str] = field(default_factory=dict)


class FindOptions(TypedDict, total=False):
    """Arguments of `find`, which describes them, that its callers hand on."""

    wanted: Sequence[str]
    suggestions: int
    seed: int
    resamples: int
    progress: Report | None


def find(
    table: Table,
    *,
    check: Callable[[Mapping[str, Any]], object],
    pictures: Mapping[str, Array],
    wanted: Sequence[str] = VIEWS,
    suggestions: int = 8,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Report | None = None,
) -> Findings:
    """Compute the findings of a study.

    check: raises InputError for a set of hyperparameters that cannot be trained.
    pictures: name -> (h, w, 3) of those targets whose file is on this machine.
    wanted: views to make, some of VIEWS; `lacks` names those that are not installed.
    suggestions: number of new sets from each view.
    resamples: bootstrap samples of each interval.
    """
    found = Findings(table)
    found.numbers = {name: table.codec.numbers(table.params, name) for name in table.codec.names}
    found.raters = consistency(table.every)
    stages: list[tuple[str, Callable[[], None]]] = [
        ("correlations", lambda: _correlate(found, seed, resamples)),
        ("importances", lambda: _measure_importances(found, seed)),
        ("score", lambda: _learn_score(found, pictures, seed, resamples)),
        *[(name, lambda name=name: _make_view(found, name, check, suggestions, seed)) for name in wanted],
    ]
    for index, (name, stage) in enumerate(stages):
        if progress is not None:
            progress("explore", index, len(stages), name)
        stage()
    found.named = compare_named(table.results, table.targets)
    if progress is not None:
        progress("explore", len(stages), len(stages), "")
    return found


def _correlate(found: Findings, seed: int, resamples: int) -> None:
    table, logs = found.table, found.table.logs
    sampling: dict[str, Any] = {"seed": seed, "resamples": resamples}
    for (name, values), (place, target) in itertools.product(found.numbers.items(), enumerate(table.targets)):
        one = correlate(values, logs[:, place], **sampling)
        if one is not None:
            found.by_hyperparameter[name, target] = one
    for place, target in enumerate(table.targets):
        one = correlate(logs[:, place], table.ratings[:, place], **sampling)
        if one is not None:
            found.with_ratings[target] = one
    _pool_targets(found, **sampling)
    for a, b in itertools.combinations(range(len(table.targets)), 2):
        both, line = correlate(logs[:, a], logs[:, b], **sampling), fit_line(logs[:, a], logs[:, b], **sampling)
        if both is not None and line is not None:
            found.across[table.targets[a], table.targets[b]] = both, line
    found.agreement = mean_rank_agreement(logs, **sampling)
    trials = int(np.isfinite(logs).all(axis=1).sum())
    if not found.across:
        found.lacks["across"] = (
            f"5 trials that ended on two textures are needed; there are {trials} on {len(table.targets)}"
        )
    if not found.with_ratings:
        rated = int(np.isfinite(table.ratings).sum())
        found.lacks["ratings"] = (
            f"5 rated pictures of one texture are needed, there are {rated} in all: srnca rate {table.name}"
        )


def _pool_targets(found: Findings, seed: int, resamples: int) -> None:
    """Correlate loss and rating over all targets, each standardised within its target; whole trials are resampled."""
    table = found.table
    if len(table.targets) < 2:
        return
    kept = np.isfinite(table.logs) & np.isfinite(table.ratings)
    logs, ratings = (standardised(np.where(kept, part, np.nan)) for part in (table.logs, table.ratings))
    trials = np.broadcast_to(np.arange(len(table.results))[:, None], kept.shape)
    together = correlate(logs[kept], ratings[kept], groups=trials[kept], seed=seed, resamples=resamples)
    if together is not None:
        found.with_ratings["all"] = together


def _measure_importances(found: Findings, seed: int) -> None:
    table = found.table
    rows = np.stack([found.numbers[name] for name in table.codec.names], axis=1)
    for what, values in (("loss", mean_of_rows(standardised(table.logs))), ("rating", mean_of_rows(table.ratings))):
        one = measure_importances(rows, table.codec.names, values, seed=seed)
        if one is not None:
            found.importances[what] = one
        else:
            count = int(np.isfinite(values).sum())
            found.lacks[f"importances of the {what}"] = f"10 trials with a {what} are needed, there are {count}"


def _learn_score(found: Findings, pictures: Mapping[str, Array], seed: int, resamples: int) -> None:
    table = found.table
    rows, ratings, trials = list[Array](), list[float](), list[int]()
    for index, result in enumerate(table.results):
        for place, target in enumerate(table.targets):
            path = result.pictures.get(target)
            if target in pictures and path is not None and path.is_file() and np.isfinite(table.ratings[index, place]):
                rows.append(measure(pictures[target], read_pixels(path)))
                ratings.append(float(table.ratings[index, place]))
                trials.append(result.number)
    if not rows:
        found.lacks["score"] = f"no rated pictures are at hand: srnca rate {table.name}"
        return
    try:
        known = np.array(rows), np.array(ratings), np.array(trials)
        found.score, found.held = fit_score(*known, seed=seed, resamples=resamples)
    except InputError as error:
        found.lacks["score"] = str(error).removeprefix("score: ")


def _make_view(found: Findings, name: str, check: Callable[[Mapping[str, Any]], object], count: int, seed: int) -> None:
    """A view of the trials and the suggestions drawn on it."""
    table = found.table
    finite = np.flatnonzero(np.isfinite(table.badness))
    if len(finite) < views.FEWEST:
        found.lacks[name] = f"{views.FEWEST} trials with a result are needed, there are {len(finite)}"
        return
    rows = table.codec.encode(table.params)
    if rows.shape[1] < 2:
        found.lacks[name] = "a plane needs two hyperparameters, the study searches one"
        return
    makers: dict[str, Callable[[], View]] = {
        "pca": lambda: views.make_pca(rows),
        "umap": lambda: views.make_umap(rows, seed=seed),
        "autoencoder": lambda: views.make_autoencoder(rows, seed=seed),
    }
    try:
        view = makers[name]()
    except MissingPartError as error:
        found.lacks[name] = str(error)
        return
    found.views.append(view)
    known = [dict(result.params) for result in table.every]
    known += [suggestion.params for drawn in found.drawn for suggestion in drawn.suggestions]
    numbers = [result.number for result in table.results]
    drawn = suggest(
        view,
        table.codec,
        good_ones(table.badness),
        numbers,
        known,
        check=check,
        count=count,
        seed=seed + len(found.views),
    )
    found.drawn.append(drawn)


def read_pixels(path: Path) -> Array:
    """A picture of the study, (h, w, 3) in [0, 1]."""
    from srnca.studies.ratings.sheet import read_picture

    return np.asarray(read_picture(path), np.float32) / 255
