"""All numbers of a study's report: what was run, what goes with what, where the good sets lie."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, MissingPartError
from srnca.studies.estimates import Correlation, Estimate, Line, correlate, fit_line, mean_rank_agreement
from srnca.studies.explore import views
from srnca.studies.explore.importance import Importances, measure_importances
from srnca.studies.explore.named import Comparison, compare_named
from srnca.studies.explore.suggest import Drawn, good_ones, suggest
from srnca.studies.explore.trial_table import Table, mean_of_rows, standardised
from srnca.studies.explore.views import View
from srnca.studies.ratings.ratings import Consistency, consistency
from srnca.studies.ratings.score import Held, Score, fit_score
from srnca.studies.ratings.statistics import measure

Array = npt.NDArray[Any]
Report = Callable[[str, float, float, str], None]

VIEWS = ("pca", "umap", "autoencoder")


@dataclass(eq=False)
class Findings:
    """What was found; None or empty where there is too little, and `lacks` says what is missing."""

    table: Table
    numbers: dict[str, Array] = field(default_factory=dict)  # hyperparameter -> (trials,)
    by_hyperparameter: dict[tuple[str, str], Correlation] = field(default_factory=dict)  # (name, target)
    with_ratings: dict[str, Correlation] = field(default_factory=dict)  # target, and "all" within targets
    across: dict[tuple[str, str], tuple[Correlation, Line]] = field(default_factory=dict)
    agreement: Estimate | None = None
    importances: dict[str, Importances] = field(default_factory=dict)  # "loss", "rating"
    views: list[View] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    score: Score | None = None
    held: Held | None = None
    raters: dict[str, Consistency] = field(default_factory=dict)
    named: Comparison | None = None
    lacks: dict[str, str] = field(default_factory=dict)


def find(
    table: Table,
    *,
    check: Callable[[Mapping[str, Any]], object],
    pictures: Mapping[str, Array],
    wanted: Sequence[str] = VIEWS,
    suggestions: int = 8,
    seed: int = 0,
    progress: Report | None = None,
) -> Findings:
    """All of it. check: raises InputError for a set that no trial would take. pictures: name -> (h, w, 3) of the
    targets at hand. wanted: some of VIEWS. suggestions: for each view.
    """
    found = Findings(table)
    found.numbers = {name: table.codec.numbers(table.params, name) for name in table.codec.names}
    found.raters = consistency(table.every)
    stages: list[tuple[str, Callable[[], None]]] = [
        ("correlations", lambda: _correlate(found, seed)),
        ("importances", lambda: _weigh(found, seed)),
        ("score", lambda: _learn(found, pictures, seed)),
        *[(name, lambda name=name: _look(found, name, check, suggestions, seed)) for name in wanted],
    ]
    for index, (name, stage) in enumerate(stages):
        if progress is not None:
            progress("explore", index, len(stages), name)
        stage()
    found.named = compare_named(table.results, table.targets)
    if progress is not None:
        progress("explore", len(stages), len(stages), "")
    return found


def _correlate(found: Findings, seed: int) -> None:
    table, logs = found.table, found.table.logs
    for (name, values), (place, target) in itertools.product(found.numbers.items(), enumerate(table.targets)):
        one = correlate(values, logs[:, place], seed=seed)
        if one is not None:
            found.by_hyperparameter[name, target] = one
    for place, target in enumerate(table.targets):
        one = correlate(logs[:, place], table.ratings[:, place], seed=seed)
        if one is not None:
            found.with_ratings[target] = one
    _pool(found, seed)
    for a, b in itertools.combinations(range(len(table.targets)), 2):
        both, line = correlate(logs[:, a], logs[:, b], seed=seed), fit_line(logs[:, a], logs[:, b], seed=seed)
        if both is not None and line is not None:
            found.across[table.targets[a], table.targets[b]] = both, line
    found.agreement = mean_rank_agreement(logs, seed=seed)
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


def _pool(found: Findings, seed: int) -> None:
    """Loss against rating over all textures: each in units of its own texture, whole trials drawn again."""
    table = found.table
    if len(table.targets) < 2:
        return
    kept = np.isfinite(table.logs) & np.isfinite(table.ratings)
    logs, ratings = (standardised(np.where(kept, part, np.nan)) for part in (table.logs, table.ratings))
    trials = np.broadcast_to(np.arange(len(table.results))[:, None], kept.shape)
    together = correlate(logs[kept], ratings[kept], groups=trials[kept], seed=seed)
    if together is not None:
        found.with_ratings["all"] = together


def _weigh(found: Findings, seed: int) -> None:
    table = found.table
    rows = np.stack([found.numbers[name] for name in table.codec.names], axis=1)
    for what, values in (("loss", mean_of_rows(standardised(table.logs))), ("rating", mean_of_rows(table.ratings))):
        one = measure_importances(rows, table.codec.names, values, seed=seed)
        if one is not None:
            found.importances[what] = one
        else:
            count = int(np.isfinite(values).sum())
            found.lacks[f"importances of the {what}"] = f"10 trials with a {what} are needed, there are {count}"


def _learn(found: Findings, pictures: Mapping[str, Array], seed: int) -> None:
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
        found.score, found.held = fit_score(np.array(rows), np.array(ratings), np.array(trials), seed=seed)
    except InputError as error:
        found.lacks["score"] = str(error).removeprefix("score: ")


def _look(found: Findings, name: str, check: Callable[[Mapping[str, Any]], object], count: int, seed: int) -> None:
    table = found.table
    finite = np.flatnonzero(np.isfinite(table.badness))
    if len(finite) < views.FEWEST:
        found.lacks[name] = f"{views.FEWEST} trials with a result are needed, there are {len(finite)}"
        return
    rows = table.codec.encode(table.params)
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
