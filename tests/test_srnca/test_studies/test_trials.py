"""No trial is lost, none run twice, none too many: whatever the moment at which a worker dies or two collide."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from equations.errors import InputError
from srnca.studies.storage import attempts, schema
from srnca.studies.storage.results import list_results
from srnca.studies.storage.schema import ALIVE
from srnca.studies.workers import trials
from srnca.studies.workers.liveness import Watcher, machine
from tests.test_srnca.test_studies.quick import SPACE

optuna.logging.set_verbosity(optuna.logging.ERROR)
DEAD = 2**22 + 1  # above the largest process number of Linux


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study()


def begin(study: optuna.Study, worker: str = "") -> optuna.Trial:
    trial = study.ask(SPACE.distributions())
    if worker:
        trial.set_user_attr(ALIVE, {"worker": worker, "beat": 0})
    return trial


def finish(study: optuna.Study, trial: optuna.Trial, value: float = 1.0) -> None:
    trial.set_user_attr(schema.STATUS, schema.DONE)
    study.tell(trial, value)


def frozen(study: optuna.Study, number: int) -> Any:
    return study.get_trials()[number]


def test_a_dead_workers_trial_is_put_back_with_its_set(study: optuna.Study) -> None:
    killed = begin(study, f"{machine()}:{DEAD}")
    killed.report(0.5, 25)
    living = begin(study, f"{machine()}:{os.getppid()}")
    assert trials.rescue(study, Watcher()) == 1
    assert frozen(study, killed.number).state == TrialState.FAIL
    assert frozen(study, living.number).state == TrialState.RUNNING
    again = begin(study)
    assert trials.admit(study, again, total=2)
    assert again.params == killed.params
    assert frozen(study, again.number).intermediate_values == {25: 0.5}
    assert attempts.first_attempt(frozen(study, again.number)) == killed.number
    finish(study, again)
    assert attempts.list_jobs(study.get_trials()) == [killed.number, living.number]
    assert [r.number for r in list_results(study)] == [again.number]


def test_a_worker_that_dies_while_it_rescues_loses_nothing(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the new trial and the end of the old one: the next worker ends it, and adds no second one."""
    begin(study, f"{machine()}:{DEAD}")
    monkeypatch.setattr(trials, "end", lambda *_: None)
    trials.rescue(study, Watcher())
    monkeypatch.undo()
    assert [t.state.name for t in study.get_trials()] == ["RUNNING", "WAITING"]
    trials.rescue(study, Watcher())
    assert [t.state.name for t in study.get_trials()] == ["FAIL", "WAITING"]


def test_of_two_rescues_at_once_one_counts(study: optuna.Study) -> None:
    killed = begin(study, f"{machine()}:{DEAD}")
    seen = frozen(study, killed.number)
    for _ in range(2):
        study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.WAITING, user_attrs={attempts.INSTEAD_OF: seen.number, attempts.ROOT: seen.number}
            )
        )
    first, second = begin(study), begin(study)
    assert not trials.admit(study, second, total=1)
    assert trials.admit(study, first, total=1)
    assert frozen(study, second.number).user_attrs[attempts.WITHDRAWN] == "another stands for the same trial"


def test_whoever_was_only_slow_and_ends_first_is_not_run_again(study: optuna.Study) -> None:
    slow = begin(study, "elsewhere:1")
    trials.put_back(study, frozen(study, slow.number))
    assert frozen(study, slow.number).state == TrialState.FAIL  # so its worker can record nothing any more
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        slow.set_user_attr(schema.STATUS, schema.DONE)

    other = begin(study)
    other = begin(study)
    study.add_trial(
        optuna.trial.create_trial(
            state=TrialState.WAITING, user_attrs={attempts.INSTEAD_OF: other.number, attempts.ROOT: 2}
        )
    )
    finish(study, other)  # in the moment after it was given up for lost
    late = begin(study)
    assert not trials.admit(study, late, total=9)
    assert frozen(study, late.number).user_attrs[attempts.WITHDRAWN] == "ended after all"


def test_results_written_before_a_kill_are_no_result(study: optuna.Study) -> None:
    killed = begin(study, f"{machine()}:{DEAD}")
    killed.set_user_attr(schema.STATUS, schema.DONE)
    killed.set_user_attr(schema.LOSSES, {"snake": 0.1})
    trials.rescue(study, Watcher())
    assert list_results(study) == []
    assert attempts.list_jobs(study.get_trials()) == [killed.number]


def test_what_kills_its_worker_again_and_again_is_recorded_as_failed(study: optuna.Study) -> None:
    for _ in range(trials.MOST_TRIES):
        begin(study, f"{machine()}:{DEAD}")
        trials.rescue(study, Watcher())
    assert not study.get_trials(states=(TrialState.WAITING,))
    assert [(r.status, r.value) for r in list_results(study)] == [(schema.FAILED, None)]
    assert attempts.list_jobs(study.get_trials()) == [0]


def test_interruptions_by_a_person_do_not_count_as_tries(study: optuna.Study) -> None:
    for _ in range(5):
        trial = begin(study)
        trials.put_back(study, frozen(study, trial.number), blame=False)
    assert len(study.get_trials(states=(TrialState.WAITING,))) == 1


def test_half_a_set_is_drawn_anew(study: optuna.Study) -> None:
    """A worker that died while it drew: what it had drawn would not fit what another draws for the rest."""
    study.set_user_attr(schema.SPACE, SPACE.to_dict())
    number = study.ask().number
    study.ask({"channels": SPACE.distributions()["channels"]})
    killed = [frozen(study, n) for n in (number, number + 1)]
    assert [len(trial.params) for trial in killed] == [0, 1]
    for trial in killed:
        trials.put_back(study, trial)
    waiting = study.get_trials(states=(TrialState.WAITING,))
    assert [trial.params for trial in waiting] == [{}, {}]
    assert SPACE.check(begin(study).params)


