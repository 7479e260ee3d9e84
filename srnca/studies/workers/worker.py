"""A worker: takes one trial after another until the study has as many as were wanted."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import optuna

from srnca.studies.search.pruning import WorstShare
from srnca.studies.search.samplers import make_sampler
from srnca.studies.search.size import count_cost, count_terms
from srnca.studies.workers import schema, trials
from srnca.studies.workers.founding import SCORE, Settings, study_settings, study_targets
from srnca.studies.workers.liveness import ALIVE, Heart, Taken, Watcher, worker_name
from srnca.studies.workers.objective import Job, Outcome, Watch, geometric_mean, train_targets
from srnca.studies.workers.results import open_study, study_space
from srnca.studies.workers.storage import lost_storage, study_folder

log = logging.getLogger(__name__)

POLL_S = 0.5  # between two looks at what the others still do

Objective = Callable[[Job, Watch], Outcome]


@dataclass(frozen=True)
class Plan:
    """What a worker must know. total: trials of the study, over all workers; threads: of torch, None: as they are."""

    name: str
    storage: str | None
    total: int
    device: str = "cpu"
    threads: int | None = None


@dataclass(frozen=True)
class Step:
    """Where a worker is: trial, target, iteration of it, and the loss."""

    trial: int
    target: str
    iteration: int
    iterations: int
    loss: float


def work(
    plan: Plan,
    *,
    objective: Objective = train_targets,
    stopping: Callable[[], bool] = lambda: False,
    report: Callable[[Step], None] = lambda step: None,
) -> int:
    """Run trials until the study has `plan.total`, also waiting for those of other workers; returns how many it ran.

    When `stopping()` says so the present trial is saved and put back, and KeyboardInterrupt raised. An error of a
    trial (memory, disk) puts it back too and goes on up: whoever runs the study next tries it again.
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


@dataclass
class _Looking:
    """The `Watch` of one trial, and the beat that tells others that it is under way. latest: the last mark that an
    earlier try of it reported, -1 for none.
    """

    trial: optuna.Trial
    stopping: Callable[[], bool]
    report: Callable[[Step], None]
    prunes: bool
    latest: int
    heart: Heart = field(init=False)
    at: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heart = Heart(self.beat)

    def beat(self, number: int) -> None:
        try:
            self.trial.set_user_attr(ALIVE, {"worker": worker_name(), "beat": number, "at": self.at})
        except optuna.exceptions.UpdateFinishedTrialError as error:
            raise Taken from error

    def see(self, target: str, iteration: int, iterations: int, loss: float) -> None:
        if self.heart.taken:
            raise Taken
        if self.stopping():
            raise KeyboardInterrupt
        self.at = [target, iteration, iterations, loss]
        self.report(Step(self.trial.number, target, iteration, iterations, loss))

    def give_up(self, step: int, value: float) -> bool:
        if not self.prunes or step < self.latest:  # the earlier try went on from there
            return False
        if step > self.latest:
            self.trial.report(value, step)
        return self.trial.should_prune()


class _Worker:
    """The study with its sampler, the pictures, and who else is seen to live."""

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
        self.watcher = Watcher()

    def check_bank(self) -> None:
        """Features whose weights are missing are no fault of a trial. Raises MissingPartError."""
        from srnca.texture.features import make_bank

        if self.settings.bank != "multiscale":
            make_bank(self.settings.bank, next(iter(self.targets.values())).pixels)

    def run(self) -> int:
        done = 0
        while True:
            if self.stopping():
                raise KeyboardInterrupt
            trials.rescue(self.study, self.watcher)
            trials.fill_from_queue(self.study, self.space, self.plan.total)
            here = self.study.get_trials(deepcopy=False)
            states = {t.state for t in here}
            if optuna.trial.TrialState.WAITING in states or len(trials.counted(here)) < self.plan.total:
                trial = self._draw()
                done += trial is not None and self._run(trial)
            elif optuna.trial.TrialState.RUNNING in states:
                time.sleep(POLL_S)
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
        """Whether the trial ended with a result of ours."""
        began = time.monotonic()
        own = self.study.get_trials(deepcopy=False)[trial.number]
        seed = self.settings.seed + trials.place(self.study, own)
        config = self.settings.config(self.space.check(trial.params), seed)
        place = f"trial-{trials.root(own):04d}"
        job = Job(config, self.targets, self.folder / place, self.plan.device)
        prunes = bool(self.settings.prune) and len(self.settings.objectives) == 1
        looking = _Looking(trial, self.stopping, self.report, prunes, max(own.intermediate_values, default=-1))
        try:
            with looking.heart:
                outcome = self.objective(job, looking)
                self._record(trial, outcome, place, config, time.monotonic() - began)
        except (Taken, optuna.exceptions.UpdateFinishedTrialError):
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

    def _value(self, outcome: Outcome, place: str) -> float:
        """What the study lowers: the mean loss, or with a learned score what is missing of the best rating."""
        if self.settings.objective != SCORE:
            return geometric_mean(list(outcome.losses.values()))
        from srnca.studies.ratings.score import missing_rating, score_from_dict

        score = score_from_dict(self.study.user_attrs.get(schema.SCORE))
        pictures = {target: self.folder / place / file for target, file in outcome.pictures.items()}
        return missing_rating(score, {name: target.pixels for name, target in self.targets.items()}, pictures)

    def _record(self, trial: optuna.Trial, outcome: Outcome, place: str, config: Any, seconds: float) -> None:
        """What it brought goes in first; the trial's end is the last word, and only one worker can say it."""
        import torch

        from srnca._version import __version__

        sizes = {schema.COST: count_cost(config), schema.TERMS: count_terms(config)}
        facts: dict[str, Any] = {
            schema.LOSSES: outcome.losses,
            schema.PICTURES: {target: f"{place}/{file}" for target, file in outcome.pictures.items()},
            schema.CHECKPOINTS: {target: f"{place}/{file}" for target, file in outcome.checkpoints.items()},
            schema.STATUS: outcome.status,
            schema.SEED: config.seed,
            schema.TIME: round(seconds, 3),
            schema.VERSIONS: {
                "srnca": __version__,
                "torch": str(torch.__version__),
                "python": platform.python_version(),
            },
            schema.WORKER: worker_name(),
            schema.PRUNED_AT: outcome.pruned_at,
            **sizes,
        }
        for key, value in facts.items():
            if value is not None:
                trial.set_user_attr(key, value)
        try:
            if outcome.status == schema.PRUNED:
                self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                return
            values = [self._value(outcome, place)]
            values += [float(sizes[name] or 0) for name in self.settings.objectives[1:]]
            self.study.tell(trial, values)
        except ValueError as error:  # how Optuna says that a trial has ended already
            if self.study.get_trials(deepcopy=False)[trial.number].state.is_finished():
                raise Taken from error
            raise
