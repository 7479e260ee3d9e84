"""The horizons of training on a recording, and what it reports on its way."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from srnca.dynamics.config import DynamicsConfig

ROUNDS = 2  # at the longest horizon, each from other windows and newly cleaned states


@dataclass(frozen=True)
class Stage:
    """Rollouts of `frames` frames, of `inner` steps each."""

    frames: int
    inner: int


@dataclass(frozen=True)
class RecordingProgress:
    """What happened in one iteration: the loss (mean squared error in units of change) over `horizon` steps.

    last: training is over. picture: frame, forecast and what is between them, each (h, w), in units of the first
    channel's range.
    """

    iteration: int
    iterations: int
    loss: float
    horizon: int
    seconds: float
    last: bool = False
    picture: tuple[Tensor, Tensor, Tensor] | None = None


def stages_of(config: DynamicsConfig, longest: int) -> list[Stage]:
    """One long step from frame to frame, two, four … until they are the automaton's own; then 1, 2, 4 … frames."""
    inner, frames, found = 1, 1, []
    while inner < config.stride:
        found.append(Stage(1, inner))
        inner = min(2 * inner, config.stride)
    last = min(config.horizon, longest)
    while frames < last:
        found.append(Stage(frames, config.stride))
        frames *= 2
    return [*found, *[Stage(last, config.stride)] * ROUNDS]
