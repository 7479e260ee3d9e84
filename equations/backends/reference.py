"""The reference backend in NumPy: slow, and written exactly as a step is defined. All others are compared with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from equations.backends import BlockStepper, State, Stepper
from equations.divergence import check_finite
from equations.expressions.numeric import evaluate_tree
from equations.expressions.tree import to_tree
from equations.perception import pad_periodic, respond
from equations.rule.mask import update_mask_at
from equations.rule.rule import Rule


def make_stepper(rule: Rule, dtype: npt.DTypeLike = np.float32, *, threads: int | None = None) -> Stepper:
    """A stepper of the rule in NumPy, computing in `dtype`; it has one thread and needs no scratch."""

    def stepper(state: State, step0: int, n: int, seed: int, scratch: State | None = None) -> State:
        state = np.array(state, dtype)
        for index in range(n):
            state = step(rule, state, step=step0 + index, seed=seed)
            check_finite(rule, state, step0 + index + 1)
        return state

    return stepper


def make_block_stepper(rule: Rule, dtype: npt.DTypeLike = np.float32, *, threads: int | None = None) -> BlockStepper:
    """A stepper of one block of a larger grid; with each step the padding becomes one ring narrower."""

    def block(
        padded: State, ys: State, xs: State, step0: int, n: int, seed: int, scratch: State | None = None
    ) -> State:
        padded = np.array(padded, dtype)
        for index in range(n):
            ys, xs = ys[1:-1], xs[1:-1]
            padded = _advance(rule, padded, ys, xs, step=step0 + index, seed=seed)
            check_finite(rule, padded, step0 + index + 1, ys, xs)
        return padded

    return block


def step(rule: Rule, state: npt.NDArray[Any], *, step: int, seed: int) -> npt.NDArray[Any]:
    """State (channel, h, w) → `clamp(s + dt · mask · f(perceive(s)))`, same shape and dtype."""
    ys, xs = (np.arange(length, dtype=np.uint32) for length in state.shape[1:])
    return _advance(rule, pad_periodic(state), ys, xs, step=step, seed=seed)


def _advance(rule: Rule, padded: State, ys: State, xs: State, *, step: int, seed: int) -> npt.NDArray[Any]:
    """Padded (channel, h+2, w+2) → (channel, h, w); ys (h,), xs (w,) are rows and columns in the whole grid."""
    state = padded[:, 1:-1, 1:-1]
    responses = [respond(channel, stencil) for channel in padded for stencil in rule.stencils]
    features = dict(zip(rule.feature_names, responses, strict=True))
    channels = len(rule.channels) if rule.mask == "channel" else None
    on = update_mask_at(rule.update_rate, seed=seed, step=step, ys=ys, xs=xs, channels=channels)
    change = np.empty_like(state)
    with np.errstate(all="ignore"):  # a diverging rule is reported with its place, by check_finite
        for index, expr in enumerate(rule.expressions):
            change[index] = evaluate_tree(to_tree(expr), features)
        moved = np.where(on, state + rule.dt * change, state)
    return moved if rule.clamp is None else np.clip(moved, *rule.clamp)
