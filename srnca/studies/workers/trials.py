"""Who runs what: so that many workers share one study, and each trial is run to its end exactly once.

Two things are all that storages promise: trials are numbered in one order that everybody sees, and a trial ends once.
On them rest four rules.
- A trial that lost its worker is put back as a new trial that stands for it, and only then ended; so nothing is lost.
- Of several trials that stand for the same one (two workers saw it at once) that with the lowest number counts.
- Whoever starts such a trial ends the old one first; if that has ended with a result after all, the new one is
  withdrawn.
- Trials beyond the wanted total (two workers asked at once) are withdrawn by those who drew them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from srnca.studies.search.space import Space
from srnca.studies.workers import schema
from srnca.studies.workers.liveness import ALIVE, Watcher, worker_name

MOST_TRIES = 3
ROOT, INSTEAD_OF, TRIES, QUEUED, WITHDRAWN = "root", "instead_of", "tries", "queued", "withdrawn"


def root(trial: FrozenTrial) -> int:
    """The number of the first trial of this work: it names the folder."""
    return int(trial.user_attrs.get(ROOT, trial.number))


def is_out(trial: FrozenTrial) -> bool:
    """Ended without a result: killed (and put back), or withdrawn."""
    return trial.state.is_finished() and not schema.is_result(trial)


def counted(trials: Iterable[FrozenTrial]) -> list[int]:
    """The roots of all work that is done, under way or waiting, in order."""
    return sorted({root(t) for t in trials if not is_out(t)})


def place(study: optuna.Study, trial: FrozenTrial) -> int:
    """How many works were begun before this one. Draw and seed depend on it: not on how many trials were killed and
    put back on the way, which have numbers too.
    """
    first = root(trial)
    if schema.PLACES not in study.user_attrs:
        return first
    return sum(number < first for number in counted(study.get_trials(deepcopy=False)))


def queue_key(params: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]


def waiting_sets(study: optuna.Study, trials: Sequence[FrozenTrial]) -> list[dict[str, Any]]:
    """The sets of the study's queue that no trial has taken up yet."""
    taken = {t.user_attrs.get(QUEUED) for t in trials if not is_out(t)}
    return [params for params in study.user_attrs.get(schema.QUEUE) or [] if queue_key(params) not in taken]


def fill_from_queue(study: optuna.Study, space: Space, total: int) -> None:
    """Put the queue's sets before whatever the sampler would draw, as far as the total allows. Raises InputError."""
    trials = study.get_trials(deepcopy=False)
    for params in waiting_sets(study, trials)[: max(0, total - len(counted(trials)))]:
        study.enqueue_trial(space.check(params), user_attrs={QUEUED: queue_key(params)})


def draw(study: optuna.Study, space: Space) -> Trial:
    """The next trial: one that waits, or a new one. A trial says whose it is before it has begun, so that one whose
    worker dies in that moment is not waited for.
    """
    if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial({}, user_attrs={ALIVE: _own()})
    return study.ask(space.distributions())


def _own() -> dict[str, Any]:
    return {"worker": worker_name(), "beat": -1}


def put_back(study: optuna.Study, trial: FrozenTrial, *, blame: bool = True) -> None:
    """A new trial in the place of one that lost its worker; after MOST_TRIES it is recorded as failed instead.

    blame: whether this counts as a try; an interruption by a person does not.
    """
    tries = int(trial.user_attrs.get(TRIES, 0)) + blame
    kept = {k: v for k, v in trial.user_attrs.items() if k == QUEUED} | ({ALIVE: _own()} if blame else {})
    failed, drawn = tries >= MOST_TRIES, _is_drawn(study, trial)
    more = {schema.STATUS: schema.FAILED, schema.LOSSES: {}} if failed else {}
    again = optuna.trial.create_trial(
        state=TrialState.FAIL if failed else TrialState.WAITING,
        params=trial.params if drawn else {},
        distributions=trial.distributions if drawn else {},
        user_attrs={**kept, ROOT: root(trial), INSTEAD_OF: trial.number, TRIES: tries, **more},
        system_attrs=trial.system_attrs,
        intermediate_values=trial.intermediate_values,
    )
    if not any(t.user_attrs.get(INSTEAD_OF) == trial.number for t in study.get_trials(deepcopy=False)):
        study.add_trial(again)
    end(study, trial.number)


def _is_drawn(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Whether it got its whole set before its worker died; half of one is drawn anew, from the same random numbers."""
    space = study.user_attrs.get(schema.SPACE)
    return space is None or len(trial.params) == len(Space.from_dict(space, f"study {study.study_name}").axes)


def end(study: optuna.Study, number: int) -> None:
    """End a trial without a result, unless it has ended already."""
    try:
        study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
    except (optuna.exceptions.UpdateFinishedTrialError, ValueError):
        return  # in the same moment


def rescue(study: optuna.Study, watcher: Watcher) -> int:
    """Put back the trials whose workers are gone; returns how many. For a worker between two trials."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    lost = [trial for trial in running if watcher.is_abandoned(trial)]
    for trial in lost:
        put_back(study, trial)
    return len(lost)


def admit(study: optuna.Study, trial: Trial, total: int) -> bool:
    """Whether a trial that was just drawn is to be run. If not it is withdrawn.

    Raises UpdateFinishedTrialError when another worker takes it in this moment.
    """
    own = study.get_trials(deepcopy=False)[trial.number]
    old = own.user_attrs.get(INSTEAD_OF)
    if old is not None:
        end(study, old)
    trials, reason = study.get_trials(deepcopy=False), None
    if old is not None:
        twin = any(t.user_attrs.get(INSTEAD_OF) == old and t.number < own.number for t in trials)
        reason = (
            "another stands for the same trial"
            if twin
            else "ended after all"
            if schema.is_result(trials[old])
            else None
        )
    if reason is None:
        reason = _surplus(trials, own, total)
    if reason is None:
        return True
    trial.set_user_attr(WITHDRAWN, reason)
    end(study, trial.number)
    return False


def _surplus(trials: Sequence[FrozenTrial], own: FrozenTrial, total: int) -> str | None:
    key = own.user_attrs.get(QUEUED)
    before = [t for t in trials if not is_out(t) and root(t) < root(own)]
    if key is not None and any(t.user_attrs.get(QUEUED) == key for t in before):
        return "another has taken this set of the queue"
    return "beyond the wanted number of trials" if len({root(t) for t in before}) >= total else None
