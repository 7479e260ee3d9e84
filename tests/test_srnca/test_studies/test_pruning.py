"""Hopeless is who is among the worst at a mark that enough others have passed."""

from __future__ import annotations

import math

import optuna
import pytest

from srnca.studies.search.pruning import MIN_TRIALS, WorstShare
from srnca.studies.storage import schema
from srnca.studies.workers import trials

optuna.logging.set_verbosity(optuna.logging.ERROR)


def passed(share: float, values: list[float], mark: int = 25) -> optuna.Study:
    study = optuna.create_study(pruner=WorstShare(share))
    for value in values:
        trial = study.ask()
        trial.report(value, mark)
        trial.set_user_attr(schema.STATUS, schema.DONE)
        study.tell(trial, value)
    return study


def verdict(study: optuna.Study, value: float, mark: int = 25) -> bool:
    trial = study.ask()
    trial.report(value, mark)
    return bool(trial.should_prune())


@pytest.mark.parametrize(
    ("value", "hopeless"), [(0.5, False), (7.5, False), (8.5, True), (99.0, True), (math.nan, True)]
)
def test_the_worst_quarter_of_ten(value: float, hopeless: bool) -> None:
    assert verdict(passed(0.25, [float(i) for i in range(1, 11)]), value) is hopeless


def test_too_few_to_tell_never_and_other_marks() -> None:
    assert not verdict(passed(0.25, [1.0] * (MIN_TRIALS - 1)), 99.0)
    assert verdict(passed(0.25, [1.0] * MIN_TRIALS), 99.0)
    assert not verdict(passed(0.0, [1.0] * 9), 99.0)
    assert not verdict(passed(0.25, [1.0] * 9, mark=50), 99.0)


def test_an_easy_target_before_does_not_save_a_trial() -> None:
    study = passed(0.25, [1.0] * 9, mark=125)
    trial = study.ask()
    trial.report(0.01, 25)
    trial.report(5.0, 125)
    assert trial.should_prune()


def test_the_killed_first_try_of_a_trial_is_not_asked() -> None:
    """What it had passed counts once, with the trial that took its place."""
    study = passed(0.25, [2.0] * (MIN_TRIALS - 2))
    killed = study.ask()
    killed.report(1.0, 25)
    trials.put_back(study, study.get_trials()[killed.number])
    assert study.ask().number == killed.number + 1
    assert not verdict(study, 99.0)
    assert verdict(study, 99.0)  # now that the one before has passed the mark too
