"""Which worker runs which trial: many workers share one study, and each job is run to its end exactly once.

Storages guarantee two things only: all workers see the trials in the same order, and a trial ends once.
Four rules build on them (see `storage.attempts` for jobs and attempts).
- A trial that lost its worker gets a replacement first and is ended afterwards, so that no job is lost in between.
- Two workers may notice the loss at once and both add a replacement: the one with the lowest number counts.
- A worker that starts a replacement first ends the replaced trial. If that trial has ended with a result meanwhile, the
  replacement is withdrawn.
- Two workers may draw the last wanted trial at once: a worker that has drawn a trial beyond the total withdraws it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from srnca.studies.search.space import Space
from srnca.studies.storage import schema
from srnca.studies.storage.attempts import (
    INSTEAD_OF,
    QUEUED,
    ROOT,
    TRIES,
    WITHDRAWN,
    ended_without_result,
    first_attempt,
    list_jobs,
)
from srnca.studies.workers.liveness import Watcher, worker_name

MOST_TRIES = 3  # a job that has lost this many workers is recorded as failed


def queue_key(params: dict[str, Any]) -> str:
    """Identifies a set of the study's queue."""
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]


def waiting_sets(study: optuna.Study, trials: Sequence[FrozenTrial]) -> list[dict[str, Any]]:
    """The sets of the study's queue for which there is no trial yet."""
    taken = {t.user_attrs.get(QUEUED) for t in trials if not ended_without_result(t)}
    return [params for params in study.user_attrs.get(schema.QUEUE) or [] if queue_key(params) not in taken]


def fill_from_queue(study: optuna.Study, space: Space, total: int) -> None:
    """Enqueue the queue's sets, so that they run before the sampler's, up to `total` jobs. Raises InputError."""
    trials = study.get_trials(deepcopy=False)
    for params in waiting_sets(study, trials)[: max(0, total - len(list_jobs(trials)))]:
        study.enqueue_trial(space.check(params), user_attrs={QUEUED: queue_key(params)})


def draw(study: optuna.Study, space: Space) -> Trial:
    """The next trial: a waiting one, or a new one.

    A new trial carries its worker's name before it starts: if the worker dies at once, others need not wait for it.
    """
    if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial({}, user_attrs={schema.ALIVE: _own()})
    return study.ask(space.distributions())


def _own() -> dict[str, Any]:
    return {"worker": worker_name(), "beat": -1}


def put_back(study: optuna.Study, trial: FrozenTrial, *, blame: bool = True) -> None:
    """Replace a trial that lost its worker by a new one; after MOST_TRIES it is recorded as failed instead.

    blame: whether this counts as a failed try; an interruption by the user does not.
    """
    tries = int(trial.user_attrs.get(TRIES, 0)) + blame
    kept = {k: v for k, v in trial.user_attrs.items() if k == QUEUED} | ({schema.ALIVE: _own()} if blame else {})
    failed, complete = tries >= MOST_TRIES, _has_all_params(study, trial)
    more = {schema.STATUS: schema.FAILED, schema.LOSSES: {}} if failed else {}
    again = optuna.trial.create_trial(
        state=TrialState.FAIL if failed else TrialState.WAITING,
        params=trial.params if complete else {},
        distributions=trial.distributions if complete else {},
        user_attrs={**kept, ROOT: first_attempt(trial), INSTEAD_OF: trial.number, TRIES: tries, **more},
        system_attrs=trial.system_attrs,
        intermediate_values=trial.intermediate_values,
    )
    if not any(t.user_attrs.get(INSTEAD_OF) == trial.number for t in study.get_trials(deepcopy=False)):
        study.add_trial(again)
    end(study, trial.number)


def _has_all_params(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Whether all hyperparameters were drawn before the worker died.

    If not, the replacement draws all of them again, from the same random numbers.
    """
    space = study.user_attrs.get(schema.SPACE)
    return space is None or len(trial.params) == len(Space.from_dict(space, f"study {study.study_name}").axes)


def end(study: optuna.Study, number: int) -> None:
    """End a trial without a result, unless it has ended already."""
    try:
        study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
    except (optuna.exceptions.UpdateFinishedTrialError, ValueError):
        return  # another worker ended it at the same moment


def rescue(study: optuna.Study, watcher: Watcher) -> int:
    """Put back the trials whose workers are gone; returns how many. Workers call it between two trials."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    lost = [trial for trial in running if watcher.is_abandoned(trial)]
    for trial in lost:
        put_back(study, trial)
    return len(lost)


def admit(study: optuna.Study, trial: Trial, total: int) -> bool:
    """Whether a trial that was just drawn is to be run; if not, it is withdrawn.

    Raises UpdateFinishedTrialError when another worker takes the trial at the same moment.
    """
    own = study.get_trials(deepcopy=False)[trial.number]
    replaced = own.user_attrs.get(INSTEAD_OF)
    if replaced is not None:
        end(study, replaced)
    reason = _why_withdrawn(study.get_trials(deepcopy=False), own, total)
    if reason is None:
        return True
    trial.set_user_attr(WITHDRAWN, reason)
    end(study, trial.number)
    return False


def _why_withdrawn(trials: Sequence[FrozenTrial], own: FrozenTrial, total: int) -> str | None:
    """The reason that a trial is recorded with; None where it is to be run."""
    replaced = own.user_attrs.get(INSTEAD_OF)
    if replaced is not None:
        if any(t.user_attrs.get(INSTEAD_OF) == replaced and t.number < own.number for t in trials):
            return "another stands for the same trial"
        if schema.is_result(trials[replaced]):
            return "ended after all"
    key = own.user_attrs.get(QUEUED)
    before = [t for t in trials if not ended_without_result(t) and first_attempt(t) < first_attempt(own)]
    if key is not None and any(t.user_attrs.get(QUEUED) == key for t in before):
        return "another has taken this set of the queue"
    return "beyond the wanted number of trials" if len({first_attempt(t) for t in before}) >= total else None
