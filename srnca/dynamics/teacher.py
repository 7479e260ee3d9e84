"""The automaton of a recording as the teacher of a rule, on states of the recording and of its own rollouts."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from sympy import Expr
from torch import Tensor

from distill.identify.windows import Bounds, clean, raw_states
from distill.sampling import Samples, crowd, join_samples
from equations.backends import Real
from equations.rule.init import Init, make_state
from equations.rule.rule import Display
from srnca.automata.stepping import roll_out
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.network import look_alike

FRAMES = 24  # states that are taken of each recording, and as many of a rollout beside it
DOUBT = 5.0  # factor on the network's error: rare cells are sampled on purpose, and errors are larger there
FINEST = 3e-8  # share of the variance of a rate: smaller residuals are not fitted
HELD_OUT = 5  # one state in this many is held out


class RecordingNCATeacher:
    """The automaton behind the protocol of `distill.teacher.Teacher`.

    `samples` takes states of the recording, filtered of noise as in training, and of rollouts from its first states,
    with the automaton's rate on them, which has no noise. `Samples.rounding` is the automaton's own error, so that no
    term is fitted to details below it.
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
        self._noise = look_alike(first)
        self.init: Init | None = self._noise
        self.dtype: Real = "float64"
        self.dx = config.dx
        self.numbers = 3 * config.features + 8 * config.hidden

    def update(self, perception: np.ndarray) -> np.ndarray:
        """Perception (n, features), channel-major -> rate (n, channels), before dt."""
        with torch.inference_mode():
            rows = torch.as_tensor(np.asarray(perception, np.float64).T)
            return self.nca.update(rows).T.numpy()

    def rollout(self, *, size: tuple[int, int], steps: int, seed: int, every: int) -> np.ndarray:
        """Frames (t, channel, h, w), float32, from the first frame of recording number `seed`; sizes are its own."""
        return roll_out(self, self.first_state(self.usual_size(seed), seed), steps=steps, seed=seed, every=every)

    def usual_size(self, seed: int) -> tuple[int, int]:
        """(h, w) of recording number `seed`."""
        height, width = self._recording(seed).shape[2:]
        return height, width

    def first_state(self, size: tuple[int, int], seed: int) -> np.ndarray:
        """The first frame of recording number `seed`; for other sizes than its own, noise that looks like one."""
        if size == self.usual_size(seed):
            with torch.no_grad():
                return self.nca.begin(self._recording(seed)[:1].transpose(0, 1).double())[:, 0].numpy()
        return make_state(self._noise, len(self.channels), size, seed).astype(self.dtype)

    def advance(self, state: Tensor, rows: Tensor, seed: int, step: int) -> Tensor:
        """See `srnca.automata.stepping.Network.advance`. There is no mask, so rows, seed and step do not matter."""
        return self.nca(state[:, None])[:, 0]

    def _recording(self, seed: int) -> Tensor:
        """Frames (t, channel, h, w)."""
        frames = self.checkpoint.footage.frames
        return frames[seed % len(frames)]

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
        samples = join_samples(self, parts)
        floor = np.maximum(np.square(DOUBT * self.errors()), FINEST * samples.Y_held.var(axis=0))
        return replace(samples, rounding=floor)

    def errors(self) -> np.ndarray:
        """Root mean square error of the rate of each channel; 0 for hidden channels, which nothing is compared with."""
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
        """The state one frame later."""
        for _ in range(self.checkpoint.config.stride):
            state = self.nca(state)
        return state

    def _cleaned(self) -> tuple[Tensor, ...]:
        def ahead(state: Tensor) -> Tensor:
            return self.bounds(self.forecast(state))

        return clean(self.checkpoint.footage, ahead, self.nca.begin, self.checkpoint.gain)[0]

    def _inside(self, state: Tensor) -> bool:
        """Whether a state is within the bounds of the recording, outside of which the automaton was not trained."""
        return bool(torch.equal(self.bounds(state), state))


def _spread_out(x: np.ndarray, share: int, rng: np.random.Generator) -> np.ndarray:
    """`share` rows: half at random, half with rare features."""
    chosen = rng.permutation(len(x))[: share - share // 2]
    free = np.ones(len(x), bool)
    free[chosen] = False
    rest = np.flatnonzero(free)
    keys = rng.gumbel(size=len(rest)) - np.log(crowd(x, rng)[rest])  # a draw with probability ∝ rarity
    return np.concatenate([chosen, rest[np.argsort(-keys, kind="stable")[: share // 2]]])
