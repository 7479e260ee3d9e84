"""A study as arrays: its trials, their losses and ratings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError
from srnca.studies.explore import views
from srnca.studies.ratings.ratings import mean_scores
from srnca.studies.search.codec import Codec
from srnca.studies.storage import schema
from srnca.studies.storage.results import list_results
from srnca.studies.storage.schema import TrialResult
from srnca.studies.workers.founding import study_space

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Table:
    """The study as arrays with a row for each trial that was trained to the end or diverged, `results`.

    codec: of the study's space.
    every: all trials that ended, also pruned and failed ones, which have no final loss and no row.
    losses, ratings: (trials, targets); NaN where there is none, such as the loss of a target that diverged.
    """

    name: str
    codec: Codec
    targets: tuple[str, ...]
    every: tuple[TrialResult, ...]
    results: tuple[TrialResult, ...]
    losses: Array
    ratings: Array

    @property
    def params(self) -> list[dict[str, Any]]:
        return [dict(result.params) for result in self.results]

    @property
    def logs(self) -> Array:
        """(trials, targets): log10 of the losses."""
        return np.asarray(np.log10(self.losses))

    @property
    def rated(self) -> bool:
        """Whether enough trials are rated for ratings to define what is good: half of them, and enough for a view."""
        return int(np.isfinite(self.ratings).any(axis=1).sum()) >= max(views.FEWEST, len(self.results) // 2)

    @property
    def badness(self) -> Array:
        """(trials,): minus the mean rating where trials are rated, otherwise the mean standardised log loss.

        A target on which the trial diverged counts with a rating of 0, or with the worst loss of all.
        """
        diverged = np.array([[r.losses.get(t, 0) is None for t in self.targets] for r in self.results], bool)
        diverged = diverged.reshape(self.losses.shape)
        if self.rated:
            return np.asarray(-mean_of_rows(np.where(diverged, 0.0, self.ratings)))
        logs = standardised(self.logs)
        worst = logs[np.isfinite(logs)].max(initial=0.0)
        return mean_of_rows(np.where(diverged, worst, logs))


def read_table(study: Any, folder: Path) -> Table:
    """The study's trials. Raises InputError where none has ended."""
    every = list_results(study, folder)
    if not every:
        raise InputError(f"study {study.study_name}: expected trials that have ended, got none; run srnca sweep first")
    kept = [r for r in every if r.status in (schema.DONE, schema.DIVERGED)]
    targets = tuple(study.user_attrs.get(schema.TARGETS, {})) or tuple(
        dict.fromkeys(t for r in every for t in r.losses)
    )
    losses = np.array([[_loss(r.losses.get(t)) for t in targets] for r in kept], float).reshape(-1, len(targets))
    scores = [mean_scores(result) for result in kept]
    ratings = np.array([[s.get(t, np.nan) for t in targets] for s in scores], float).reshape(-1, len(targets))
    codec = Codec(study_space(study))
    return Table(study.study_name, codec, targets, tuple(every), tuple(kept), losses, ratings)


def _loss(value: float | None) -> float:
    return float("nan") if value is None or not np.isfinite(value) else max(float(value), schema.LOWEST_LOSS)


def standardised(table: Array) -> Array:
    """Each column minus its mean, over its standard deviation; 0 for a constant column. NaN is ignored and stays."""
    centred = table - mean_of_rows(table.T)
    deviation = np.sqrt(mean_of_rows(np.square(centred).T))
    return np.asarray(centred / np.where(deviation > 0, deviation, 1.0))


def mean_of_rows(table: Array) -> Array:
    """Mean of the finite entries of each row; NaN where there is none."""
    count = np.isfinite(table).sum(axis=1)
    total = np.where(np.isfinite(table), table, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
