"""One worker: to the total and no further, with everything on record, and stopping without loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from equations.errors import SrncaError
from srnca.studies.storage import schema
from srnca.studies.storage.results import list_results, open_study
from srnca.studies.workers import trials
from srnca.studies.workers.liveness import TakenOver
from srnca.studies.workers.objective import Job, Outcome, TrialObserver
from srnca.studies.workers.observer import Step
from srnca.studies.workers.worker import Plan, work
from tests.test_srnca.test_studies.quick import bowl, found, quick


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_total_is_the_studys() -> None:
    found("a")
    assert work(Plan("a", None, 4), objective=quick) == 4
    assert work(Plan("a", None, 4), objective=quick) == 0
    assert work(Plan("a", None, 6), objective=quick) == 2
    study = open_study("a")
    results = list_results(study)
    assert [r.number for r in results] == list(range(6))
    for result in results:
        assert result.status == schema.DONE
        assert result.value == pytest.approx(bowl(result.params))
        assert result.losses == {"snake": pytest.approx(result.value)}
        assert result.seed == result.number  # the study's seed is 0
        assert result.time_s is not None
        said = study.get_trials()[result.number].user_attrs
        assert set(said[schema.VERSIONS]) == {"srnca", "torch", "python"}
        assert said[schema.COST] > 0
        assert said[schema.WORKER]


def test_random_studies_repeat_themselves() -> None:
    for name in "ab":
        found(name)
        work(Plan(name, None, 3), objective=quick)
    first, again = (list_results(open_study(name)) for name in "ab")
    assert [r.params for r in first] == [r.params for r in again]


def test_the_queue_runs_first() -> None:
    study = found("a")
    study.set_user_attr(schema.QUEUE, [{"channels": 15, "update_rate": 0.625}])
    work(Plan("a", None, 2), objective=quick)
    first, second = list_results(open_study("a"))
    assert first.params == {"channels": 15, "update_rate": 0.625}
    assert second.params != first.params


def test_stopping_puts_the_trial_back_and_the_next_worker_takes_it_up() -> None:
    found("a")
    steps: list[Step] = []
    with pytest.raises(KeyboardInterrupt):
        work(Plan("a", None, 3), objective=quick, stopping=lambda: len(steps) >= 14, report=steps.append)
    study = open_study("a")
    assert [t.state.name for t in study.get_trials()] == ["COMPLETE", "FAIL", "WAITING"]
    assert [r.number for r in list_results(study)] == [0]
    assert work(Plan("a", None, 3), objective=quick) == 2
    results = list_results(open_study("a"))
    assert [r.number for r in results] == [0, 2, 3]
    assert results[1].seed == 1  # the same work as trial 1
    assert results[1].params == study.get_trials()[1].params
    assert results[2].seed == 2  # as if none had been put back
    assert (Path("a.study") / "trial-0001" / "ended").read_text().count("\n") == 1
    assert not (Path("a.study") / "trial-0002").exists()


def test_an_error_puts_the_trial_back_until_it_is_recorded_as_failed() -> None:
    def broken(job: Job, watch: TrialObserver) -> Outcome:
        raise SrncaError("the disk is full")

    found("a")
    for _ in range(trials.MOST_TRIES):
        with pytest.raises(SrncaError, match="the disk is full"):
            work(Plan("a", None, 1), objective=broken)
    assert work(Plan("a", None, 1), objective=broken) == 0
    assert [r.status for r in list_results(open_study("a"))] == [schema.FAILED]


def test_a_trial_that_another_took_over_is_left_to_it() -> None:
    """The slow worker's result is dropped; the trial that stands for it is run, once to its end."""
    found("a")
    seen: list[str] = []

    def slow(job: Job, watch: TrialObserver) -> Outcome:
        if not seen:
            study = open_study("a")
            trials.put_back(study, study.get_trials()[0])
        seen.append(job.folder.name)
        return quick(job, watch)

    assert work(Plan("a", None, 2), objective=slow) == 2
    assert seen == ["trial-0000", "trial-0000", "trial-0002"]
    assert [r.number for r in list_results(open_study("a"))] == [1, 2]


def test_taken_is_no_error() -> None:
    found("a")
    calls: list[int] = []

    def taken(job: Job, watch: TrialObserver) -> Outcome:
        calls.append(1)
        if len(calls) == 1:
            study = open_study("a")
            trials.put_back(study, study.get_trials()[0])
            raise TakenOver
        return quick(job, watch)

    assert work(Plan("a", None, 1), objective=taken) == 1


@pytest.mark.parametrize("status", [schema.DIVERGED, schema.PRUNED])
def test_other_ends(status: str) -> None:
    found("a", prune=0.25)

    def ends(job: Job, watch: TrialObserver) -> Outcome:
        watch.should_prune(25, 0.7)
        return Outcome(status, {"snake": None}, pruned_at="snake at 25 %" if status == schema.PRUNED else None)

    work(Plan("a", None, 1), objective=ends)
    study = open_study("a")
    (result,) = list_results(study)
    assert result.status == status
    assert result.losses == {"snake": None}
    assert result.value == pytest.approx(schema.DIVERGED_LOSS if status == schema.DIVERGED else 0.7)
    assert study.get_trials()[0].user_attrs.get(schema.PRUNED_AT) == ("snake at 25 %" if status == "pruned" else None)


def test_only_the_latest_mark_of_an_earlier_try_is_asked_again() -> None:
    """From those before it that try went on; its answer about the latest may not have come through."""
    found("a", prune=0.25)
    answers: list[bool] = []

    def asks(job: Job, watch: TrialObserver) -> Outcome:
        worst = 99.0 if len(answers) >= 5 * 3 else 9.0
        answers.extend(watch.should_prune(step, value) for step, value in ((75, 9.0), (100, 9.0), (175, worst)))
        if len(answers) == 6 * 3:
            raise KeyboardInterrupt
        return quick(job, watch)

    work(Plan("a", None, 5), objective=asks)
    with pytest.raises(KeyboardInterrupt):
        work(Plan("a", None, 6), objective=asks)
    work(Plan("a", None, 6), objective=asks)
    (last,) = [t for t in open_study("a").get_trials() if t.number == 6]
    assert last.intermediate_values == {75: 9.0, 100: 9.0, 175: 99.0}
    assert answers[-6:] == [False, False, True] * 2


def test_two_objectives_and_no_pruning() -> None:
    found("a", sampler="nsga2")
    asked: list[bool] = []

    def ends(job: Job, watch: TrialObserver) -> Outcome:
        asked.append(watch.should_prune(25, 99.0))
        return quick(job, watch)

    work(Plan("a", None, 3), objective=ends)
    study = open_study("a")
    assert asked == [False] * 3
    for trial in study.get_trials():
        assert trial.values == [pytest.approx(bowl(trial.params)), trial.user_attrs[schema.COST]]


def test_a_real_training(monkeypatch: pytest.MonkeyPatch) -> None:
    from srnca.texture import evaluate

    known = evaluate.nca_pictures

    def short(checkpoint: Any, seeds: tuple[int, ...]) -> Any:
        return known(checkpoint, steps=5, seeds=seeds)

    monkeypatch.setattr(evaluate, "nca_pictures", short)
    found("a", targets=("sample:snake", "sample:orchid"))
    work(Plan("a", None, 1))
    (result,) = list_results(open_study("a"))
    assert set(result.losses) == {"snake", "orchid"}
    assert result.value == pytest.approx((result.losses["snake"] * result.losses["orchid"]) ** 0.5)  # type: ignore[operator]
    assert all(path.is_file() for path in result.pictures.values())
