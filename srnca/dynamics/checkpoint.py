"""The checkpoint of an automaton that learned a recording: `srnca.nca/1`, of kind "recording"."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from distill.identify.footage import Footage
from equations.errors import InputError
from srnca.automata import fields, kinds
from srnca.automata.files import RECORDING, build_from, read_kind, record_of, write_checkpoint
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.network import RecordingNCA

STORED = 4_000_000  # values of the recording that a checkpoint holds at most: 16 MB
_KEYS = ("config", "weights", "stencils", "footage", "error", "history", "iteration", "provenance")


@dataclass
class RecordingCheckpoint:
    """An automaton, how it was trained, and what is needed to distil it.

    footage: the recordings, or an excerpt of large ones; rollouts start from it, and constants are fitted to it.
    error: per channel, root mean square error of the rate per unit of time, estimated from held-out rollouts.
    gain: of the filter that states were cleaned of noise with; 1 for none.
    history: training loss of every iteration.
    training: the state of an unfinished run, to resume from.
    """

    config: DynamicsConfig
    nca: RecordingNCA
    footage: Footage
    error: tuple[float, ...] = ()
    gain: float = 1.0
    history: list[float] = field(default_factory=list)
    iteration: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def save_recording_checkpoint(checkpoint: RecordingCheckpoint, path: Path | str) -> None:
    """Write atomically."""
    config = {k: list(v) if isinstance(v, tuple) else v for k, v in checkpoint.config.to_dict().items()}
    own = {"footage": list(checkpoint.footage.frames), "error": list(checkpoint.error), "gain": checkpoint.gain}
    write_checkpoint(path, checkpoint, checkpoint.nca.stencils, {"kind": RECORDING, "config": config}, own)


def load_recording_checkpoint(path: Path | str) -> RecordingCheckpoint:
    """Read one: tensors and plain data only. Raises InputError for what is missing, damaged or of another kind."""
    kind, data = read_kind(path)
    if kind != RECORDING:
        raise InputError(f"{path}: expected an automaton that was trained on a recording, got one of a {kind}")
    return make_recording_checkpoint(path, data)


def make_recording_checkpoint(path: Path | str, data: dict[str, Any]) -> RecordingCheckpoint:
    """The checkpoint in a file's data. Raises InputError; path: for the messages."""
    return build_from(path, data, _KEYS, _build)


def _build(data: dict[str, Any]) -> RecordingCheckpoint:
    config = DynamicsConfig(**kinds.settings(DynamicsConfig, data))
    stencils, weights = fields.stencils(data, config.filters), fields.weights(data)
    _check_size(config, weights)
    nca = RecordingNCA(config, stencils=stencils)
    fields.put_weights(nca, weights)
    error = tuple(float(e) for e in kinds.part(data, "error", list[float]))
    if len(error) not in (0, len(config.names)):
        raise InputError(f"error: expected {len(config.names)} numbers, one a channel, got {len(error)}")
    frames = [
        fields.numbers(f, "footage", (None,) * 4).to(torch.float32).numpy() for f in kinds.part(data, "footage", list)
    ]
    footage = Footage(frames, config.names, config.dt * config.stride, config.dx)
    gain = float(kinds.part(data, "gain", float)) if "gain" in data else 1.0
    return RecordingCheckpoint(config, nca, footage, error, gain, **record_of(data))


def _check_size(config: DynamicsConfig, weights: dict[str, Tensor]) -> None:
    """Raises InputError when the configuration describes a larger network than the file has weights for."""
    asked = config.hidden * config.features + (len(config.channels) * config.features if config.linear_path else 0)
    there = sum(tensor.numel() for tensor in weights.values())
    if asked > there:
        raise InputError(f"weights: expected at least {asked} numbers for this configuration, got {there}")
