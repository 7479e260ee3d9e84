"""Which hyperparameters matter: permutation importance of a random forest, measured on held-out trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FEWEST = 10  # trials
TREES, ROUNDS, FOLDS = 60, 3, 5  # each round has other trees and other folds
SHUFFLES = 5  # of each column in each fold


@dataclass(frozen=True)
class Importances:
    """Permutation importances.

    names: of the hyperparameters.
    r2: of the forest on held-out trials; at 0 or below, the importances mean nothing.
    drops: (rounds, names) how much R² falls when the hyperparameter is shuffled among held-out trials.
    """

    names: tuple[str, ...]
    r2: float
    drops: Array

    @property
    def mean(self) -> Array:
        return np.asarray(self.drops.mean(axis=0))

    @property
    def spread(self) -> Array:
        """Standard deviation over the rounds."""
        return np.asarray(self.drops.std(axis=0, ddof=1))


def measure_importances(rows: Array, names: tuple[str, ...], values: Array, *, seed: int = 0) -> Importances | None:
    """rows: (trials, names); values: (trials,). None below 10 finite trials or where all values are the same.

    Unlike sklearn.inspection.permutation_importance, it pools the squared errors of all folds before it takes R²: a
    fold of few trials has no R² of its own.
    """
    from sklearn.ensemble import RandomForestRegressor

    kept = np.isfinite(values) & np.isfinite(rows).all(axis=1)
    rows, values = rows[kept], values[kept]
    if len(rows) < FEWEST or np.ptp(values) == 0:
        return None
    random = np.random.default_rng(seed)
    unexplained, drops = [], []
    for _ in range(ROUNDS):
        own, shuffled = np.empty(len(rows)), np.zeros((len(names), len(rows)))
        for outside in np.array_split(random.permutation(len(rows)), FOLDS):
            inside = np.setdiff1d(np.arange(len(rows)), outside)
            forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=int(random.integers(2**31)))
            forest.fit(rows[inside], values[inside])
            own[outside] = np.square(forest.predict(rows[outside]) - values[outside])
            copies = _shuffled(rows[outside], rows, random)
            guesses = forest.predict(copies.reshape(-1, len(names))).reshape(copies.shape[:3])
            shuffled[:, outside] = np.square(guesses - values[outside]).mean(axis=1)
        unexplained.append(own.mean() / values.var())
        drops.append((shuffled.mean(axis=1) - own.mean()) / values.var())
    return Importances(names, 1 - float(np.mean(unexplained)), np.array(drops))


def _shuffled(part: Array, rows: Array, random: np.random.Generator) -> Array:
    """Copies (columns, SHUFFLES, n, columns) of `part` (n, columns); in copy i, column i is drawn from `rows`."""
    copies = np.broadcast_to(part, (rows.shape[1], SHUFFLES, *part.shape)).copy()
    for column in range(rows.shape[1]):
        copies[column, :, :, column] = random.choice(rows[:, column], size=(SHUFFLES, len(part)))
    return copies
