"""`srnca train`: an image, or a recording, becomes an automaton."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError
from srnca.cli import train_options as opt
from srnca.cli.options import check_output, parse_clamp, parse_crop, parse_duration, resolve_device
from srnca.cli.output import number, say, say_json, shown, warn
from srnca.cli.preview import Preview
from srnca.cli.progress import Progress, short_time
from srnca.cli.stopping import TimeUp
from srnca.cli.train_frames import flag_of, is_of_recording, train_frames

if TYPE_CHECKING:
    from srnca.media.images import Target
    from srnca.texture.checkpoint import Checkpoint
    from srnca.texture.config import TrainConfig
    from srnca.texture.training import TrainProgress

EXAMPLES = """\
srnca train sample:snake --out snake.pt
srnca train zebra.jpg --crop 40,0,256 --preview now.png
srnca train leaf.png --preset compact --effort 2
srnca train leaf.png --iterations 5000 --time-limit 5m
srnca train --resume --out snake.pt
srnca train --frames rec.npz --stride 8 --out net.pt   # a recording that holds every 8th step"""

_LAST = 50  # iterations whose mean loss is reported


@dataclass(frozen=True)
class _Job:
    """Everything that one call of `srnca train` settled before it starts."""

    target: Target
    config: TrainConfig
    out: Path
    resume: bool
    history: list[float]


def train(
    target: opt.TargetName = None,
    frames: opt.Frames = None,
    out: opt.Out = None,
    preset: opt.Preset = None,
    channels: opt.Channels = None,
    hidden: opt.Hidden = None,
    hidden_channels: opt.HiddenChannels = None,
    filters: opt.Filters = None,
    activation: opt.Activation = None,
    update_rate: opt.UpdateRate = None,
    mask: opt.Mask = None,
    clamp: opt.Clamp = None,
    init: opt.FirstState = None,
    stride: opt.Stride = None,
    dt: opt.Dt = None,
    dx: opt.Dx = None,
    denoise: opt.Denoise = None,
    max_ca_steps: opt.MaxCaSteps = None,
    batch_size: opt.BatchSize = None,
    learning_rate: opt.LearningRate = None,
    l1: opt.L1 = None,
    iterations: opt.Iterations = None,
    effort: opt.Effort = None,
    size: opt.Size = None,
    seed: opt.Seed = None,
    bank: opt.Bank = None,
    vgg_weights: opt.VggWeights = None,
    download: opt.Download = False,
    crop: opt.Crop = None,
    device: opt.Device = "auto",
    time_limit: opt.TimeLimit = None,
    resume: opt.Resume = False,
    preview: opt.PreviewFile = None,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
) -> None:
    """Learn an automaton that paints the texture of an image, or does what a recording shows."""
    given = {
        "channels": channels, "hidden": hidden, "filters": filters, "activation": activation,
        "update_rate": update_rate, "mask": mask, "init": init, "max_ca_steps": max_ca_steps,
        "batch_size": batch_size, "learning_rate": learning_rate, "l1": l1, "iterations": iterations,
        "size": size, "seed": seed, "bank": bank,
    }  # fmt: skip
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if clamp is not None:
        changes["clamp"] = parse_clamp(clamp)
    if iterations is not None and effort is not None:
        raise InputError("--effort: expected it without --iterations, which it would multiply; leave one of them out")
    limit = parse_duration(time_limit, "--time-limit")
    if preview is not None:
        check_output(preview, (".png",))
    of_recordings = {"hidden_channels": hidden_channels, "stride": stride, "dt": dt, "dx": dx, "denoise": denoise}
    recorded: dict[str, Any] = {name: value for name, value in of_recordings.items() if value is not None}
    if frames or (target is None and resume and out is not None and is_of_recording(out)):
        changes |= {"vgg_weights": vgg_weights} if vgg_weights is not None else {}
        changes |= {"download": True} if download else {}
        changes |= {"crop": crop} if crop is not None else {}
        train_frames(
            target, frames or [], out,
            preset=preset, changes=changes, recorded=recorded, effort=effort, resume=resume,
            device=resolve_device(device), limit=limit, preview=preview, as_json=as_json, quiet=quiet,
        )  # fmt: skip
        return
    if recorded:
        flag = flag_of(next(iter(recorded)))
        raise InputError(f"{flag}: expected it with --frames, a recording to learn, got none; leave it out")
    options = {"device": resolve_device(device), "vgg_weights": vgg_weights, "download": download}
    job = _settle(target, out, resume=resume, preset=preset, changes=changes, effort=effort, crop=crop)
    _run(job, options, limit=limit, preview=preview, as_json=as_json, quiet=quiet)


