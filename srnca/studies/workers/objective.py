"""What a trial does: train one set of hyperparameters on each target."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from equations.errors import InputError, SrncaError
from srnca.studies.storage import schema

if TYPE_CHECKING:
    from srnca.media.images import Target
    from srnca.texture.checkpoint import Checkpoint
    from srnca.texture.config import TrainConfig
    from srnca.texture.training import TrainProgress

# Percent of a target's training at which a trial is compared with others. Not earlier: with a good learning rate the
# loss at first rises above that of an automaton that learns nothing.
MARKS = (75, 100)
LAST = 50  # the final loss is the mean over this many last iterations, or a tenth of a training where that is less


@dataclass(frozen=True)
class Job:
    """The work of a trial.

    config: of the training, the same for all targets.
    targets: the targets by name, in the order of training.
    folder: for checkpoints and pictures; made where it does not exist.
    device: as for `srnca train`.
    """

    config: TrainConfig
    targets: Mapping[str, Target]
    folder: Path
    device: str = "cpu"


@dataclass
class Outcome:
    """The result of a job.

    status: one of schema.FINAL.
    losses: final loss of each target; None where it diverged or was not reached.
    pictures, checkpoints: target -> file name within the job's folder.
    pruned_at: target and mark at which the trial was pruned.
    """

    status: str
    losses: dict[str, float | None]
    pictures: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)
    pruned_at: str | None = None


class TrialObserver(Protocol):
    """Follows a training.

    on_iteration: called at each iteration; an exception ends the work.
    should_prune: called at each mark (100 · index of the target + percent of its training) with the geometric mean of
    the losses so far.
    """

    def on_iteration(self, target: str, iteration: int, iterations: int, loss: float) -> None: ...

    def should_prune(self, mark: int, value: float) -> bool: ...


class _Pruned(Exception):
    """The trial was pruned at a mark, `percent` of the target's training."""

    def __init__(self, percent: int) -> None:
        self.percent = percent


def geometric_mean(losses: Sequence[float | None]) -> float:
    """Of positive losses. None (diverged) counts as DIVERGED_LOSS, and so does a loss above it or not finite."""
    known = [schema.DIVERGED_LOSS if x is None or not math.isfinite(x) else x for x in losses]
    logs = [math.log(min(schema.DIVERGED_LOSS, max(schema.LOWEST_LOSS, x))) for x in known]
    return math.exp(sum(logs) / len(logs))


def train_targets(job: Job, observer: TrialObserver) -> Outcome:
    """Train on each target in turn, resuming from the checkpoints of an earlier try.

    A target that diverges is recorded, and the next one is trained. Whatever `observer.on_iteration` raises ends the
    work; on KeyboardInterrupt the checkpoint is saved first.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    out = Outcome(schema.DONE, dict.fromkeys(job.targets))
    for index, name in enumerate(job.targets):
        before = [out.losses[other] for other in list(job.targets)[:index]]
        try:
            checkpoint, prune = _train(job, name, index, before, observer)
        except _Pruned as pruned:
            out.status, out.pruned_at = schema.PRUNED, f"{name} at {pruned.percent} %"
            return out
        except InputError:
            raise
        except SrncaError as error:
            if "diverged" not in str(error):
                raise
            out.status = schema.DIVERGED
            continue
        out.losses[name] = final_loss(checkpoint)
        out.checkpoints[name] = f"{name}.pt"
        out.pictures[name] = f"{name}.png"
        _draw(checkpoint, job.folder / f"{name}.png")
        if prune and index < len(job.targets) - 1:  # after the last target, pruning would save nothing
            out.status, out.pruned_at = schema.PRUNED, f"{name} at {MARKS[-1]} %"
            return out
    return out


def final_loss(checkpoint: Checkpoint) -> float:
    """Mean texture loss of the last iterations."""
    last = checkpoint.history[-_window(checkpoint.config) :]
    return sum(last) / len(last)


def _window(config: TrainConfig) -> int:
    return min(LAST, max(1, config.iterations // 10))


def _train(
    job: Job, name: str, index: int, before: list[float | None], observer: TrialObserver
) -> tuple[Checkpoint, bool]:
    """The trained automaton, and whether the trial is to be pruned after it. Raises _Pruned at an earlier mark."""
    from srnca.texture.training import train

    path = job.folder / f"{name}.pt"
    earlier = _earlier_losses(path, job.config, job.targets[name])
    recent = deque(earlier, maxlen=_window(job.config))
    prune_after: list[bool] = []
    # The earlier try may have reached its last mark without reporting it, so that mark is asked about again.
    marks = [m for m in MARKS if m * job.config.iterations >= 100 * len(earlier)]

    def check_marks(done: int) -> None:
        while marks and 100 * done >= marks[0] * job.config.iterations:
            mark = marks.pop(0)
            value = geometric_mean([*before, sum(recent) / len(recent)])
            if observer.should_prune(100 * index + mark, value):
                if mark < MARKS[-1]:
                    raise _Pruned(mark)
                prune_after.append(True)

    def on_progress(now: TrainProgress) -> None:
        recent.append(now.loss)
        observer.on_iteration(name, now.iteration, now.iterations, now.loss)
        check_marks(now.iteration)

    resume = bool(earlier)
    done = train(job.targets[name], job.config, out=path, resume=resume, device=job.device, progress=on_progress)
    check_marks(len(done.history))  # for an earlier try that was killed after its last iteration
    return done, bool(prune_after)


def _earlier_losses(path: Path, config: TrainConfig, target: Target) -> list[float]:
    """The losses of an earlier try whose checkpoint can be resumed; empty where the target is to be trained anew."""
    import numpy as np

    from srnca.texture.checkpoint import load_checkpoint

    try:
        found = load_checkpoint(path)
    except InputError:
        return []
    same = found.config == config and np.array_equal(found.target, target.pixels)
    return list(found.history) if same else []


def _draw(checkpoint: Checkpoint, path: Path) -> None:
    """Save the automaton's picture after the usual number of evaluation steps; values outside [0, 1] are clipped."""
    import numpy as np

    from srnca.media.png import save_png
    from srnca.texture.evaluate import SEEDS, nca_pictures

    picture = nca_pictures(checkpoint, seeds=SEEDS[:1])[0]
    save_png(path, np.nan_to_num(picture, nan=0.5, posinf=1.0, neginf=0.0).clip(0, 1))