def test_half_a_set_of_the_queue_keeps_what_the_queue_says(study: optuna.Study) -> None:
    study.set_user_attr(schema.SPACE, SPACE.to_dict())
    study.enqueue_trial({"channels": 15, "update_rate": 0.625})
    study.ask({"channels": SPACE.distributions()["channels"]})
    trials.put_back(study, frozen(study, 0))
    assert begin(study).params == {"channels": 15, "update_rate": 0.625}


def test_a_trial_is_its_workers_from_the_start(study: optuna.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was killed before its first beat is put back at once."""
    monkeypatch.setattr(trials, "worker_name", lambda: f"{machine()}:{DEAD}")
    trials.draw(study, SPACE)
    monkeypatch.undo()
    assert trials.rescue(study, Watcher()) == 1
    again = trials.draw(study, SPACE)
    assert (again.number, attempts.first_attempt(frozen(study, again.number))) == (1, 0)


def test_the_place_of_a_set_does_not_count_trials_that_were_put_back(study: optuna.Study) -> None:
    def places() -> list[int]:
        return [attempts.job_index(study, trial) for trial in study.get_trials()]

    study.set_user_attr(schema.PLACES, True)
    for _ in range(2):
        begin(study, f"{machine()}:{DEAD}")
    trials.rescue(study, Watcher())
    begin(study), begin(study), begin(study)
    assert places() == [0, 1, 0, 1, 2]
    trials.end(study, 4)  # withdrawn
    begin(study)
    assert places() == [0, 1, 0, 1, 2, 2]


def test_in_older_studies_numbers_count(study: optuna.Study) -> None:
    begin(study, f"{machine()}:{DEAD}")
    trials.rescue(study, Watcher())
    begin(study), begin(study)
    assert [attempts.job_index(study, trial) for trial in study.get_trials()] == [0, 0, 2]


def test_a_killed_trial_beyond_the_total_is_not_run_in_its_second_life(study: optuna.Study) -> None:
    """Two workers drew the last one at once, and the later of them died before it saw that."""
    first, _ = begin(study), begin(study, f"{machine()}:{DEAD}")
    trials.rescue(study, Watcher())
    again = begin(study)
    assert not trials.admit(study, again, total=1)
    assert trials.admit(study, first, total=1)
    assert attempts.list_jobs(study.get_trials()) == [0]


def test_trials_beyond_the_total_are_withdrawn(study: optuna.Study) -> None:
    drawn = [begin(study) for _ in range(5)]
    assert [trials.admit(study, trial, total=3) for trial in reversed(drawn)] == [False, False, True, True, True]
    assert attempts.list_jobs(study.get_trials()) == [0, 1, 2]


def test_the_queue_goes_first_and_each_set_once(study: optuna.Study) -> None:
    wanted = [{"channels": 6, "update_rate": 0.9}, {"channels": 15, "update_rate": 0.55}]
    study.set_user_attr(schema.QUEUE, wanted)
    for _ in range(3):
        trials.fill_from_queue(study, SPACE, total=10)
    assert len(study.get_trials()) == 2
    first, second, third = begin(study), begin(study), begin(study)
    assert [first.params, second.params] == wanted
    assert third.params not in wanted
    assert trials.waiting_sets(study, study.get_trials()) == []


def test_a_killed_set_of_the_queue_is_run_again_not_queued_again(study: optuna.Study) -> None:
    study.set_user_attr(schema.QUEUE, [{"channels": 6, "update_rate": 0.9}])
    trials.fill_from_queue(study, SPACE, total=1)
    begin(study, f"{machine()}:{DEAD}")
    trials.rescue(study, Watcher())
    trials.fill_from_queue(study, SPACE, total=5)
    assert [t.state.name for t in study.get_trials()] == ["FAIL", "WAITING"]
    again = begin(study)
    assert trials.admit(study, again, total=1)
    assert again.params == {"channels": 6, "update_rate": 0.9}


def test_a_set_that_two_workers_queued_is_run_once(study: optuna.Study) -> None:
    params = {"channels": 6, "update_rate": 0.9}
    for _ in range(2):
        study.enqueue_trial(params, user_attrs={attempts.QUEUED: trials.queue_key(params)})
    first, second = begin(study), begin(study)
    assert (trials.admit(study, second, 9), trials.admit(study, first, 9)) == (False, True)


def test_the_queue_waits_for_room(study: optuna.Study) -> None:
    study.set_user_attr(schema.QUEUE, [{"channels": c, "update_rate": 0.9} for c in (6, 9, 12)])
    trials.fill_from_queue(study, SPACE, total=2)
    assert len(study.get_trials()) == 2
    assert len(trials.waiting_sets(study, study.get_trials())) == 1


def test_a_set_outside_the_space_is_refused(study: optuna.Study) -> None:
    study.set_user_attr(schema.QUEUE, [{"channels": -3, "update_rate": 0.9}])
    with pytest.raises(InputError, match=r"expected channels in .* got -3"):
        trials.fill_from_queue(study, SPACE, total=2)


def test_pictures_are_found_from_the_studys_folder(study: optuna.Study, tmp_path: Path) -> None:
    trial = begin(study)
    trial.set_user_attr(schema.PICTURES, {"snake": "trial-0000/snake.png"})
    finish(study, trial)
    assert list_results(study, tmp_path)[0].pictures == {"snake": tmp_path / "trial-0000" / "snake.png"}
