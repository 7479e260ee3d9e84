"""Pool training of an NCA on one picture (recipe: Mordvintsev et al. 2020; Niklasson et al. 2021)."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from equations.errors import InputError, SrncaError
from equations.rule.init import make_state
from srnca.automata.resuming import checked_training, checking_training
from srnca.automata.saving import train_and_save, unfinished
from srnca.media.images import Target
from srnca.provenance import provenance
from srnca.texture.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from srnca.texture.colours import principal_colours
from srnca.texture.config import TrainConfig, TrainSettings
from srnca.texture.growing import Growing, normalised, state_threads
from srnca.texture.loss import TextureLoss, build_loss, logarithm
from srnca.texture.network import NCA
from srnca.texture.patches import PatchDistance

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainProgress:
    """What happened in one iteration.

    loss: texture loss, mean over the batch.
    seconds: since training began.
    note: a sentence for the user, where the run stepped back.
    rgb: the pictures of the batch, (batch, 3, h, w).
    nca: the network that is being trained: to be read, or copied, before the next iteration.
    """

    iteration: int
    iterations: int
    loss: float
    seconds: float
    note: str | None = None
    rgb: Tensor | None = None
    nca: NCA | None = None

    @property
    def last(self) -> bool:
        """Whether training is over."""
        return self.iteration >= self.iterations


def train(
    target: Target,
    config: TrainConfig,
    *,
    out: Path | None = None,
    resume: bool = False,
    device: str = "cpu",
    vgg_weights: Path | None = None,
    download: bool = False,
    progress: Callable[[TrainProgress], None] | None = None,
    settings: TrainSettings | None = None,
) -> Checkpoint:
    """Train on `target` (pixels (size, size, 3) in [0, 1]) and return the checkpoint, saved to `out` if given.

    `resume=True` goes on from `out` where it stopped, bit for bit on the same machine; it is an InputError if
    the file was made with another configuration or picture. Ctrl-C saves, then KeyboardInterrupt goes on up.
    settings: how training runs; the defaults of TrainSettings unless given.
    """
    if target.pixels.shape[0] != config.size:
        raise InputError(f"target: expected {config.size} pixels a side, got {target.pixels.shape[0]}")
    loss = build_loss(config.bank, target.pixels, vgg_weights=vgg_weights, download=download)
    run = _Run(target, config, loss, torch.device(device), vgg_weights, settings)
    if resume:
        run.restore(load_checkpoint(unfinished(out)))
    with state_threads(run.device, config.batch_size) as run.threads:
        return train_and_save(run, save_checkpoint, out, progress, run.settings.save_every_s)


class _Run:
    """The moving parts of one training: network, optimiser, pool, random stream, history."""

    def __init__(
        self,
        target: Target,
        config: TrainConfig,
        loss: TextureLoss,
        device: torch.device,
        weights: Path | None = None,
        settings: TrainSettings | None = None,
    ) -> None:
        self.config, self.target, self.device = config, target, device
        self.settings = settings or TrainSettings()
        self.weights = None if weights is None else str(weights.resolve())
        colour = target.pixels.mean(axis=(0, 1)).tolist()
        self.nca = NCA(config.nca, seed=config.seed, colour=colour, palette=principal_colours(target.pixels)).to(device)
        self.loss = loss.to(device)
        self.patches = PatchDistance(target.pixels).to(device) if loss.with_patches else None
        self.growing = Growing(self.nca, self.objective, excess=self.settings.overflow_weight)
        self.threads: ThreadPoolExecutor | None = None
        self.parameters = self.growing.parameters
        self.optimiser = torch.optim.Adam(self.parameters, lr=config.learning_rate)
        self.random = torch.Generator().manual_seed(config.seed)
        self.pool = torch.stack([self.fresh() for _ in range(config.pool)])
        self.history: list[float] = []
        self.iteration, self.slowdown, self.setbacks, self.bad = 0, 1.0, 0, 0
        self.started = time.monotonic()
        self.good = self.recent = self.state()
        self.before: dict[str, Any] | None = None  # the state before the iteration that is running

    def fresh(self) -> Tensor:
        """A first state (channel, h, w), each of its own noise."""
        seed = int(torch.randint(2**31, (), generator=self.random))
        return torch.from_numpy(make_state(self.nca.first_state, self.config.channels, (self.config.size,) * 2, seed))

    @property
    def done(self) -> bool:
        return self.iteration >= self.config.iterations

    def iterate(self) -> TrainProgress:
        self.before = self.state()
        happened, self.before = self._iterate(), None
        return happened

    def take_back(self) -> None:
        """Undo the iteration that Ctrl-C interrupted: a run cannot resume from half of one."""
        if self.before is not None:
            self.load(self.before)

    def _iterate(self) -> TrainProgress:
        c = self.config
        if self.iteration % self.settings.snapshot_every == 0 and not self.bad:
            self.good = self.recent  # the snapshot before the last: the last may already be diverging
            self.recent = self.state()
        chosen = torch.randperm(c.pool, generator=self.random)[: c.batch_size]
        batch = self.pool[chosen].to(self.device)
        if self.iteration % self.settings.fresh_every == 0:
            batch[0] = self.fresh().to(self.device)
        steps = int(torch.randint(max(1, c.max_ca_steps // 2), c.max_ca_steps + 1, (), generator=self.random))
        grown = self.growing(batch, steps, int(torch.randint(2**31, (), generator=self.random)), self.threads)
        value = float(grown.texture.mean())
        self.bad = self.bad + 1 if value > self.settings.exploded else 0
        if self.bad >= self.settings.patience or not np.isfinite(value):
            return self.step_back(value)
        self.learn(grown.gradients)
        self.pool = self.pool.index_copy(0, chosen, grown.states.cpu())  # a new tensor: saved states share the old one
        for index in chosen[self.pool[chosen].abs().amax(dim=(1, 2, 3)) > self.settings.spoilt]:
            self.pool[index] = self.fresh()
        self.history.append(value)
        self.iteration += 1
        seconds = time.monotonic() - self.started
        return TrainProgress(self.iteration, c.iterations, value, seconds, rgb=grown.rgb, nca=self.nca)

    def objective(self, rgb: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """The training objective and the texture loss, both (batch,)."""
        texture = self.loss(rgb)
        wanted = logarithm(texture if self.patches is None else texture + self.patches(rgb, random))
        if self.config.l1:
            wanted = wanted + self.config.l1 * self.nca.first_layer.abs().mean()
        return wanted, texture

    def learn(self, gradients: Sequence[Tensor]) -> None:
        for p, gradient in zip(self.parameters, normalised(gradients), strict=True):
            p.grad = gradient
        done = self.iteration / self.config.iterations
        last = self.settings.last_rate
        decay = last + (1 - last) * 0.5 * (1 + math.cos(math.pi * done))
        warm = min(1.0, (self.iteration + 1) / self.settings.warm_up)
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * warm * decay * self.slowdown
        self.optimiser.step()

    def step_back(self, value: float) -> TrainProgress:
        """The loss exploded: return to the last good state with half the learning rate."""
        if (setbacks := self.setbacks + 1) > self.settings.max_setbacks:
            raise SrncaError(
                f"training diverged {setbacks} times, last at iteration {self.iteration}; "
                f"try a smaller --learning-rate than {self.config.learning_rate:g} or a shorter --max-ca-steps"
            )
        slowdown, at = self.slowdown * 0.5, self.iteration
        self.load(self.good)
        self.recent, self.slowdown, self.setbacks, self.bad = self.good, slowdown, setbacks, 0
        self.random.manual_seed(self.config.seed + 1000 * self.setbacks)  # not the same draws again
        note = (
            f"loss {value:.3g} at iteration {at}: back to iteration {self.iteration}, "
            f"learning rate {self.config.learning_rate * slowdown:.2g}"
        )
        log.warning(note)
        return TrainProgress(self.iteration, self.config.iterations, value, time.monotonic() - self.started, note)

    def state(self) -> dict[str, Any]:
        """Plain data from which the run can resume, bit for bit."""
        return {
            "weights": {k: v.detach().cpu().clone() for k, v in self.nca.state_dict().items()},
            "optimiser": copy.deepcopy(self.optimiser.state_dict()),
            "pool": self.pool,
            "random": self.random.get_state(),
            "history": len(self.history),
            "iteration": self.iteration,
            "slowdown": self.slowdown,
            "setbacks": self.setbacks,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.nca.load_state_dict(state["weights"])
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
        self.pool = state["pool"]
        self.random.set_state(state["random"])
        del self.history[state["history"] :]
        self.iteration, self.slowdown, self.setbacks = state["iteration"], state["slowdown"], state["setbacks"]

    def restore(self, checkpoint: Checkpoint) -> None:
        if checkpoint.config != self.config or not (checkpoint.target == self.target.pixels).all():
            raise InputError(
                "resume: the checkpoint was made with other settings or another picture; "
                "give the same ones, or start anew with another --out"
            )
        if not checkpoint.training:
            self.nca.load_state_dict(checkpoint.nca.state_dict())
            self.history, self.iteration = list(checkpoint.history), checkpoint.iteration
            return
        self.history = list(checkpoint.history)
        with checking_training():
            self.load(checked_training(checkpoint.training, self.state(), {"optimiser": self.optimiser}))
            if self.iteration != len(self.history) or not 0 < self.slowdown <= 1:
                raise InputError("its parts do not fit each other")
        self.good = self.recent = self.state()

    def checkpoint(self, *, finished: bool = False) -> Checkpoint:
        return Checkpoint(
            config=self.config,
            nca=self.nca,
            picture=self.target.pixels,
            history=list(self.history),
            iteration=self.iteration,
            provenance=provenance(target=self.target.name, notes=list(self.target.notes), vgg_weights=self.weights),
            training={} if finished else self.state(),
        )

    def finish(self) -> Checkpoint:
        return self.checkpoint(finished=True)
