"""What `srnca train` does in the same way for pictures and recordings: it resumes, shows progress, stops, reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from equations.errors import InputError
from srnca.cli.estimate import Estimate
from srnca.cli.output import number, quoted, say, say_json, shown, warn
from srnca.cli.preview import Draw, Preview, picture_alone
from srnca.cli.progress import Progress, short_time
from srnca.cli.stopping import TimeUp

if TYPE_CHECKING:
    from srnca.automata.stepping import Network
    from srnca.dynamics.checkpoint import RecordingCheckpoint
    from srnca.dynamics.config import DynamicsConfig
    from srnca.dynamics.horizons import RecordingProgress
    from srnca.pages.live.training import Training
    from srnca.texture.checkpoint import Checkpoint
    from srnca.texture.config import TrainConfig
    from srnca.texture.training import TrainProgress

Saved = TypeVar("Saved", bound="Checkpoint | RecordingCheckpoint")
Config = TypeVar("Config", bound="TrainConfig | DynamicsConfig")


@dataclass(frozen=True)
class Options:
    """How `srnca train` runs, whatever it trains on.

    device: one that is there.
    limit: seconds after which training stops; None for no limit.
    preview: a PNG that shows the state of training.
    live: whether a local page shows it.
    """

    resume: bool
    device: str
    limit: float | None
    preview: Path | None
    live: bool
    as_json: bool
    quiet: bool


@dataclass(frozen=True)
class Job(Generic[Saved]):
    """A training that is ready to start.

    out: its checkpoint.
    source: what the JSON result says about what is learned.
    history: losses of the iterations before.
    train: trains, saves and returns the checkpoint; takes `progress`, which is called after each iteration.
    load: reads the checkpoint.
    show: a text about an iteration, and what draws its picture; None where there is none.
    loss: the training's loss that is reported.
    loss_is: what that loss of a history is, in words.
    further: more results, as JSON and as a line of text; may show its progress.
    network: what copies the network of an iteration; None where there is none that runs on its own.
    estimate: says after the first iterations how long training takes; None where they do not tell.
    """

    out: Path
    source: Mapping[str, Any]
    history: Sequence[float]
    train: Callable[..., Saved]
    load: Callable[[Path], Saved]
    show: Callable[[Any], tuple[str, Draw | None]]
    loss: Callable[[Sequence[float]], float]
    loss_is: Callable[[Sequence[float]], str]
    further: Callable[[Saved, Progress], tuple[Mapping[str, Any], str]]
    estimate: Estimate | None = None
    network: Callable[[Any], Callable[[], Network] | None] = lambda now: None


def flag_of(name: str) -> str:
    return "--" + name.replace("_", "-")


def check_same(path: Path, saved: Config, config: Config, given: Mapping[str, Any]) -> None:
    """Raises InputError where a resumed training is asked for other settings than those in its checkpoint.

    given: the settings that have been given by flags of their own; others come from --preset.
    """
    for name in (f.name for f in fields(saved)):
        before, now = getattr(saved, name), getattr(config, name)
        if before != now:
            flag = flag_of(name) if name in given else "--preset"
            flag = "--iterations or --effort" if name == "iterations" else flag
            raise InputError(
                f"--resume: {path} was trained with {name} {before}, not {now}; "
                f"leave out {flag}, or start anew with another --out"
            )


def run(job: Job[Any], options: Options) -> None:
    """Train until the end or the time limit and print the result. Ctrl-C saves too, and is raised again."""
    started = time.monotonic()
    estimate = None if options.quiet or options.as_json else job.estimate
    preview = Preview(options.preview, job.history) if options.preview else None
    with _live(job, wanted=options.live) as watched, Progress(quiet=options.quiet) as progress:

        def report(now: TrainProgress | RecordingProgress) -> None:
            detail, draw = job.show(now)
            if now.note:
                progress.note(now.note)
            if estimate and (takes := estimate.see(now.iteration, now.iterations)):
                progress.note(takes)
            progress.update("train", now.iteration, max(now.iterations, now.iteration), detail)
            if preview:
                preview.see(now.loss, draw)
            if watched:
                picture = draw and partial(picture_alone, draw)
                watched.see(now.iteration, now.iterations, now.loss, detail, picture, job.network(now))
            if options.limit is not None and time.monotonic() - started > options.limit and not now.last:
                raise TimeUp

        try:
            done, stopped = _train(job, report)
            seconds = time.monotonic() - started
            further = job.further(done, progress)
        except KeyboardInterrupt:
            saved = f"interrupted; saved {job.out}, go on with: srnca train --resume --out {job.out}"
            progress.note(saved if job.out.exists() else "interrupted before there was anything to save")
            raise
        finally:
            if preview:
                preview.write()
    _say_result(job, done, further, seconds, stopped=stopped, as_json=options.as_json)


@contextmanager
def _live(job: Job[Any], *, wanted: bool) -> Iterator[Training | None]:
    """The page that shows the training, while the block runs; None where it is not wanted."""
    if not wanted:
        yield None
        return
    from srnca.pages.live.training import Training, serving

    training = Training(job.out.name, list(job.history))
    with serving(training) as address:
        warn(f"live: {address}")
        yield training


def _train(job: Job[Saved], report: Callable[[Any], None]) -> tuple[Saved, bool]:
    """The checkpoint, and whether the time limit stopped the training."""
    try:
        return job.train(progress=report), False
    except TimeUp:
        return job.load(job.out), True


def _say_result(
    job: Job[Saved],
    done: Saved,
    results: tuple[Mapping[str, Any], str],
    seconds: float,
    *,
    stopped: bool,
    as_json: bool,
) -> None:
    loss = job.loss(done.history) if done.history else None
    further, line = results
    if as_json:
        counts = {"finished": not stopped, "iterations": done.iteration, "loss": loss}
        about = {"time_s": seconds, "config": done.config.to_dict()}
        say_json({"checkpoint": job.out, **job.source, **counts, **further, **about})
        return
    how = "stopped at the time limit" if stopped else "trained"
    ended = "" if loss is None else f", training loss {number(loss)} ({job.loss_is(done.history)})"
    say(f"{shown(job.out)}: {how}, {done.iteration} iterations in {short_time(seconds)}{ended}")
    if line:
        say(line)
    if stopped:
        say(f"go on with: srnca train --resume --out {quoted(job.out)}")
    else:
        say(f"next: srnca distill --checkpoint {quoted(job.out)}")
