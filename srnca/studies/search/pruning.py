"""Pruning: a trial is given up when it is among the worst of those that passed the same mark of their training."""

from __future__ import annotations

import math

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from srnca.studies.storage.attempts import ended_without_result

MIN_TRIALS = 5  # others that must have passed a mark before a trial can be pruned there


class WorstShare(BasePruner):
    """Prunes a trial whose value at its latest mark is among the worst `share` (0 to 1; 0: never).

    Optuna's percentile pruner compares a trial's best value so far. Here the marks of several targets follow each
    other, so that a low loss on an easy target would protect the trial on all later ones.
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
            if t.number != trial.number and step in t.intermediate_values and not ended_without_result(t)
        ]
        if len(others) < MIN_TRIALS:
            return False
        value = trial.intermediate_values[step]
        better = sum(other < value for other in others)
        return not math.isfinite(value) or better >= (1 - self.share) * len(others)
