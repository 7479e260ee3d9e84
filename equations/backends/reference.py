"""The slow, obvious backend: one step as the definition reads. All others are judged by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from equations.backends import State, Stepper
from equations.mask import update_mask
from equations.numeric import evaluate_tree
from equations.perception import perceive
from equations.rule import Rule
from equations.tree import to_tree


def make_stepper(rule: Rule, dtype: npt.DTypeLike = np.float32) -> Stepper:
    """A stepper of the rule in NumPy, computing in `dtype`."""

    def stepper(state: State, step0: int, n: int, seed: int) -> State:
        state = np.array(state, dtype)
        for index in range(n):
            state = step(rule, state, step=step0 + index, seed=seed)
        return state

    return stepper


def step(rule: Rule, state: npt.NDArray[Any], *, step: int, seed: int) -> npt.NDArray[Any]:
    """State (channel, h, w) → `clamp(s + dt · mask · f(perceive(s)))`, same shape and dtype."""
    features = dict(zip(rule.feature_names, perceive(state, rule.stencils), strict=True))
    shape = (state.shape[1], state.shape[2])
    channels = len(rule.channels) if rule.mask == "channel" else None
    on = update_mask(rule.update_rate, seed=seed, step=step, shape=shape, channels=channels)
    change = np.empty_like(state)
    with np.errstate(all="ignore"):  # a diverging rule is reported by the simulator, with its place
        for index, expr in enumerate(rule.expressions):
            change[index] = evaluate_tree(to_tree(expr), features)
        moved = np.where(on, state + rule.dt * change, state)
    return moved if rule.clamp is None else np.clip(moved, *rule.clamp)
