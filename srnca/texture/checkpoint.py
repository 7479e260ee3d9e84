"""`snake.pt`: one plain dict, readable with `torch.load(weights_only=True)`, written atomically."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from equations.errors import InputError, shorten_text
from srnca.automata import fields, kinds
from srnca.automata.files import RECORDING, build_from, is_legacy, read_kind, record_of, write_checkpoint
from srnca.texture.config import TrainConfig
from srnca.texture.legacy import read_legacy
from srnca.texture.network import NCA

_KEYS = ("config", "weights", "stencils", "target", "history", "iteration", "provenance")


@dataclass
class Checkpoint:
    """A trained automaton, with its configuration and the record of its training.

    picture: what it was trained on, (size, size, 3) float32 in [0, 1]; None for a legacy file, which holds none.
    history: training loss of every iteration so far.
    provenance: name of the picture, versions, platform and date.
    training: what an unfinished run needs to resume (optimiser, pool, random stream); empty once it is finished.
    """

    config: TrainConfig
    nca: NCA
    picture: np.ndarray | None
    history: list[float] = field(default_factory=list)
    iteration: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> np.ndarray:
        """The picture, for callers that need one. Raises InputError where there is none."""
        if self.picture is None:
            raise InputError(
                "a legacy checkpoint holds no picture: there is nothing to train on, and no texture to compare with; "
                "it can be distilled, which gives its exact rule"
            )
        return self.picture


def save_checkpoint(checkpoint: Checkpoint, path: Path | str) -> None:
    """Write atomically: a killed process leaves the old file or the new one, never half of one."""
    own = {"target": torch.from_numpy(checkpoint.target)}
    write_checkpoint(path, checkpoint, checkpoint.nca.perceive.stencils, {"config": checkpoint.config.to_dict()}, own)


def load_checkpoint(path: Path | str, *, update_rate: float | None = None) -> Checkpoint:
    """Read a checkpoint. Nothing in the file is executed: tensors and plain data only.

    update_rate: only for a legacy file (`srnca.texture.legacy`), which does not hold it; 0.5 by default.
    Raises InputError when the file is missing, cut short, a pickle of something else, or of another format.
    """
    kind, data = read_kind(path)
    if kind == RECORDING:
        raise InputError(
            f"{path}: expected an automaton that was trained on a picture, this one was trained on a recording: it has "
            "no texture; its rule comes from `srnca distill --checkpoint`"
        )
    return make_checkpoint(Path(path), data, update_rate)


def make_checkpoint(path: Path, data: dict[str, Any], update_rate: float | None = None) -> Checkpoint:
    """The checkpoint in a file's data. Arguments and errors as in `load_checkpoint`; path: for the messages."""
    if is_legacy(data):
        return _load_legacy(path, data, update_rate)
    if update_rate is not None:
        raise InputError(f"{path}: expected an update rate for legacy checkpoints only, this one is not; leave it out")
    return build_from(path, data, _KEYS, _build)


def _load_legacy(path: Path, data: dict[str, Any], update_rate: float | None) -> Checkpoint:
    try:
        config, nca = read_legacy(data, update_rate)
    except (InputError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: {shorten_text(str(error), 300)}") from error
    origin = {"format": "legacy", "file": path.name, "update_rate": config.update_rate}
    return Checkpoint(config, nca, None, provenance=origin)


def _build(data: dict[str, Any]) -> Checkpoint:
    config = TrainConfig(**kinds.settings(TrainConfig, data))
    stencils, weights = fields.stencils(data, config.filters), fields.weights(data)
    target = fields.numbers(data["target"], "target", (config.size, config.size, 3)).to(torch.float32).numpy()
    nca = NCA(config.nca, stencils=stencils, colour=target.mean(axis=(0, 1)).tolist())
    fields.put_weights(nca, weights)
    return Checkpoint(config, nca, target, **record_of(data))
