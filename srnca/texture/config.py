"""Training configurations: hyperparameters by their usual names, and named sets of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from equations.errors import InputError, check_choice
from srnca.automata.saving import SAVE_EVERY_S
from srnca.texture.features import BANKS
from srnca.texture.network import NCAConfig


@dataclass(frozen=True)
class TrainConfig(NCAConfig):
    """The automaton's shape and how it is trained; saved in the checkpoint.

    max_ca_steps: longest rollout of an iteration; lengths are drawn uniformly from half of it to all of it.
    batch_size: states in an iteration.
    learning_rate: Adam's at the start; it falls along a cosine to 2 %.
    iterations: optimiser steps.
    size: side of the square training picture, in cells.
    bank: name of the feature bank of the texture loss.
    pool: states kept between iterations; the fewer there are, the older they get.
    l1: weight of the mean |w| of the first layer in the objective; it makes weights small that a rule can do without.
    """

    max_ca_steps: int = 48
    batch_size: int = 2
    learning_rate: float = 3e-3
    iterations: int = 900
    size: int = 64
    seed: int = 0
    bank: str = "wavelet"
    pool: int = 32
    l1: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, low in (("max_ca_steps", 2), ("batch_size", 1), ("iterations", 1), ("size", 16)):
            if getattr(self, name) < low:
                raise InputError(f"{name}: expected at least {low}, got {getattr(self, name)}")
        if not 0 < self.learning_rate <= 1:
            raise InputError(f"learning_rate: expected a number in (0, 1], got {self.learning_rate}")
        if not 0 <= self.l1 < math.inf:
            raise InputError(f"l1: expected a finite number of at least 0, got {self.l1}")
        if self.pool < self.batch_size:
            raise InputError(f"pool: expected at least the batch size ({self.batch_size}), got {self.pool}")
        check_choice("feature bank", self.bank, BANKS)

    @property
    def nca(self) -> NCAConfig:
        return NCAConfig(**{f.name: getattr(self, f.name) for f in fields(NCAConfig)})


@dataclass(frozen=True)
class TrainSettings:
    """How training runs: the same for every automaton, and not saved with it.

    fresh_every: iterations after which one state of the pool is replaced by a first state.
    snapshot_every: iterations between two snapshots; a run that diverged returns to the one before the last.
    overflow_weight: weight in the objective of states that leave [-1, 1].
    spoilt: a state whose largest |x| is above this after a rollout is replaced by a first state.
    last_rate: the learning rate falls along a cosine to this share of its first value.
    warm_up: iterations over which the learning rate rises at first; full steps from zero weights blow up.
    exploded: a texture loss above this counts as diverging; 1 is a flat picture.
    patience: diverging iterations in a row after which the run steps back.
    max_setbacks: steps back after which training gives up.
    save_every_s: seconds between two saves of the checkpoint.
    """

    fresh_every: int = 8
    snapshot_every: int = 25
    overflow_weight: float = 1.0
    spoilt: float = 1.5
    last_rate: float = 0.02
    warm_up: int = 50
    exploded: float = 30.0
    patience: int = 30
    max_setbacks: int = 12
    save_every_s: float = SAVE_EVERY_S


_STUDY = {
    "max_ca_steps": 40,
    "batch_size": 2,
    "learning_rate": 1e-5,
    "activation": "linear",
    "clamp": (0.0, 1.0),
}

PRESETS: dict[str, TrainConfig] = {
    "default": TrainConfig(channels=6, colours="map", learning_rate=6e-3),
    # 1.2 s of processor time for an iteration
    "quality": TrainConfig(channels=8, colours="map", hidden=96, size=128, max_ca_steps=64, iterations=1200),
    "compact": TrainConfig(channels=4, colours="map", activation="abs", learning_rate=2e-3, iterations=1200, pool=128),
    # Sets 5 and 8 of the first study of these hyperparameters, https://tanishagerg.github.io/SRNCA/pages/blogpost.html
    "blog-set5": TrainConfig(channels=15, hidden=96, filters=4, update_rate=0.559994317, **_STUDY),  # type: ignore[arg-type]
    "blog-set8": TrainConfig(channels=6, hidden=32, filters=6, update_rate=0.980292, **_STUDY),  # type: ignore[arg-type]
}


def preset(name: str) -> TrainConfig:
    """The named configuration. Raises InputError for an unknown name."""
    check_choice("preset", name, PRESETS)
    return PRESETS[name]
