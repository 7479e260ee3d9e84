"""Small teachers and samples that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distill.sampling import Samples
from distill.teacher import RuleTeacher
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import compile_numpy
from equations.perception import perceive
from equations.rule.init import Init, make_state
from equations.rule.rule import Display, Rule
from equations.rule.stencils import feature_names, nca_stencils

GRAY_SCOTT = {
    "u": "0.16*u_lap - u*v^2 + 0.035*(1 - u)",
    "v": "0.08*v_lap + u*v^2 - 0.1*v",
}


def planted(updates: dict[str, str], *, filters: int = 4, **settings: object) -> Rule:
    """A rule from infix text, seen through the first NCA stencils."""
    channels, stencils = tuple(updates), nca_stencils(filters)
    names = feature_names(channels, stencils)
    return Rule(
        channels=channels,
        stencils=stencils,
        updates={channel: parse_infix(text, names) for channel, text in updates.items()},
        **settings,  # type: ignore[arg-type]
    )


def gray_scott(filters: int = 4) -> Rule:
    return planted(
        GRAY_SCOTT,
        filters=filters,
        init=Init("square", background=(1.0, 0.0), amplitude=(0.02, 0.02), square=(0.5, 0.25), square_fraction=0.5),
        display=Display(("v",)),
    )


def hidden(rule: Rule) -> RuleTeacher:
    return RuleTeacher(rule, hide=True)


def drawn(updates: dict[str, str], rows: int = 1500, *, filters: int = 4, noise: float = 0.0, seed: int = 0) -> Samples:
    """Samples of a planted rule on normal perceptions, a third as many held out."""
    rule = planted(updates, filters=filters)
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows + rows // 3, len(rule.feature_names)))
    Y = compile_numpy(rule.expressions, rule.feature_names)(X.T).T
    Y = Y + noise * rng.normal(size=Y.shape)
    return Samples(X[:rows], Y[:rows], rule.feature_names, rule.channels, X[rows:], Y[rows:])


class Network:
    """A random one-hidden-layer ReLU automaton in NumPy: a teacher without a closed form."""

    def __init__(self, channels: Sequence[str] = ("r", "g", "b", "h3"), hidden: int = 12, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        n = len(channels)
        self.channels, self.stencils = tuple(channels), nca_stencils(4)
        self.dt, self.clamp, self.update_rate, self.mask = 1.0, (-1.0, 1.0), 1.0, "cell"
        self.init = Init("noise", background=(0.0,) * n, amplitude=(0.2,) * n)
        self.display = Display(self.channels[:3])
        self.first = (0.6 * rng.normal(size=(hidden, 4 * n))).astype(np.float32)
        self.last = (0.15 * rng.normal(size=(n, hidden))).astype(np.float32)

    def update(self, perception: np.ndarray) -> np.ndarray:
        return np.maximum(perception @ self.first.T, 0) @ self.last.T - 0.3 * perception[:, ::4]

    def rollout(self, *, size: tuple[int, int], steps: int, seed: int, every: int) -> np.ndarray:
        state = make_state(self.init, len(self.channels), size, seed)
        frames = [state]
        for step in range(1, steps + 1):
            seen = perceive(state, self.stencils)
            delta = self.update(seen.reshape(len(seen), -1).T).T.reshape(state.shape)
            state = np.clip(state + delta, -1, 1).astype(np.float32)
            if step % every == 0:
                frames.append(state)
        return np.stack(frames)

    def closed_form(self) -> None:
        return None
