"""Small recordings that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from equations.expressions.infix import parse_infix
from equations.perception import perceive
from equations.rule.rule import Rule
from equations.rule.stencils import ID, LAP5, Stencil, feature_names
from equations.simulation import simulate

LAMBDA_OMEGA = {
    "u": "u_lap5 + u - (u^2 + v^2)*(u - v)",
    "v": "v_lap5 + v - (u^2 + v^2)*(v + u)",
}
ALLEN_CAHN = {"u": "u_lap5 + u - u^3"}


def law(updates: dict[str, str], *, dt: float, stencils: Sequence[Stencil] = (ID, LAP5)) -> Rule:
    channels = tuple(updates)
    names = feature_names(channels, tuple(stencils))
    return Rule(channels, tuple(stencils), {c: parse_infix(text, names) for c, text in updates.items()}, dt=dt)


def waves(channels: int, size: int = 24, seed: int = 0) -> np.ndarray:
    """A smooth random state (channel, size, size) of deviation 0.6."""
    noise = np.random.default_rng(seed).normal(size=(channels, size, size))
    state = gaussian_filter(noise, (0, 1.5, 1.5), mode="wrap")
    return 0.6 * state / state.std(axis=(1, 2), keepdims=True)


def record(rule: Rule, *, steps: int = 40, every: int = 1, size: int = 24, seed: int = 0) -> np.ndarray:
    """Frames (t, channel, h, w) from such a state."""
    state = waves(len(rule.channels), size, seed)
    return simulate(rule, state=state, steps=steps, every=every, backend="reference")


def noisy(frames: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    deviation = share * frames.std(axis=(0, 2, 3))[:, None, None]
    return (frames + np.random.default_rng(seed).normal(size=frames.shape) * deviation).astype(np.float32)


def seen(frames: np.ndarray, stencils: Sequence[Stencil]) -> np.ndarray:
    return perceive(frames.astype(np.float64), stencils)
