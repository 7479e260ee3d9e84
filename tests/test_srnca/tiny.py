"""Small pictures, automata and checkpoints that the tests of this folder share; nothing here takes a second."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from distill.refine import Settings
from equations import backends, simulation
from srnca.media.images import Target
from srnca.pages.settings import PageSettings
from srnca.texture import distill as texture_distill
from srnca.texture import quality
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.config import TrainConfig
from srnca.texture.network import NCA, NCAConfig

torch.set_num_threads(1)


def stripes(size: int = 16, period: int = 4) -> np.ndarray:
    """Two colours in horizontal stripes, (size, size, 3)."""
    rows = np.repeat(np.array([[0.9, 0.35, 0.1], [0.1, 0.25, 0.5]], np.float32), period // 2, axis=0)
    columns = np.tile(rows, (size // period, 1))[:, None]  # (size, 1, 3)
    return np.broadcast_to(columns, (size, size, 3)).copy()


def target(size: int = 16) -> Target:
    return Target("stripes", stripes(size))


def config(**changes: Any) -> TrainConfig:
    settings: dict[str, Any] = {
        "channels": 4, "hidden": 8, "filters": 4, "max_ca_steps": 4, "iterations": 8, "size": 16, "pool": 8,
    }  # fmt: skip
    return TrainConfig(**{**settings, **changes})


def calm(nca: NCA, seed: int = 0, strength: float = 0.04) -> NCA:
    """Give an automaton random weights under which states stay small: it forgets 20 % of itself a step."""
    c, filters = nca.config.channels, len(nca.perceive.stencils)
    random = torch.Generator().manual_seed(seed)
    wanted = strength * torch.randn(c, c * filters, generator=random)
    wanted[torch.arange(c), filters * torch.arange(c)] -= 0.2
    with torch.no_grad():
        if nca.config.activation == "abs":
            folded = strength * torch.randn(c, c * filters, generator=random)
            nca.weight.copy_(torch.cat([wanted, folded], dim=1))
            nca.bias.copy_(strength * torch.randn(c, generator=random))
        else:
            nca.weight.copy_(wanted @ torch.linalg.pinv(nca.hidden))
            if nca.config.activation == "relu":
                nca.bias.copy_(strength * torch.randn(nca.config.hidden, generator=random))
    return nca


def automaton(seed: int = 0, **settings: Any) -> NCA:
    settings = {"channels": 4, "hidden": 24, **settings}
    return calm(NCA(NCAConfig(**settings), seed=seed, colour=(0.5, 0.3, 0.3)), seed)


def checkpoint(seed: int = 0, size: int = 16, **changes: Any) -> Checkpoint:
    """An automaton that was not trained but moves, with stripes as its target."""
    made = config(size=size, **{"hidden": 24, **changes})
    pixels = stripes(size)
    nca = calm(NCA(made.nca, seed=seed, colour=pixels.mean(axis=(0, 1)).tolist()), seed)
    return Checkpoint(made, nca, pixels, [1.0, 0.5], 2, {"target": "stripes"})


def simulate_on_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` is torch here: the same numbers, without seconds of compiling for each rule."""
    known = backends.get_backend

    def get_backend(name: str = "auto") -> backends.Backend:
        return known("torch" if name == "auto" else name)

    monkeypatch.setattr(simulation, "get_backend", get_backend)


# Three small iterations a level, few steps, few states, young pictures.
SHORT_REFINEMENT = Settings(
    steps=(4, 8), pool=10, judge_seeds=2, ages=(20, 40), trial_steps=6, looks=2, rate=1e-6, iterations=1,
    least_iterations=3,
)  # fmt: skip

# A page that is made in a moment: small grids, and few steps beyond 40.
SHORT_PAGE = PageSettings(marks=(0, 20, 40), grown=40, large=24, large_steps=20, long=24, long_steps=50, long_marks=4)


def shorten_distillation(monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """The command line distils automata with these options besides its own; short ones where none are given."""
    options = {"refinement": SHORT_REFINEMENT, "page": SHORT_PAGE, "picture_steps": 40, **options}
    monkeypatch.setattr(texture_distill, "distill_checkpoint", partial(texture_distill.distill_checkpoint, **options))


def shorten_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line rates the automata that it has trained by pictures of this age."""
    monkeypatch.setattr(quality, "rate_automaton", partial(quality.rate_automaton, steps=10))
