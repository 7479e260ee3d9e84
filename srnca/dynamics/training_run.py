"""A training run on a recording: network, optimiser, windows, history, and a state to resume from bit for bit."""

from __future__ import annotations

import copy
import math
import time
from typing import Any

import torch
from torch import Tensor

from distill.identify.footage import Footage
from distill.identify.windows import Batch, Bounds, States, cleanest, gather, raw_states
from equations.errors import InputError, SrncaError
from srnca.automata.resuming import checked_training, checking_training
from srnca.dynamics.checkpoint import STORED, RecordingCheckpoint
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.held_out import held_out_error
from srnca.dynamics.horizons import RecordingProgress, Stage, stages_of
from srnca.dynamics.network import RecordingNCA
from srnca.dynamics.newton import FIRST_DAMPING, Newton, decay_for, rollout_loss
from srnca.provenance import provenance

FIRST_ITERATIONS = 8  # most iterations of Gauss-Newton in a stage whose steps are longer than the automaton's own
LATER_ITERATIONS = 25  # the same for other stages
STALLED, WITHIN = 0.93, 5  # a stage ends when 5 iterations lower the loss by less than 7 %
CLIP = 1.0  # norm of Adam's gradient
LAST_RATE = 0.02  # its learning rate falls along a cosine to this share of the first


