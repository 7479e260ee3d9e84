"""What a trial does: train one set of hyperparameters on each target."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from equations.errors import InputError, SrncaError
from srnca.studies.workers import schema

if TYPE_CHECKING:
    from srnca.media.images import Target
    from srnca.texture.checkpoint import Checkpoint
    from srnca.texture.config import TrainConfig
    from srnca.texture.training import TrainProgress

# Percent of a target's training at which a trial is compared with others. Not sooner: with a good learning rate the
# loss first rises above that of an automaton which learns nothing.
MARKS = (75, 100)
LAST = 50  # iterations whose mean loss counts; a tenth of them in a short training


@dataclass(frozen=True)
class Job:
    """A trial's work: what is the same for all targets, the targets, and the folder (made if need be)."""

    config: TrainConfig
    targets: Mapping[str, Target]
    folder: Path
    device: str = "cpu"


@dataclass
class Outcome:
    """What came of it. losses: None where the target diverged or was not reached. Files are named within the folder."""

    status: str
    losses: dict[str, float | None]
    pictures: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)
    pruned_at: str | None = None


class Watch(Protocol):
    """Who looks on: told of each iteration (and may raise to end the work), asked at each mark whether to give up."""

    def see(self, target: str, iteration: int, iterations: int, loss: float) -> None: ...

    def give_up(self, step: int, value: float) -> bool: ...


class _Hopeless(Exception):
    """At a mark, `percent`, the trial was among the worst."""

    def __init__(self, percent: int) -> None:
        self.percent = percent


def geometric_mean(losses: Sequence[float | None]) -> float:
    """Of positive losses; None (diverged) counts DIVERGED_LOSS, as does anything above it or not finite."""
    known = [schema.DIVERGED_LOSS if x is None or not math.isfinite(x) else x for x in losses]
    logs = [math.log(min(schema.DIVERGED_LOSS, max(schema.LOWEST_LOSS, x))) for x in known]
    return math.exp(sum(logs) / len(logs))


def train_targets(job: Job, watch: Watch) -> Outcome:
    """Train on each target in its turn, going on from the checkpoints of an earlier try.

    A target that diverges is recorded and the next one begun. Whatever `watch.see` raises ends the work; after a
    KeyboardInterrupt the checkpoint is saved.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    out = Outcome(schema.DONE, dict.fromkeys(job.targets))
    for index, name in enumerate(job.targets):
        before = [out.losses[other] for other in list(job.targets)[:index]]
        try:
            checkpoint, hopeless = _train(job, name, index, before, watch)
        except _Hopeless as given_up:
            out.status, out.pruned_at = schema.PRUNED, f"{name} at {given_up.percent} %"
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
        if hopeless and index < len(job.targets) - 1:  # after the last there is nothing to save
            out.status, out.pruned_at = schema.PRUNED, f"{name} at {MARKS[-1]} %"
            return out
    return out


def final_loss(checkpoint: Checkpoint) -> float:
    """Mean texture loss of the last iterations."""
    last = checkpoint.history[-_window(checkpoint.config) :]
    return sum(last) / len(last)


def _window(config: TrainConfig) -> int:
    return min(LAST, max(1, config.iterations // 10))


def _train(job: Job, name: str, index: int, before: list[float | None], watch: Watch) -> tuple[Checkpoint, bool]:
    """The trained automaton, and whether at its end the trial is hopeless; before that _Hopeless is raised."""
    from srnca.texture.training import train

    path = job.folder / f"{name}.pt"
    earlier = _earlier(path, job.config, job.targets[name])
    recent = deque(earlier, maxlen=_window(job.config))
    hopeless: list[bool] = []
    marks = [m for m in MARKS if m * job.config.iterations >= 100 * len(earlier)]  # the last may have gone unsaid

    def ask(done: int) -> None:
        while marks and 100 * done >= marks[0] * job.config.iterations:
            mark = marks.pop(0)
            value = geometric_mean([*before, sum(recent) / len(recent)])
            if watch.give_up(100 * index + mark, value):
                if mark < MARKS[-1]:
                    raise _Hopeless(mark)
                hopeless.append(True)

    def look(now: TrainProgress) -> None:
        recent.append(now.loss)
        watch.see(name, now.iteration, now.iterations, now.loss)
        ask(now.iteration)

    resume = bool(earlier)
    done = train(job.targets[name], job.config, out=path, resume=resume, device=job.device, progress=look)
    ask(len(done.history))  # of an earlier try that was killed when it had nothing to train any more
    return done, bool(hopeless)


def _earlier(path: Path, config: TrainConfig, target: Target) -> list[float]:
    """The losses of an earlier try, if its checkpoint can be gone on from; otherwise none, and it is trained anew."""
    import numpy as np

    from srnca.texture.checkpoint import load_checkpoint

    try:
        found = load_checkpoint(path)
    except InputError:
        return []
    same = found.config == config and np.array_equal(found.target, target.pixels)
    return list(found.history) if same else []


def _draw(checkpoint: Checkpoint, path: Path) -> None:
    """The automaton's picture after as many steps as all are judged by; what ran away is clipped, as on a screen."""
    import numpy as np

    from srnca.media.png import save_png
    from srnca.texture.evaluate import SEEDS, nca_pictures

    picture = nca_pictures(checkpoint, seeds=SEEDS[:1])[0]
    save_png(path, np.nan_to_num(picture, nan=0.5, posinf=1.0, neginf=0.0).clip(0, 1))
