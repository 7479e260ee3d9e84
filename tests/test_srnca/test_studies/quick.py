"""Studies without training: an objective in closed form, and workers in processes of their own that use it.

python -m tests.test_srnca.test_studies.quick NAME STORAGE TOTAL SECONDS: one worker.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srnca.studies.search.axis import Axis
from srnca.studies.search.space import Space
from srnca.studies.storage import schema
from srnca.studies.workers import worker
from srnca.studies.workers.founding import StudyRequest, join_study
from srnca.studies.workers.liveness import Timing
from srnca.studies.workers.objective import Job, Outcome, TrialObserver

ROOT = Path(__file__).parents[3]
SPACE = Space((Axis("channels", (6, 9, 12, 15)), Axis("update_rate", low=0.5, high=1.0)))
BEST = {"channels": 12, "update_rate": 0.7}


def bowl(params: Mapping[str, Any]) -> float:
    """Above zero, least at BEST."""
    across = (params["channels"] - BEST["channels"]) / 9, (params["update_rate"] - BEST["update_rate"]) / 0.5
    return 0.01 + sum(x * x for x in across)


def quick(job: Job, watch: TrialObserver, seconds: float = 0.0) -> Outcome:
    """The bowl's height as the loss on every target, in ten steps that take `seconds` in all.

    Each try, and each that came to its end, is a line of the trial's folder's log.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    _write(job.folder / "begun", str(os.getpid()))
    loss = bowl({"channels": job.config.channels, "update_rate": job.config.update_rate})
    for step in range(10):
        time.sleep(seconds / 10)
        watch.on_iteration(next(iter(job.targets)), step + 1, 10, loss)
    _write(job.folder / "ended", str(os.getpid()))
    return Outcome(schema.DONE, dict.fromkeys(job.targets, loss))


def _write(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


def found(name: str, storage: str | None = None, targets: tuple[str, ...] = ("sample:snake",), **settings: Any) -> Any:
    """A study of the bowl."""
    given = {"sampler": "random", "iterations": 2, "size": 16, "prune": 0.0, **settings}
    return join_study(name, storage, StudyRequest(targets, SPACE, given))[0]


def start(folder: Path, name: str, storage: str, total: int, seconds: float = 0.0) -> subprocess.Popen[str]:
    """A worker in a process of its own."""
    words = [sys.executable, "-m", "tests.test_srnca.test_studies.quick", name, storage, str(total), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(words, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def main(name: str, storage: str, total: str, seconds: str) -> None:
    plan = worker.Plan(name, storage, int(total), threads=1, timing=Timing(beat_s=0.5))
    worker.work(plan, objective=lambda job, watch: quick(job, watch, float(seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
