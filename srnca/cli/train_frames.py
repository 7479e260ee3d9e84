"""`srnca train --frames`: a recording becomes an automaton."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError
from srnca.cli.options import check_output
from srnca.cli.output import number, warn
from srnca.cli.preview import Draw
from srnca.cli.preview_frames import draw_frames
from srnca.cli.progress import Progress
from srnca.cli.training import Job, Options, check_same, flag_of, run

if TYPE_CHECKING:
    from distill.identify.footage import Footage
    from srnca.dynamics.checkpoint import RecordingCheckpoint
    from srnca.dynamics.config import DynamicsConfig
    from srnca.dynamics.horizons import RecordingProgress

_REASONS = {
    "channels": "the recording says which channels there are; further ones are --hidden-channels",
    "colours": "the recording's own channels are shown",
    "update_rate": "every cell takes every step of a recorded law",
    "mask": "every cell takes every step of a recorded law",
    "clamp": "a recorded law has no clamp",
    "init": "rollouts start from the recording's own states",
    "l1": "it belongs to texture training",
    "size": "the recording has its own size",
    "bank": "there is no texture loss",
    "vgg_weights": "there is no texture loss",
    "download": "there is no texture loss",
    "crop": "the recording is taken whole",
}


def is_of_recording(path: Path) -> bool:
    """Whether a checkpoint that training is to go on from was trained on a recording; False where there is none."""
    if not path.is_file():
        return False
    from srnca.automata.files import RECORDING, read_kind

    return read_kind(path)[0] == RECORDING


def train_frames(
    target: str | None,
    paths: list[Path],
    out: Path | None,
    *,
    preset: str | None,
    changes: dict[str, Any],
    recorded: dict[str, Any],
    effort: float | None,
    options: Options,
) -> None:
    """What `srnca train` does with --frames. changes: settings that were given; recorded: those of recordings alone."""
    if target is not None:
        raise InputError(
            f"train: expected either TARGET or --frames, got both, {target} and {paths[0]}; leave one of them out"
        )
    for name, reason in _REASONS.items():
        if name in changes:
            raise InputError(f"{flag_of(name)}: expected it without --frames; {reason}; leave it out")
    path = check_output(out or Path(f"{paths[0].stem or 'recording'}.pt"), (".pt",))
    settings = changes | {k: v for k, v in recorded.items() if k not in ("dt", "dx")}
    steps: dict[str, Any] = {k: recorded[k] for k in ("dt", "dx") if k in recorded}
    resuming = options.resume and path.exists()
    if options.resume and not resuming:
        warn(f"{path}: nothing to go on from yet, starting anew")
    if resuming:
        footage, config, names, history = _settle_resume(path, paths, preset, settings, steps, effort)
    else:
        footage, config, names = _settle(paths, preset, settings, steps, effort)
        history = []
    run(_job(footage, config, names, path, history, replace(options, resume=resuming)), options)


def _settle(
    paths: list[Path], preset: str | None, settings: dict[str, Any], steps: dict[str, Any], effort: float | None
) -> tuple[Footage, DynamicsConfig, list[str]]:
    from srnca.dynamics.config import DynamicsConfig, recording_preset

    values = recording_preset(preset or "recording") | settings
    stride = values.get("stride", 1)
    if not stride >= 1:
        raise InputError(f"--stride: expected a whole number of at least 1, got {stride}")
    footage, notes = _read(paths, steps)
    config = DynamicsConfig(names=footage.names, dt=footage.dt / stride, dx=footage.dx, **values)
    for note in notes:
        warn(note)
    return footage, _scaled(config, effort), [str(path.resolve()) for path in paths]


def _scaled(config: DynamicsConfig, effort: float | None) -> DynamicsConfig:
    """The configuration with `effort` times the iterations that are usual for such a network."""
    if effort is None:
        return config
    usual = replace(config, iterations=0).most_iterations
    return replace(config, iterations=max(1, round(effort * usual)))


def _settle_resume(
    path: Path,
    paths: list[Path],
    preset: str | None,
    settings: dict[str, Any],
    steps: dict[str, Any],
    effort: float | None,
) -> tuple[Footage, DynamicsConfig, list[str], list[float]]:
    """The checkpoint says how and on what it was trained; flags may repeat that, not change it."""
    from srnca.dynamics.checkpoint import load_recording_checkpoint
    from srnca.dynamics.config import recording_preset

    saved = load_recording_checkpoint(path)
    config = _scaled(replace(saved.config, **((recording_preset(preset) if preset else {}) | settings)), effort)
    check_same(path, saved.config, config, settings)
    names = [str(p.resolve()) for p in paths] or [str(p) for p in saved.provenance.get("recordings", [])]
    missing = [name for name in names if not Path(name).exists()]
    if missing or not names:
        raise InputError(
            f"--resume: expected the recording at {missing[0] if missing else 'none'}; name it with --frames"
        )
    footage, _ = _read([Path(name) for name in names], steps or saved.provenance.get("given", {}))
    return footage, config, names, list(saved.history)


def _read(paths: list[Path], steps: dict[str, Any]) -> tuple[Footage, list[str]]:
    from distill.identify.footage import Footage
    from srnca.media.loading import load_recordings

    found = load_recordings(paths, **steps)
    notes = list(dict.fromkeys(text for recording in found for text in recording.notes))
    first = found[0]
    return Footage([r.frames for r in found], first.channels, first.dt, first.dx or 1.0), notes


def _job(
    footage: Footage, config: DynamicsConfig, names: list[str], out: Path, history: list[float], options: Options
) -> Job[RecordingCheckpoint]:
    from srnca.dynamics.checkpoint import load_recording_checkpoint
    from srnca.dynamics.training import train_recording

    origin = {"recordings": names, "given": {"dt": footage.dt, "dx": footage.dx}}
    how: dict[str, Any] = {"out": out, "resume": options.resume, "device": options.device, "origin": origin}
    return Job(
        out,
        {"kind": "recording", "recordings": names},
        history,
        train=partial(train_recording, footage, config, **how),
        load=load_recording_checkpoint,
        show=_show,
        loss=lambda losses: losses[-1],
        loss_is=lambda losses: "of the last iteration",
        further=_further,
    )


def _show(now: RecordingProgress) -> tuple[str, Draw | None]:
    text = f"loss {number(now.loss)}, {now.horizon} steps ahead"
    return text, None if now.picture is None else partial(draw_frames, *now.picture, now.horizon)


def _further(done: RecordingCheckpoint, _progress: Progress) -> tuple[dict[str, Any], str]:
    error = dict(zip(done.config.names, done.error, strict=False))
    wrong = ", ".join(f"{name} {number(value)}" for name, value in error.items())
    text = f"wrong by, per unit of time, on frames held out: {wrong}" if error else ""
    return {"error": error, "denoising_gain": done.gain}, text