def _settle(
    name: str | None,
    out: Path | None,
    *,
    resume: bool,
    preset: str | None,
    changes: dict[str, Any],
    effort: float | None,
    crop: str | None,
) -> _Job:
    if name is None and not (resume and out):
        raise InputError(
            "train: expected an image or sample:NAME, or --frames FILE, got neither; e.g. srnca train sample:snake"
        )
    path = check_output(out or Path(f"{_stem(str(name))}.pt"), (".pt",))
    if effort is not None:
        from srnca.texture.config import preset as find_preset

        changes["iterations"] = max(1, round(effort * find_preset(preset or "default").iterations))
    if resume and (path.exists() or name is None):
        return _settle_resume(name, path, preset=preset, changes=changes, crop=crop)
    if resume:
        warn(f"{path}: nothing to go on from yet, starting anew")
    from srnca.media.images import load_target
    from srnca.texture.config import preset as find_preset

    config = replace(find_preset(preset or "default"), **changes)
    target = load_target(str(name), config.size, crop=parse_crop(crop))
    for note in target.notes:
        warn(f"{target.name}: {note}")
    return _Job(target, config, path, resume=False, history=[])


def _settle_resume(
    name: str | None, path: Path, *, preset: str | None, changes: dict[str, Any], crop: str | None
) -> _Job:
    """The checkpoint says how and on what it was trained; flags may repeat that, not change it."""
    from srnca.media.images import Target, load_target
    from srnca.texture.checkpoint import load_checkpoint
    from srnca.texture.config import preset as find_preset

    saved = load_checkpoint(path)
    base = saved.config if preset is None else find_preset(preset)
    config = replace(base, **changes)
    differing = [f.name for f in fields(config) if getattr(config, f.name) != getattr(saved.config, f.name)]
    if differing:
        setting = differing[0]
        flag = "--" + setting.replace("_", "-") if setting in changes else "--preset"
        flag = "--iterations or --effort" if setting == "iterations" else flag
        raise InputError(
            f"--resume: {path} was trained with {setting} {getattr(saved.config, setting)}, "
            f"not {getattr(config, setting)}; leave out {flag}, or start anew with another --out"
        )
    if name is not None:
        target = load_target(name, config.size, crop=parse_crop(crop))
    else:
        target = Target(str(saved.provenance.get("target", path.stem)), saved.target, ())
    return _Job(target, config, path, resume=True, history=list(saved.history))


def _stem(name: str) -> str:
    return name.removeprefix("sample:") if name.startswith("sample:") else Path(name).stem or "automaton"


def _run(
    job: _Job,
    options: dict[str, Any],
    *,
    limit: float | None,
    preview: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    from srnca.texture.checkpoint import load_checkpoint
    from srnca.texture.training import train as run_training

    started = time.monotonic()
    picture = Preview(preview, job.target.pixels, job.history) if preview else None
    stopped = False
    with Progress(quiet=quiet) as progress:

        def report(now: TrainProgress) -> None:
            if now.note:
                progress.note(now.note)
            progress.update("train", now.iteration, now.iterations, f"loss {number(now.loss)}")
            if picture:
                picture.see(now.loss, now.rgb)
            if limit is not None and time.monotonic() - started > limit and now.iteration < now.iterations:
                raise TimeUp

        try:
            done = run_training(job.target, job.config, out=job.out, resume=job.resume, progress=report, **options)
        except TimeUp:
            done, stopped = load_checkpoint(job.out), True
        except KeyboardInterrupt:
            progress.note(_interrupted(job.out))
            raise
        finally:
            if picture:
                picture.write()
    _say_result(job, done, seconds=time.monotonic() - started, stopped=stopped, as_json=as_json)


def _interrupted(out: Path) -> str:
    if not out.exists():
        return "interrupted before there was anything to save"
    return f"interrupted; saved {out}, go on with: srnca train --resume --out {out}"


def _say_result(job: _Job, done: Checkpoint, *, seconds: float, stopped: bool, as_json: bool) -> None:
    last = done.history[-_LAST:]
    loss = sum(last) / len(last) if last else None
    if as_json:
        say_json(
            {
                "checkpoint": job.out,
                "target": job.target.name,
                "notes": job.target.notes,
                "finished": not stopped,
                "iterations": done.iteration,
                "loss": loss,
                "time_s": seconds,
                "config": done.config.to_dict(),
            }
        )
        return
    how = "stopped at the time limit" if stopped else "trained"
    say(f"{shown(job.out)}: {how}, {done.iteration} iterations in {short_time(seconds)}, loss {number(loss)}")
    if stopped:
        say(f"go on with: srnca train --resume --out {shown(job.out)}")
    else:
        say(f"next: srnca distill --checkpoint {shown(job.out)}")
