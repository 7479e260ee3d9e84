"""Small recordings that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from equations import models
from equations.expressions.infix import parse_infix
from equations.expressions.terms import split_terms
from equations.perception import perceive
from equations.rule.rule import Rule
from equations.rule.stencils import ID, LAP5, Stencil, feature_names
from equations.simulation import simulate

if TYPE_CHECKING:
    from torch import Tensor

LAMBDA_OMEGA = {
    "u": "u_lap5 + u - (u^2 + v^2)*(u - v)",
    "v": "v_lap5 + v - (u^2 + v^2)*(v + u)",
}
ALLEN_CAHN = {"u": "u_lap5 + u - u^3"}
GRAY_SCOTT = {
    "u": {"u_lap": 0.16, "u*v**2": -1.0, "1": 0.055, "u": -0.055},
    "v": {"v_lap": 0.08, "u*v**2": 1.0, "v": -0.117},
}
SIZE = 20  # of recordings of Gray-Scott


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


def patches_of_v(seed: int, size: int = SIZE) -> np.ndarray:
    """Smooth patches of v in a sea of u."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(size, size)), 1.5, mode="wrap")
    patches = np.clip(3 * field / np.abs(field).max(), 0, 1)
    return np.stack([1 - 0.5 * patches, 0.3 * patches + 0.02 * rng.uniform(size=(size, size))]).astype(np.float32)


def record_gray_scott(frames: int = 14, every: int = 1, seed: int = 0, size: int = SIZE) -> tuple[Rule, np.ndarray]:
    """Gray-Scott from such a state: the rule and frames (t, 2, size, size), `every` steps apart."""
    rule = models.load("gray-scott").rule()
    state = patches_of_v(seed, size)
    return rule, simulate(rule, state=state, steps=(frames - 1) * every, every=every, backend="reference")


def constants(updates: object) -> dict[str, dict[str, float]]:
    return {c: {str(b): w for w, b in split_terms(e)} for c, e in dict(updates).items()}  # type: ignore[call-overload]


def assert_gray_scott(updates: object, tolerance: float) -> None:
    found = constants(updates)
    assert {c: set(terms) for c, terms in found.items()} == {c: set(terms) for c, terms in GRAY_SCOTT.items()}
    for channel, terms in GRAY_SCOTT.items():
        for term, value in terms.items():
            assert found[channel][term] == pytest.approx(value, rel=tolerance)


def gray_scott_rates(states: Tensor) -> Tensor:
    """Gray-Scott's own rates of states (2, batch, h, w)."""
    from torch import stack

    u, v = states

    def lap(x: Tensor) -> Tensor:
        return sum(x.roll(s, d) for s in (-1, 1) for d in (1, 2)) - 4 * x  # type: ignore[return-value]

    return stack([0.16 * lap(u) - u * v * v + 0.055 * (1 - u), 0.08 * lap(v) + u * v * v - 0.117 * v])
