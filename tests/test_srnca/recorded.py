"""Small recordings of known laws that the tests of training on recordings share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from distill.identify.footage import Footage
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.network import RecordingNCA
from tests.test_distill.recorded import SIZE
from tests.test_distill.recorded import record_gray_scott as record

__all__ = ["SIZE", "record", "untrained", "write"]


def write(
    path: Path, frames: np.ndarray, dt: float = 1.0, dx: float = 1.0, channels: tuple[str, ...] = ("u", "v")
) -> Path:
    np.savez(path, frames=frames, dt=dt, dx=dx, channels=np.array(channels))
    return path


def untrained() -> RecordingCheckpoint:
    """An automaton that changes slowly and has a hidden channel, with two recordings of unequal sizes."""
    frames = record(6)[1]
    film = Footage([frames, frames[:, :, :12]], ("u", "v"), 0.01, 0.5)
    config = DynamicsConfig(dt=0.01, dx=0.5, hidden=3, filters=1, hidden_channels=1)
    return RecordingCheckpoint(config, RecordingNCA(config, seed=1), film, (0.1, 0.1))
