"""Small recordings of known laws that the tests of training on recordings share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from equations import Rule, models, simulate

SIZE = 20


def first_state(seed: int, size: int = SIZE) -> np.ndarray:
    """Smooth patches of v in a sea of u."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(size, size)), 1.5, mode="wrap")
    patches = np.clip(3 * field / np.abs(field).max(), 0, 1)
    return np.stack([1 - 0.5 * patches, 0.3 * patches + 0.02 * rng.uniform(size=(size, size))]).astype(np.float32)


def record(frames: int = 14, every: int = 1, seed: int = 0, size: int = SIZE) -> tuple[Rule, np.ndarray]:
    """Gray-Scott from such a state: the rule and frames (t, 2, size, size), `every` steps apart."""
    rule = models.load("gray-scott").rule()
    state = first_state(seed, size)
    return rule, simulate(rule, state=state, steps=(frames - 1) * every, every=every, backend="reference")


def write(
    path: Path, frames: np.ndarray, dt: float = 1.0, dx: float = 1.0, channels: tuple[str, ...] = ("u", "v")
) -> Path:
    np.savez(path, frames=frames, dt=dt, dx=dx, channels=np.array(channels))
    return path
