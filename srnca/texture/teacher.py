"""A trained automaton as the teacher of a rule."""

from __future__ import annotations

import numpy as np
import torch
from sympy import Expr

from equations.backends.torch.mask import update_mask_torch
from equations.expressions import build
from equations.expressions.terms import join_terms
from equations.rule.init import Init, make_state
from equations.rule.mask import threshold
from equations.rule.rule import Display
from equations.rule.stencils import feature_names
from equations.rule.symbols import symbol
from srnca.texture.checkpoint import Checkpoint

FULL = threshold(1.0)


class NCATeacher:
    """The automaton of a checkpoint behind the protocol of `distill.teacher.Teacher`: arrays only.

    Rollouts draw the update mask from the counter hash, so a rule with the same seed sees the same mask.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.nca = checkpoint.nca.cpu().eval()
        config = self.nca.config
        self.channels = config.names
        self.stencils = self.nca.perceive.stencils
        self.dt = 1.0
        self.clamp = config.clamp
        self.update_rate = config.update_rate
        self.mask = config.mask
        self.init: Init | None = self.nca.first_state
        self.display: Display | None = self.nca.display

    def pictures(self, states: np.ndarray) -> np.ndarray:
        """States (n, channel, h, w) -> what they show, (n, h, w, 3); not clipped."""
        with torch.inference_mode():
            return self.nca.pictures(torch.from_numpy(states)).permute(0, 2, 3, 1).contiguous().numpy()

    def update(self, perception: np.ndarray) -> np.ndarray:
        """Perception (n, channels * filters), channel-major -> update (n, channels), before the mask."""
        with torch.inference_mode():
            rows = torch.as_tensor(np.asarray(perception, np.float32)).T[None, :, :, None]  # (1, features, n, 1)
            return self.nca.update(rows)[0, :, :, 0].T.numpy()

    def rollout(self, *, size: tuple[int, int], steps: int, seed: int, every: int) -> np.ndarray:
        """Frames (t, channel, h, w), float32: step 0 and every `every`-th step after it."""
        state = torch.from_numpy(make_state(self.nca.first_state, len(self.channels), size, seed))[None]
        frames = [state[0].numpy()]
        with torch.inference_mode():
            for step in range(steps):
                state = self.nca(state, self.step_mask(size, seed, step))
                if (step + 1) % every == 0:
                    frames.append(state[0].numpy())
        return np.stack(frames)

    def step_mask(self, size: tuple[int, int], seed: int, step: int) -> torch.Tensor | None:
        """The mask (1, 1 or channel, h, w) of one step as zeros and ones; None when every cell steps."""
        if threshold(self.update_rate) >= FULL:
            return None
        channels = len(self.channels) if self.mask == "channel" else None
        on = update_mask_torch(self.update_rate, seed=seed, step=step, shape=size, channels=channels)
        return on.to(torch.float32).reshape(1, -1, *size)

    def closed_form(self) -> dict[str, Expr] | None:
        """The network's algebra when it is linear or built on absolute values; None for a ReLU network."""
        nca, names = self.nca, feature_names(self.channels, self.stencils)
        if nca.config.activation == "relu":
            return None
        bases: list[Expr] = [symbol(name) for name in names]
        if nca.config.activation == "linear":
            inner = torch.cat([nca.hidden, nca.bias[:, None]], dim=1).double()
            weights = (nca.weight.double() @ inner).tolist()
        else:
            weights = torch.cat([nca.weight, nca.bias[:, None]], dim=1).double().tolist()
            bases += [abs(basis) for basis in bases]
        bases.append(symbol(names[0]) ** 0)
        return {
            channel: join_terms(list(zip(row, bases, strict=True)))
            for channel, row in zip(self.channels, weights, strict=True)
        }

    def long_form(self) -> dict[str, Expr] | None:
        """A ReLU network as the sum of its hidden units: exact, but too long to read. None for other networks."""
        nca, names = self.nca, feature_names(self.channels, self.stencils)
        if nca.config.activation != "relu":
            return None
        bases = [*map(symbol, names), symbol(names[0]) ** 0]
        inner = torch.cat([nca.hidden, nca.bias[:, None]], dim=1).double().tolist()
        units = [build.relu(join_terms(list(zip(row, bases, strict=True)))) for row in inner]
        return {
            channel: join_terms(list(zip(row, units, strict=True)))
            for channel, row in zip(self.channels, nca.weight.double().tolist(), strict=True)
        }
