"""The progress of a sweep: a bar with the trials that run, and a note for each trial that ended badly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from srnca.cli.output import number
from srnca.cli.progress import Progress

if TYPE_CHECKING:
    import optuna

    from srnca.studies.workers.observer import Step


class SweepProgress:
    """Shows on `progress` how many of the `total` trials of a study have ended."""

    def __init__(self, study: optuna.Study, total: int, progress: Progress) -> None:
        self.study, self.total, self.progress = study, total, progress
        self._trial: int | None = None
        self._ended = 0

    def on_step(self, now: Step) -> None:
        """For a worker in this process: called at each iteration."""
        if now.trial != self._trial:
            self._trial = now.trial
            self._count()
        detail = f"trial {now.trial}: {now.target} {now.iteration}/{now.iterations}, loss {number(now.loss)}"
        self.progress.update("sweep", self._ended, self.total, detail)

    def on_poll(self) -> None:
        """For workers in other processes: reads from the running trials how far they are."""
        from srnca.studies.storage.schema import ALIVE

        self._count()
        running = [t for t in self.study.get_trials(deepcopy=False) if t.state.name == "RUNNING"]
        at = {t.number: (t.user_attrs.get(ALIVE) or {}).get("at") for t in running}
        parts = [f"trial {n}: {a[0]} {a[1]}/{a[2]}" for n, a in at.items() if a]
        self.progress.update("sweep", self._ended, self.total, ", ".join(parts))

    def end(self) -> None:
        self._count()
        self.progress.update("sweep", self._ended, self.total)

    def _count(self) -> None:
        """Count the trials that have ended, with a note for those among the new ones that ended badly."""
        from srnca.studies.storage import schema

        ended = [t for t in self.study.get_trials(deepcopy=False) if schema.is_result(t)]
        for trial in ended[self._ended :]:
            self._note(trial.number, trial.user_attrs)
        self._ended = len(ended)

    def _note(self, trial: int, attributes: dict[str, Any]) -> None:
        if self.progress.quiet:
            return
        status = attributes["status"]
        if status == "pruned":
            self.progress.note(f"trial {trial}: pruned, among the worst {attributes.get('pruned_at')}")
        elif status != "done":
            lost = [name for name, loss in attributes.get("losses", {}).items() if loss is None]
            self.progress.note(f"trial {trial}: {status}{' on ' + ', '.join(lost) if lost else ''}")
