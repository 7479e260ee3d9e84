"""When a trial is hopeless: among the worst of those that passed the same mark of their training."""

from __future__ import annotations

import math

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from srnca.studies.workers.trials import is_out

LEAST = 5  # so many others must have passed a mark before it tells anything


class WorstShare(BasePruner):
    """Prunes a trial whose value at its latest mark is among the worst `share` (0 to 1; 0: never).

    Optuna's percentile pruner takes a trial's best value so far. Here marks of several targets follow each other,
    and what a trial reached on an easy one would save it on all others.
    """

    def __init__(self, share: float) -> None:
        self.share = share

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        step = trial.last_step
        if step is None or not self.share:
            return False
        others = [
            t.intermediate_values[step]
            for t in study.get_trials(deepcopy=False)
            if t.number != trial.number and step in t.intermediate_values and not is_out(t)
        ]
        if len(others) < LEAST:
            return False
        value = trial.intermediate_values[step]
        better = sum(other < value for other in others)
        return not math.isfinite(value) or better >= (1 - self.share) * len(others)
