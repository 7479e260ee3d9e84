"""The automaton of a recording as the teacher of a rule: asked where the recording and its own rollouts go."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from sympy import Expr
from torch import Tensor

from distill.identify.windows import Bounds, clean, raw_states
from distill.sampling import Samples, crowd
from equations.rule.init import Init
from equations.rule.rule import Display
from equations.rule.stencils import feature_names
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.network import look_alike

FRAMES = 24  # recorded states of each recording that it is asked about, and as many of its own rollout
DOUBT = 5.0  # cells that see what is rare are chosen on purpose: there the automaton is wrong by more than on average
FINEST = 3e-8  # share of a rate's variance: what adds less than this to the network's equations is not looked for
HELD_OUT = 5  # one state in this many is for judging


class RecordingNCATeacher:
    """Behind the protocol of `distill.teacher.Teacher`, arrays only.

    `samples` gives the states of the recording, cleaned of noise as training did it, and those of rollouts from the
    first states, with the automaton's rate on them: smooth and without noise. `Samples.rounding` is the automaton's own
    error, so that no term is taken for what is finer than the automaton knows.
    """

    def __init__(self, checkpoint: RecordingCheckpoint) -> None:
        self.checkpoint, self.nca = checkpoint, checkpoint.nca.cpu().eval()
        config = checkpoint.config
        self.channels, self.stencils, self.dt = config.channels, self.nca.stencils, config.dt
        self.clamp: tuple[float, float] | None = None
        self.update_rate = 1.0
        self.mask: Literal["cell", "channel"] = "cell"
        self.bounds = Bounds(checkpoint.footage, torch.device("cpu"))
        self.display: Display | None = self.nca.display
        with torch.no_grad():
            first = self.nca.begin(checkpoint.footage.frames[0][:1].transpose(0, 1).double())
        self.init: Init | None = look_alike(first, len(config.names))

    def update(self, perception: np.ndarray) -> np.ndarray:
        """Perception (n, features), channel-major -> rate (n, channels), before dt."""
        with torch.inference_mode():
            rows = torch.as_tensor(np.asarray(perception, np.float64).T)
            return self.nca.update(rows).T.numpy()

    def rollout(self, *, size: tuple[int, int], steps: int, seed: int, every: int) -> np.ndarray:
        """Frames (t, channel, h, w), float32, from the first frame of recording number `seed`; sizes are its own."""
        frames = self.checkpoint.footage.frames
        shown = frames[seed % len(frames)][:1].transpose(0, 1).double()
        with torch.inference_mode():
            state = self.nca.begin(shown)
            found = [state[:, 0]]
            for step in range(steps):
                state = self.nca(state)
                if (step + 1) % every == 0:
                    found.append(state[:, 0])
        return torch.stack(found).to(torch.float32).numpy()

    def closed_form(self) -> dict[str, Expr] | None:
        return None

    def samples(self, *, rows: int, seed: int) -> Samples:
        """About `rows` cells of all these states; every fifth state is held out."""
        rng = np.random.default_rng(seed)
        with torch.no_grad():
            states = self.states()
        share = max(2, -(-rows // len(states)))
        parts: dict[bool, list[tuple[np.ndarray, np.ndarray]]] = {False: [], True: []}
        for number, state in enumerate(states):
            x = self.nca.perceive(state).T.detach().numpy()
            y = self.update(x)
            chosen = _spread_out(x, min(share, len(x)), rng)
            parts[number % HELD_OUT == HELD_OUT // 2].append((x[chosen], y[chosen]))
        if not parts[True]:  # a state or two: judged by themselves
            parts[True] = parts[False]
        (X, Y), (X_held, Y_held) = (
            tuple(np.concatenate([part[side] for part in parts[held]]) for side in (0, 1)) for held in (False, True)
        )
        names = feature_names(self.channels, self.stencils)
        floor = np.maximum(np.square(DOUBT * self.errors()), FINEST * Y_held.var(axis=0))
        return Samples(X, Y, names, self.channels, X_held, Y_held, rounding=floor)

    def errors(self) -> np.ndarray:
        """Per channel what a rate is wrong by, root mean square; a hidden channel is its own truth."""
        hidden = len(self.channels) - len(self.checkpoint.error)
        return np.array([*self.checkpoint.error, *[0.0] * hidden])

    def states(self) -> list[Tensor]:
        """Recorded states and those of rollouts, each (channel, 1, h, w)."""
        footage, config = self.checkpoint.footage, self.checkpoint.config
        plain = self.checkpoint.gain == 1.0 and not config.hidden_channels
        recorded = raw_states(footage, self.nca.begin) if plain else self._cleaned()
        found = []
        for states in recorded:
            stride = -(-len(states) // FRAMES)
            found += [s[:, None] for s in states[::stride]]
            state = states[0][:, None]
            for number in range(1, len(states)):
                state = self.forecast(state)
                if not self._inside(state):
                    break
                if number % stride == 0:
                    found.append(state)
        return found

    def forecast(self, state: Tensor) -> Tensor:
        """From one frame to the next."""
        for _ in range(self.checkpoint.config.stride):
            state = self.nca(state)
        return state

    def _cleaned(self) -> tuple[Tensor, ...]:
        def ahead(state: Tensor) -> Tensor:
            return self.bounds(self.forecast(state))

        return clean(self.checkpoint.footage, ahead, self.nca.begin, self.checkpoint.gain)[0]

    def _inside(self, state: Tensor) -> bool:
        """Whether a rollout is still near what was recorded; beyond it the automaton knows nothing."""
        return bool(torch.equal(self.bounds(state), state))


def _spread_out(x: np.ndarray, share: int, rng: np.random.Generator) -> np.ndarray:
    """`share` rows: half at random, half where what a cell sees is rare."""
    chosen = rng.permutation(len(x))[: share - share // 2]
    free = np.ones(len(x), bool)
    free[chosen] = False
    rest = np.flatnonzero(free)
    keys = rng.gumbel(size=len(rest)) - np.log(crowd(x, rng)[rest])  # a draw with probability ∝ rarity
    return np.concatenate([chosen, rest[np.argsort(-keys, kind="stable")[: share // 2]]])
