"""What connects a trial's training to its study: progress, heartbeats, pruning, and noticing that it was taken over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import optuna

from srnca.studies.storage.schema import ALIVE
from srnca.studies.workers.liveness import Heartbeat, TakenOver, Timing, worker_name


@dataclass(frozen=True)
class Step:
    """Where a worker is: trial, target, iteration of its training, and the loss there."""

    trial: int
    target: str
    iteration: int
    iterations: int
    loss: float


@dataclass
class StudyObserver:
    """The `objective.TrialObserver` of one trial of a study.

    stopping: whether the worker has been asked to stop.
    report: called at every iteration.
    prunes: whether the study prunes trials.
    latest_mark: the last mark that an earlier try of this trial reported, -1 for none.
    heartbeat: runs while the trial is trained.
    """

    trial: optuna.Trial
    stopping: Callable[[], bool]
    report: Callable[[Step], None]
    prunes: bool
    latest_mark: int
    timing: Timing = field(default_factory=Timing)
    heartbeat: Heartbeat = field(init=False)
    at: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heartbeat = Heartbeat(self.beat, self.timing.beat_s)

    def beat(self, number: int) -> None:
        try:
            self.trial.set_user_attr(ALIVE, {"worker": worker_name(), "beat": number, "at": self.at})
        except optuna.exceptions.UpdateFinishedTrialError as error:
            raise TakenOver from error

    def on_iteration(self, target: str, iteration: int, iterations: int, loss: float) -> None:
        """Raises TakenOver or, when the worker is asked to stop, KeyboardInterrupt."""
        if self.heartbeat.taken:
            raise TakenOver
        if self.stopping():
            raise KeyboardInterrupt
        self.at = [target, iteration, iterations, loss]
        self.report(Step(self.trial.number, target, iteration, iterations, loss))

    def should_prune(self, mark: int, value: float) -> bool:
        if not self.prunes or mark < self.latest_mark:  # the earlier try passed this mark and was not pruned
            return False
        if mark > self.latest_mark:
            self.trial.report(value, mark)
        return self.trial.should_prune()
