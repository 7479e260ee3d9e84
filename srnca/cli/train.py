"""`srnca train`: an image, or a recording, becomes an automaton."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError
from srnca.cli import train_options as opt
from srnca.cli.estimate import Estimate
from srnca.cli.options import AsJson, Quiet, check_output, parse_clamp, parse_duration, resolve_device
from srnca.cli.output import number
from srnca.cli.preview import Draw, draw_preview
from srnca.cli.progress import Progress
from srnca.cli.quality_text import describe_quality
from srnca.cli.train_frames import is_of_recording, train_frames
from srnca.cli.train_plan import Plan, settle
from srnca.cli.training import Job, Options, flag_of, run

if TYPE_CHECKING:
    from srnca.media.images import Target
    from srnca.texture.checkpoint import Checkpoint
    from srnca.texture.network import NCA
    from srnca.texture.teacher import NCATeacher
    from srnca.texture.training import TrainProgress

EXAMPLES = """\
srnca train sample:snake --out snake.pt
srnca train zebra.jpg --crop 40,0,256 --preview now.png
srnca train leaf.png --live    # and look at it in a browser
srnca train leaf.png --preset compact --effort 2
srnca train leaf.png --iterations 5000 --time-limit 5m
srnca train zebra.jpg --channels 2 --colours squares    # two channels, and a richer map to the colours
srnca train --resume --out snake.pt
srnca train --frames rec.npz --stride 8 --out net.pt   # a recording that holds every 8th step"""

_LAST = 50  # iterations whose mean loss is reported


def train(
    target: opt.TargetName = None,
    frames: opt.Frames = None,
    out: opt.Out = None,
    preset: opt.Preset = None,
    channels: opt.Channels = None,
    colours: opt.Colours = None,
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
    live: opt.Live = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Learn an automaton from a picture or a recording. It paints the texture, or does what the recording shows."""
    changes = _given(
        channels=channels, colours=colours, hidden=hidden, filters=filters, activation=activation,
        update_rate=update_rate, mask=mask, init=init, max_ca_steps=max_ca_steps, batch_size=batch_size,
        learning_rate=learning_rate, l1=l1, iterations=iterations, size=size, seed=seed, bank=bank,
    )  # fmt: skip
    if clamp is not None:
        changes["clamp"] = parse_clamp(clamp)
    if iterations is not None and effort is not None:
        raise InputError("--effort: expected it without --iterations, which it would multiply; leave one of them out")
    limit = parse_duration(time_limit, "--time-limit")
    if preview is not None:
        check_output(preview, (".png",))
    recorded = _given(hidden_channels=hidden_channels, stride=stride, dt=dt, dx=dx, denoise=denoise)
    of_recording = frames or (target is None and resume and out is not None and is_of_recording(out))
    if recorded and not of_recording:
        flag = flag_of(next(iter(recorded)))
        raise InputError(f"{flag}: expected it with --frames, a recording to learn, got none; leave it out")
    if out is not None:
        check_output(out, (".pt",))
    if not (target and frames):
        _check_there(target, frames or [])
    options = Options(resume, resolve_device(device), limit, preview, live, as_json, quiet)
    if of_recording:
        changes |= _given(vgg_weights=vgg_weights, download=download or None, crop=crop)
        train_frames(
            target, frames or [], out, preset=preset, changes=changes, recorded=recorded, effort=effort, options=options
        )
        return
    plan = settle(target, out, resume=resume, preset=preset, changes=changes, effort=effort, crop=crop)
    run(_job(plan, device=options.device, vgg_weights=vgg_weights, download=download), options)


def _check_there(target: str | None, frames: list[Path]) -> None:
    """What is learned from must be there; asked before the slow imports."""
    if target is not None:
        from srnca.media.images import check_target

        check_target(target)
    for path in frames:
        from srnca.media.loading import check_there

        check_there(path)


def _given(**values: Any) -> dict[str, Any]:
    """The options that were given: those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _job(plan: Plan, *, device: str, **how: Any) -> Job[Checkpoint]:
    import torch

    from srnca.texture.checkpoint import load_checkpoint
    from srnca.texture.training import train as run_training

    threads = torch.get_num_threads()
    cores = min(plan.config.batch_size, threads) if plan.config.batch_size > 1 else threads  # as in `state_threads`
    return Job(
        plan.out,
        {"target": plan.target.name, "notes": plan.target.notes},
        plan.history,
        train=partial(run_training, plan.target, plan.config, out=plan.out, resume=plan.resume, device=device, **how),
        load=load_checkpoint,
        show=partial(_show, plan.target),
        loss=lambda losses: sum(losses[-_LAST:]) / len(losses[-_LAST:]),
        loss_is=lambda losses: f"mean of the last {len(losses[-_LAST:])} iterations, on the pictures of training",
        estimate=Estimate(cores if device == "cpu" else None),
        further=_rate,
        network=partial(_network, plan),
    )


def _network(plan: Plan, now: TrainProgress) -> Callable[[], NCATeacher] | None:
    """What copies the network as it is after this iteration."""
    return None if now.nca is None else partial(_copy, plan, now.nca, now.iteration)


def _copy(plan: Plan, nca: NCA, iteration: int) -> NCATeacher:
    import copy

    from srnca.texture.checkpoint import Checkpoint
    from srnca.texture.teacher import NCATeacher

    picture = plan.target.pixels
    return NCATeacher(Checkpoint(plan.config, copy.deepcopy(nca), picture, [], iteration, provenance={}, training={}))


def _show(target: Target, now: TrainProgress) -> tuple[str, Draw | None]:
    draw = None
    if now.rgb is not None:
        draw = partial(draw_preview, target.pixels, now.rgb[0].detach().cpu().permute(1, 2, 0).numpy())
    return f"loss {number(now.loss)}", draw


def _rate(done: Checkpoint, progress: Progress) -> tuple[dict[str, Any], str]:
    """What the automaton's texture is worth, now that it is trained."""
    from srnca.texture import quality
    from srnca.texture.automaton import TextureAutomaton

    progress.update("evaluate", 0, 1, "pictures of fresh seeds")
    found = quality.rate_automaton(TextureAutomaton(done))
    progress.update("evaluate", 1, 1)
    return {**found.scores, "quality": found.word, "advice": found.advice}, describe_quality(found)
