"""Training on recordings: rollouts of growing length, from one step to several frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from distill.identify.footage import Footage
from equations.backends.torch.threads import one_thread
from equations.errors import InputError
from srnca.automata.saving import SAVE_EVERY_S, train_and_save, unfinished
from srnca.dynamics.checkpoint import RecordingCheckpoint, load_recording_checkpoint, save_recording_checkpoint
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.horizons import RecordingProgress
from srnca.dynamics.training_run import TrainingRun


@one_thread()
def train_recording(
    footage: Footage,
    config: DynamicsConfig,
    *,
    out: Path | None = None,
    resume: bool = False,
    device: str = "cpu",
    origin: dict[str, Any] | None = None,
    progress: Callable[[RecordingProgress], None] | None = None,
    save_every_s: float = SAVE_EVERY_S,
) -> RecordingCheckpoint:
    """Train on `footage` and return the checkpoint, saved to `out` if given.

    resume: continue from `out` where it stopped, with the same bits as an uninterrupted run on the same machine.
        InputError if the file was made with other settings or recordings.
    origin: provenance of the recordings, for the checkpoint.
    save_every_s: seconds between two saves.
    Ctrl-C saves before KeyboardInterrupt is raised again.
    """
    if (footage.names, footage.dx) != (config.names, config.dx):
        raise InputError(
            f"recording: expected channels {', '.join(config.names)} and dx {config.dx:g}, "
            f"got {', '.join(footage.names)} and {footage.dx:g}"
        )
    run = TrainingRun(footage, config, torch.device(device), origin or {})
    if resume:
        before = load_recording_checkpoint(unfinished(out))
        run.check_same(before)
        if not before.training:
            return before
        run.restore(before)
    return train_and_save(run, save_recording_checkpoint, out, progress, save_every_s)