class TrainingRun:
    """The state of a run. What a stage does depends only on its number and the weights that it began with."""

    def __init__(self, footage: Footage, config: DynamicsConfig, device: torch.device, origin: dict[str, Any]) -> None:
        self.footage, self.config, self.device, self.origin = footage, config, device, origin
        self.excerpt = footage.excerpt(STORED)
        self.stages = stages_of(config, footage.longest)
        self.nca = RecordingNCA(config, seed=config.seed)
        self.nca.fit_scaling(_some_states(footage), footage.change / footage.dt)
        self.nca.to(device)
        self.bounds = Bounds(footage, device)
        self._units = {k: footage.change_over(k) for k in range(1, max(s.frames for s in self.stages) + 1)}
        self.newton = Newton(self.nca, self.bounds, self._units.__getitem__)
        self.parameters = [p for p in self.nca.parameters() if p.numel()]
        self.adam = torch.optim.Adam(self.parameters, lr=config.learning_rate)
        self.history: list[float] = []
        self.stage, self.in_stage, self.gain = 0, 0, 1.0
        self.began = self._weights()  # of this stage
        self.batches: list[Batch] = []
        self.done = False
        self.started = time.monotonic()
        self.before: dict[str, Any] | None = None

    @property
    def iteration(self) -> int:
        return len(self.history)

    def iterate(self) -> RecordingProgress:
        self.before = self.state()
        if not self.batches:
            self._prepare()
        stage = self.stages[self.stage]
        dt = self.footage.dt / stage.inner
        random = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.iteration)
        value = self._newton(stage, dt, random) if self.config.newton else self._adam(stage, dt)
        self.history.append(value)
        self.in_stage += 1
        picture = self._picture(stage, dt)
        if self._over(value, stage):
            self._next()
        self.before = None
        horizon, seconds = stage.frames * stage.inner, time.monotonic() - self.started
        return RecordingProgress(
            self.iteration, self.config.most_iterations, value, horizon, seconds, self.done, picture
        )

    def take_back(self) -> None:
        """Undo the iteration that Ctrl-C hit in the middle."""
        if self.before is not None:
            self.load(self.before)

    def _newton(self, stage: Stage, dt: float, random: torch.Generator) -> float:
        latest = self.history[-1] if self.history else 1.0
        value = self.newton.step(self.batches, stage.inner, dt, decay_for(latest), random)
        if value is None:
            self.in_stage = LATER_ITERATIONS  # no step lowers the loss: end the stage
            value = self.newton.loss(self.batches, stage.inner, dt)
        if not math.isfinite(value):
            raise SrncaError(f"training diverged at iteration {self.iteration}; try a shorter --max-ca-steps")
        return value

    def _adam(self, stage: Stage, dt: float) -> float:
        self.adam.zero_grad()
        loss = rollout_loss(self.nca, self.batches, stage.inner, dt, self.bounds, self._units.__getitem__)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        done = self.iteration / self.config.most_iterations
        for group in self.adam.param_groups:
            group["lr"] = self.config.learning_rate * (
                LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))
            )
        self.adam.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise SrncaError(f"training diverged at iteration {self.iteration}; try a smaller --learning-rate")
        return value

    def _over(self, value: float, stage: Stage) -> bool:
        """Whether this stage is over: out of iterations, or the loss has stalled."""
        if self.iteration >= self.config.most_iterations:
            return True
        if not self.config.newton:
            return self.in_stage >= -(-self.config.most_iterations // len(self.stages))
        if self.in_stage >= (FIRST_ITERATIONS if stage.inner < self.config.stride else LATER_ITERATIONS):
            return True
        return self.in_stage > WITHIN and value > STALLED * self.history[-1 - WITHIN]

    def _next(self) -> None:
        if self.iteration >= self.config.most_iterations or self.stage + 1 == len(self.stages):
            self.done = True
            return
        self.stage, self.in_stage, self.batches = self.stage + 1, 0, []
        self.newton.damping = FIRST_DAMPING
        self.began = self._weights()

    def _prepare(self) -> None:
        """Draw the windows of this stage and the states they start from, with the weights that the stage began with."""
        stage, now = self.stages[self.stage], self._weights()
        self._set(self.began)
        count = max(2, round(self.config.batch_size / math.sqrt(stage.frames)))
        random = torch.Generator().manual_seed(self.config.seed * 1009 + self.stage)
        windows = self.footage.draw(stage.frames, count, random)
        self.batches = gather(self.footage, self.states(stage), windows, stage.frames, self.device)
        self._set(now)

    def states(self, stage: Stage) -> States:
        """States to start from: the frames, or filtered ones once steps are as short as the automaton's own."""
        with torch.no_grad():
            wanted = self.config.denoise or self.config.hidden_channels
            if not wanted or stage.inner < self.config.stride or self.stage == 0:
                return raw_states(self.footage, lambda s: self.nca.begin(s.to(self.device)).cpu())
            states, self.gain = cleanest(self.footage, self.forecast, self.begin)
            return states

    def begin(self, shown: Tensor) -> Tensor:
        return self.nca.begin(shown.to(self.device)).cpu()

    @torch.no_grad()
    def forecast(self, state: Tensor) -> Tensor:
        """The state one frame later."""
        state = state.to(self.device)
        for _ in range(self.config.stride):
            state = self.bounds(self.nca(state, self.footage.dt / self.config.stride))
        return state.cpu()

    @torch.no_grad()
    def _picture(self, stage: Stage, dt: float) -> tuple[Tensor, Tensor, Tensor]:
        batch = self.batches[0]
        state = batch.first[:, :1]
        for _ in range(stage.frames * stage.inner):
            state = self.bounds(self.nca(state, dt))
        low, high = self.bounds.low[0], self.bounds.high[0]
        third = (high - low) / 3  # the bounds span three times the recorded range
        wanted, got = (((s - low) / third - 1)[0].cpu() for s in (batch.later[-1][0, :1], state[0, :1]))
        return wanted, got, got - wanted

    def _weights(self) -> dict[str, Tensor]:
        return {k: v.detach().cpu().clone() for k, v in self.nca.state_dict().items()}

    def _set(self, weights: dict[str, Tensor]) -> None:
        self.nca.load_state_dict(weights)

    def state(self) -> dict[str, Any]:
        """Plain data from which the run resumes exactly."""
        return {
            "weights": self._weights(),
            "began": self.began,
            "adam": copy.deepcopy(self.adam.state_dict()),
            "damping": self.newton.damping,
            "stage": self.stage,
            "in_stage": self.in_stage,
            "gain": self.gain,
            "done": self.done,
            "history": len(self.history),
        }

    def load(self, state: dict[str, Any]) -> None:
        self._set(state["weights"])
        self.began = state["began"]
        self.adam.load_state_dict(copy.deepcopy(state["adam"]))
        self.newton.damping = float(state["damping"])
        self.batches = []
        self.stage, self.in_stage, self.gain = int(state["stage"]), int(state["in_stage"]), float(state["gain"])
        del self.history[state["history"] :]
        self.done = bool(state["done"])

    def check_same(self, before: RecordingCheckpoint) -> None:
        if before.config != self.config or before.provenance.get("fingerprint") != self.footage.fingerprint():
            raise InputError(
                "resume: the checkpoint was made with other settings or another recording; "
                "give the same ones, or start anew with another --out"
            )

    def restore(self, before: RecordingCheckpoint) -> None:
        self.history = list(before.history)
        with checking_training():
            self.load(checked_training(before.training, self.state(), {"adam": self.adam}))
            known = 0 <= self.stage < len(self.stages) and self.newton.damping > 0
            if not known or len(self.history) != before.iteration:
                raise InputError("its parts do not fit each other")

    def checkpoint(self, training: dict[str, Any] | None = None, error: tuple[float, ...] = ()) -> RecordingCheckpoint:
        kept = sum(f.numel() for f in self.excerpt.frames) / sum(f.numel() for f in self.footage.frames)
        origin = {**self.origin, "fingerprint": self.footage.fingerprint(), "stored": round(kept, 4)}
        return RecordingCheckpoint(
            config=self.config,
            nca=self.nca,
            footage=self.excerpt,
            error=error,
            gain=self.gain,
            history=list(self.history),
            iteration=self.iteration,
            provenance=provenance(**origin),
            training=self.state() if training is None else training,
        )

    def finish(self) -> RecordingCheckpoint:
        """The checkpoint with normalisation folded into the weights, and with the held-out error."""
        self.nca.fold()
        self.nca.cpu()
        self.bounds = Bounds(self.footage, torch.device("cpu"))
        self.device = torch.device("cpu")
        error = held_out_error(self.footage, self.config, self.forecast, self.begin, self.gain)
        return self.checkpoint(training={}, error=error)


def _some_states(footage: Footage) -> Tensor:
    """Frames for the normalisation, (channel, batch, h, w), of the first recording's size."""
    shape = footage.frames[0].shape[2:]
    same = torch.cat([f for f in footage.frames if f.shape[2:] == shape])
    return same[:: max(1, len(same) // 32)].transpose(0, 1).double()
