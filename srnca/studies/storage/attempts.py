"""Jobs and their attempts: a job is one set of hyperparameters to train, an attempt is an Optuna trial for it.

A job has several attempts when workers were killed: each loss adds a new trial that replaces the lost one.
The number of a job's first trial stands for the job.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from srnca.studies.storage import schema

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

# A trial's attributes: the job's first trial, the trial it replaces, failed tries so far, the key of its set in the
# queue, and why it was withdrawn.
ROOT, INSTEAD_OF, TRIES, QUEUED, WITHDRAWN = "root", "instead_of", "tries", "queued", "withdrawn"


def first_attempt(trial: FrozenTrial) -> int:
    """The number of the job's first trial, which also names the job's folder."""
    return int(trial.user_attrs.get(ROOT, trial.number))


def ended_without_result(trial: FrozenTrial) -> bool:
    """Whether a trial was lost (and replaced) or withdrawn."""
    return trial.state.is_finished() and not schema.is_result(trial)


def list_jobs(trials: Iterable[FrozenTrial]) -> list[int]:
    """The first trials of all jobs that are done, running or waiting, in order."""
    return sorted({first_attempt(t) for t in trials if not ended_without_result(t)})


def job_index(study: optuna.Study, trial: FrozenTrial) -> int:
    """How many jobs began before this one.

    Draws and training seeds depend on this index, not on the trial number, which also counts replaced trials.
    Studies of older versions, which lack `schema.PLACES`, use the number of the job's first trial.
    """
    first = first_attempt(trial)
    if schema.PLACES not in study.user_attrs:
        return first
    return sum(number < first for number in list_jobs(study.get_trials(deepcopy=False)))
