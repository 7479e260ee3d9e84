"""The checkpoint of an automaton that learned a recording: `srnca.nca/1`, of kind "recording"."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from equations.errors import InputError
from equations.files import write_bytes
from equations.stencils import Stencil
from srnca.checkpoint import FORMAT, RECORDING, kernel_of, read_kind
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.footage import Footage
from srnca.dynamics.network import RecordingNCA

STORED = 4_000_000  # numbers of the recording that a checkpoint holds at most: 16 MB
_KEYS = ("config", "weights", "stencils", "footage", "error", "history", "iteration", "provenance")


@dataclass
class RecordingCheckpoint:
    """An automaton and all that made it.

    footage: what is kept of the recordings, whole where they are small: first states to roll out from, and windows to
    fit a rule's constants to. error: per channel, the root mean square of what one step's rate is wrong by, as held-out
    rollouts tell, per unit of time. gain: how far states were cleaned of noise, 1 not at all.
    history: training loss of every iteration. training: what an unfinished run needs to go on.
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
    buffer = io.BytesIO()
    torch.save(
        {
            "format": FORMAT,
            "kind": RECORDING,
            "config": {k: list(v) if isinstance(v, tuple) else v for k, v in checkpoint.config.to_dict().items()},
            "weights": {k: v.detach().cpu() for k, v in checkpoint.nca.state_dict().items()},
            "stencils": [{"name": s.name, "kernel": [list(r) for r in s.kernel]} for s in checkpoint.nca.stencils],
            "footage": list(checkpoint.footage.frames),
            "error": list(checkpoint.error),
            "gain": checkpoint.gain,
            "history": torch.tensor(checkpoint.history, dtype=torch.float64),
            "iteration": checkpoint.iteration,
            "provenance": checkpoint.provenance,
            "training": checkpoint.training,
        },
        buffer,
    )
    write_bytes(Path(path), buffer.getvalue())


def load_recording_checkpoint(path: Path | str) -> RecordingCheckpoint:
    """Read one: tensors and plain data only. Raises InputError for what is missing, damaged or of another kind."""
    kind, data = read_kind(path)
    if kind != RECORDING:
        raise InputError(f"{path}: expected an automaton that was trained on a recording, got one of a {kind}")
    missing = [key for key in _KEYS if key not in data]
    if missing:
        raise InputError(f"{path}: the checkpoint lacks {', '.join(missing)}; train it again")
    try:
        return _build(data)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: the parts of this checkpoint do not fit each other ({reason})") from error


def _build(data: dict[str, Any]) -> RecordingCheckpoint:
    known = {f.name for f in fields(DynamicsConfig)}
    settings: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in data["config"].items() if k in known
    }
    config = DynamicsConfig(**settings)
    stencils = tuple(Stencil(s["name"], kernel_of(s["kernel"])) for s in data["stencils"])
    if len(stencils) != config.filters:
        raise ValueError(f"{len(stencils)} stencils, expected {config.filters}")
    nca = RecordingNCA(config, stencils=stencils)
    nca.load_state_dict(data["weights"])
    if not all(bool(tensor.isfinite().all()) for tensor in nca.state_dict().values()):
        raise ValueError("weights are not finite")
    error = tuple(float(e) for e in data["error"])
    if len(error) not in (0, len(config.names)):
        raise ValueError(f"{len(error)} errors, expected {len(config.names)}")
    footage = Footage([f.numpy() for f in data["footage"]], config.names, config.dt * config.stride, config.dx)
    history, provenance, training = data["history"], data["provenance"], data.get("training", {})
    if history.ndim != 1 or not isinstance(provenance, dict) or not isinstance(training, dict):
        raise ValueError("history, provenance or training is of another kind")
    gain = float(data.get("gain", 1.0))
    return RecordingCheckpoint(
        config, nca, footage, error, gain, history.tolist(), int(data["iteration"]), provenance, training
    )
