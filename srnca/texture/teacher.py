"""A trained automaton as the teacher of a rule."""

from __future__ import annotations

import numpy as np
import torch
from sympy import Expr
from torch import Tensor

from equations.backends import Real
from equations.backends.torch.mask import update_mask_torch
from equations.expressions import build
from equations.expressions.terms import join_terms
from equations.rule.init import Init, make_state
from equations.rule.mask import threshold
from equations.rule.rule import Display
from equations.rule.stencils import feature_names
from equations.rule.symbols import symbol
from srnca.automata.stepping import roll_out
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
        self.dtype: Real = "float32"
        self.dx = 1.0
        self.numbers = 3 * config.channels * config.filters + 2 * config.hidden

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
        return roll_out(self, self.first_state(size, seed), steps=steps, seed=seed, every=every)

    def usual_size(self, seed: int) -> tuple[int, int] | None:
        """None: the automaton runs on grids of any size."""
        return None

    def first_state(self, size: tuple[int, int], seed: int) -> np.ndarray:
        """The noise or the square that the automaton was trained to start from."""
        return make_state(self.nca.first_state, len(self.channels), size, seed)

    def advance(self, state: Tensor, rows: Tensor, seed: int, step: int) -> Tensor:
        """See `srnca.automata.stepping.Network.advance`."""
        return self.nca(state[None], self._mask_at(rows, state.shape[2], seed, step))[0]

    def step_mask(self, size: tuple[int, int], seed: int, step: int) -> Tensor | None:
        """The mask (1, 1 or channel, h, w) of one step as zeros and ones; None when every cell steps."""
        return self._mask_at(torch.arange(size[0], dtype=torch.int32), size[1], seed, step)

    def _mask_at(self, rows: Tensor, width: int, seed: int, step: int) -> Tensor | None:
        if threshold(self.update_rate) >= FULL:
            return None
        shape = (len(rows), width)
        channels = len(self.channels) if self.mask == "channel" else None
        on = update_mask_torch(self.update_rate, seed=seed, step=step, shape=shape, channels=channels, rows=rows)
        return on.to(torch.float32).reshape(1, -1, *shape)

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
