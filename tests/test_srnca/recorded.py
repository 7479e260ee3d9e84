"""Small recordings of known laws that the tests of training on recordings share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.test_distill.recorded import SIZE
from tests.test_distill.recorded import record_gray_scott as record

__all__ = ["SIZE", "record", "write"]


def write(
    path: Path, frames: np.ndarray, dt: float = 1.0, dx: float = 1.0, channels: tuple[str, ...] = ("u", "v")
) -> Path:
    np.savez(path, frames=frames, dt=dt, dx=dx, channels=np.array(channels))
    return path
