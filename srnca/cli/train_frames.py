"""`srnca train --frames`: a recording becomes an automaton."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError
from srnca.cli.options import check_output
from srnca.cli.output import number, say, say_json, shown, warn
from srnca.cli.preview_frames import FramesPreview
from srnca.cli.progress import Progress, short_time
from srnca.cli.stopping import TimeUp

if TYPE_CHECKING:
    from distill.identify.footage import Footage
    from srnca.dynamics.checkpoint import RecordingCheckpoint
    from srnca.dynamics.config import DynamicsConfig
    from srnca.dynamics.horizons import RecordingProgress

_REASONS = {
    "channels": "the recording says which channels there are; further ones are --hidden-channels",
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


def flag_of(name: str) -> str:
    return "--" + name.replace("_", "-")


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
    resume: bool,
    device: str,
    limit: float | None,
    preview: Path | None,
    as_json: bool,
    quiet: bool,
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
    resuming = resume and path.exists()
    if resume and not resuming:
        warn(f"{path}: nothing to go on from yet, starting anew")
    if resuming:
        footage, config, names, history = _settle_resume(path, paths, preset, settings, steps, effort)
    else:
        footage, config, names = _settle(paths, preset, settings, steps, effort)
        history = []
    shown = FramesPreview(preview, history) if preview else None
    _run(footage, config, names, path, resuming, device, limit, shown, as_json=as_json, quiet=quiet)


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
    differing = [f.name for f in fields(config) if getattr(config, f.name) != getattr(saved.config, f.name)]
    if differing:
        setting = differing[0]
        flag = flag_of(setting) if setting in settings else "--preset"
        flag = "--iterations or --effort" if setting == "iterations" else flag
        raise InputError(
            f"--resume: {path} was trained with {setting} {getattr(saved.config, setting)}, "
            f"not {getattr(config, setting)}; leave out {flag}, or start anew with another --out"
        )
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


def _run(
    footage: Footage,
    config: DynamicsConfig,
    names: list[str],
    out: Path,
    resume: bool,
    device: str,
    limit: float | None,
    shown: FramesPreview | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    from srnca.dynamics.checkpoint import load_recording_checkpoint
    from srnca.dynamics.training import train_recording

    started, stopped = time.monotonic(), False
    origin = {"recordings": names, "given": {"dt": footage.dt, "dx": footage.dx}}
    with Progress(quiet=quiet) as progress:

        def report(now: RecordingProgress) -> None:
            detail = f"loss {number(now.loss)}, {now.horizon} steps ahead"
            progress.update("train", now.iteration, max(now.iterations, now.iteration), detail)
            if shown:
                shown.see(now)
            if limit is not None and time.monotonic() - started > limit and not now.last:
                raise TimeUp

        try:
            done = train_recording(
                footage, config, out=out, resume=resume, device=device, origin=origin, progress=report
            )
        except TimeUp:
            done, stopped = load_recording_checkpoint(out), True
        except KeyboardInterrupt:
            saved = f"saved {out}, go on with: srnca train --resume --out {out}"
            progress.note(f"interrupted; {saved}" if out.exists() else "interrupted before there was anything to save")
            raise
        finally:
            if shown:
                shown.write()
    _say_result(done, out, names, time.monotonic() - started, stopped=stopped, as_json=as_json)


def _say_result(
    done: RecordingCheckpoint, out: Path, names: list[str], seconds: float, *, stopped: bool, as_json: bool
) -> None:
    loss = done.history[-1] if done.history else None
    error = dict(zip(done.config.names, done.error, strict=False))
    if as_json:
        say_json(
            {
                "checkpoint": out,
                "kind": "recording",
                "recordings": names,
                "finished": not stopped,
                "iterations": done.iteration,
                "loss": loss,
                "error": error,
                "denoising_gain": done.gain,
                "time_s": seconds,
                "config": done.config.to_dict(),
            }
        )
        return
    how = "stopped at the time limit" if stopped else "trained"
    say(f"{shown(out)}: {how}, {done.iteration} iterations in {short_time(seconds)}, loss {number(loss)}")
    if error:
        wrong = ", ".join(f"{name} {number(value)}" for name, value in error.items())
        say(f"wrong by, per unit of time, on frames held out: {wrong}")
    if stopped:
        say(f"go on with: srnca train --resume --out {shown(out)}")
    else:
        say(f"next: srnca distill --checkpoint {shown(out)}")
