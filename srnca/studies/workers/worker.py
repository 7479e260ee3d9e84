"""A worker: runs one trial after another until the study has as many as were wanted."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState

from srnca.studies.search.pruning import WorstShare
from srnca.studies.search.samplers import make_sampler
from srnca.studies.search.size import count_cost, count_terms
from srnca.studies.storage import schema
from srnca.studies.storage.attempts import first_attempt, job_index, list_jobs
from srnca.studies.storage.connect import lost_storage, study_folder
from srnca.studies.storage.results import open_study
from srnca.studies.workers import trials
from srnca.studies.workers.founding import SCORE, Settings, study_settings, study_space, study_targets
from srnca.studies.workers.liveness import TakenOver, Timing, Watcher, worker_name
from srnca.studies.workers.objective import Job, Outcome, TrialObserver, geometric_mean, train_targets
from srnca.studies.workers.observer import Step, StudyObserver

if TYPE_CHECKING:
    from srnca.texture.config import TrainConfig

log = logging.getLogger(__name__)

Objective = Callable[[Job, TrialObserver], Outcome]


@dataclass(frozen=True)
class Plan:
    """What a worker needs to know.

    name, storage: of the study, as for `open_study`.
    total: wanted number of trials, over all workers.
    device: as for `srnca train`.
    threads: of torch; None leaves them as they are.
    timing: intervals of heartbeats and checks.
    """

    name: str
    storage: str | None
    total: int
    device: str = "cpu"
    threads: int | None = None
    timing: Timing = field(default_factory=Timing)


def work(
    plan: Plan,
    *,
    objective: Objective = train_targets,
    stopping: Callable[[], bool] = lambda: False,
    report: Callable[[Step], None] = lambda step: None,
) -> int:
    """Run trials until the study has `plan.total`, waiting for those of other workers too; returns how many it ran.

    When `stopping()` is true, the current trial is saved and put back, and KeyboardInterrupt is raised. An error of a
    trial (memory, disk) puts the trial back and is raised again; the next worker of the study tries the trial again.
    """
    if plan.threads is not None:
        import torch

        torch.set_num_threads(plan.threads)
    try:
        return _Worker(plan, objective, stopping, report).run()
    except Exception as error:
        lost = lost_storage(error, plan.name)
        if lost is None:
            raise
        raise lost from error


class _Worker:
    """The study with its sampler and targets, and what is known of the other workers."""

    def __init__(
        self, plan: Plan, objective: Objective, stopping: Callable[[], bool], report: Callable[[Step], None]
    ) -> None:
        self.plan, self.objective, self.stopping, self.report = plan, objective, stopping, report
        self.study = open_study(plan.name, plan.storage)
        self.settings: Settings = study_settings(self.study)
        self.space = study_space(self.study)
        self.targets = study_targets(self.study, self.settings.size)
        self.folder = study_folder(plan.name, plan.storage)
        self.study.sampler = make_sampler(self.settings.sampler, self.space, self.settings.seed)
        self.study.pruner = WorstShare(self.settings.prune)
        self.check_bank()
        self.watcher = Watcher(grace_s=plan.timing.grace_s)

    def check_bank(self) -> None:
        """Raises MissingPartError before any trial where the feature bank's weights are missing."""
        from srnca.texture.loss import build_loss

        if self.settings.bank == "vgg16":
            build_loss(self.settings.bank, next(iter(self.targets.values())).pixels)

    def run(self) -> int:
        done = 0
        while True:
            if self.stopping():
                raise KeyboardInterrupt
            trials.rescue(self.study, self.watcher)
            trials.fill_from_queue(self.study, self.space, self.plan.total)
            present = self.study.get_trials(deepcopy=False)
            states = {t.state for t in present}
            if TrialState.WAITING in states or len(list_jobs(present)) < self.plan.total:
                trial = self._draw()
                done += trial is not None and self._run(trial)
            elif TrialState.RUNNING in states:
                time.sleep(self.plan.timing.poll_s)
            else:
                return done

    def _draw(self) -> optuna.Trial | None:
        """A trial to run; None where another worker has it."""
        try:
            trial = trials.draw(self.study, self.space)
            return trial if trials.admit(self.study, trial, self.plan.total) else None
        except optuna.exceptions.UpdateFinishedTrialError:
            return None

    def _run(self, trial: optuna.Trial) -> bool:
        """Train the trial's set and record it; returns whether this worker's result counts."""
        began = time.monotonic()
        own = self.study.get_trials(deepcopy=False)[trial.number]
        config = self.settings.config(self.space.check(trial.params), self.settings.seed + job_index(self.study, own))
        subfolder = f"trial-{first_attempt(own):04d}"
        job = Job(config, self.targets, self.folder / subfolder, self.plan.device)
        prunes = bool(self.settings.prune) and len(self.settings.objectives) == 1
        latest_mark = max(own.intermediate_values, default=-1)
        observer = StudyObserver(trial, self.stopping, self.report, prunes, latest_mark, self.plan.timing)
        try:
            with observer.heartbeat:
                outcome = self.objective(job, observer)
                self._record(trial, outcome, subfolder, config, time.monotonic() - began)
        except (TakenOver, optuna.exceptions.UpdateFinishedTrialError):
            log.warning("trial %d was taken over by another worker", trial.number)
            return False
        except KeyboardInterrupt:
            self._put_back(trial, blame=False)
            raise
        except Exception:
            self._put_back(trial, blame=True)
            raise
        return True

    def _put_back(self, trial: optuna.Trial, *, blame: bool) -> None:
        trials.put_back(self.study, self.study.get_trials(deepcopy=False)[trial.number], blame=blame)

    def _value(self, outcome: Outcome, subfolder: str) -> float:
        """What the study minimises: the mean loss or, with a learned score, the distance to the best rating."""
        if self.settings.objective != SCORE:
            return geometric_mean(list(outcome.losses.values()))
        from srnca.studies.ratings.score import missing_rating, score_from_dict

        score = score_from_dict(self.study.user_attrs.get(schema.SCORE))
        pictures = {target: self.folder / subfolder / file for target, file in outcome.pictures.items()}
        return missing_rating(score, {name: target.pixels for name, target in self.targets.items()}, pictures)

    def _record(
        self, trial: optuna.Trial, outcome: Outcome, subfolder: str, config: TrainConfig, seconds: float
    ) -> None:
        """Write attributes first; `tell` is atomic and decides which worker wins. Raises TakenOver."""
        sizes = {schema.COST: count_cost(config), schema.TERMS: count_terms(config)}
        attributes = {**_attributes(outcome, subfolder), schema.SEED: config.seed, schema.TIME: round(seconds, 3)}
        for key, value in {**attributes, **sizes}.items():
            if value is not None:
                trial.set_user_attr(key, value)
        try:
            if outcome.status == schema.PRUNED:
                self.study.tell(trial, state=TrialState.PRUNED)
                return
            values = [self._value(outcome, subfolder)]
            values += [float(sizes[name] or 0) for name in self.settings.objectives[1:]]
            self.study.tell(trial, values)
        except ValueError as error:  # Optuna raises it for a trial that has ended already, among others
            if self.study.get_trials(deepcopy=False)[trial.number].state.is_finished():
                raise TakenOver from error
            raise


def _attributes(outcome: Outcome, subfolder: str) -> dict[str, Any]:
    """What a trial records of its outcome, its worker and the versions used."""
    import torch

    from srnca._version import __version__

    return {
        schema.LOSSES: outcome.losses,
        schema.PICTURES: {target: f"{subfolder}/{file}" for target, file in outcome.pictures.items()},
        schema.CHECKPOINTS: {target: f"{subfolder}/{file}" for target, file in outcome.checkpoints.items()},
        schema.STATUS: outcome.status,
        schema.VERSIONS: {"srnca": __version__, "torch": str(torch.__version__), "python": platform.python_version()},
        schema.WORKER: worker_name(),
        schema.PRUNED_AT: outcome.pruned_at,
    }
