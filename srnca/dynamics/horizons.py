"""The horizons of training on a recording, and what it reports on its way."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from srnca.dynamics.config import DynamicsConfig

ROUNDS = 2  # stages at the longest horizon, each with new windows and newly filtered states


@dataclass(frozen=True)
class Stage:
    """Rollouts of `frames` frames, of `inner` steps each."""

    frames: int
    inner: int


@dataclass(frozen=True)
class RecordingProgress:
    """The state of training after one iteration.

    iteration, iterations: how many are done, and how many there are at most.
    loss: mean squared error in units of change.
    horizon: steps of the rollouts.
    last: whether training is over.
    picture: frame, forecast and their difference, each (h, w), of the first channel in units of its range.
    note: a sentence for the user, where something happened to training.
    """

    iteration: int
    iterations: int
    loss: float
    horizon: int
    seconds: float
    last: bool = False
    picture: tuple[Tensor, Tensor, Tensor] | None = None
    note: str | None = None


def stages_of(config: DynamicsConfig, longest: int) -> list[Stage]:
    """Rollouts of one frame in 1, 2, 4 … steps up to the automaton's own stride, then of 1, 2, 4 … frames."""
    inner, frames, found = 1, 1, []
    while inner < config.stride:
        found.append(Stage(1, inner))
        inner = min(2 * inner, config.stride)
    last = min(config.horizon, longest)
    while frames < last:
        found.append(Stage(frames, config.stride))
        frames *= 2
    return [*found, *[Stage(last, config.stride)] * ROUNDS]
