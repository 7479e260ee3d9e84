"""From a rule's settings to states, masks and pictures, as arrays of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from sympy import Expr
from torch import Tensor

from distill.refine.settings import Objective
from distill.refine.table import Floats
from equations.backends.torch.trees import compile_torch
from equations.rule.display import colours_of
from equations.rule.init import make_state
from equations.rule.rule import Rule

RADIUS = (2.0, 6.0)  # range of the radius of damage, in cells; at most an eighth of the grid
BLOWN_UP = (1.5, 4.0)  # range of the factor on a damaged cell's values


def first_state(rule: Rule, size: tuple[int, int], seed: int) -> Floats:
    """The first state (channel, h, w) of a rule that has an init."""
    assert rule.init is not None
    return make_state(rule.init, len(rule.channels), size, seed)


def shown(rule: Rule) -> list[int]:
    """The indices of the channels that a rule with a display by channels shows."""
    assert rule.display is not None
    return [rule.channels.index(name) for name in rule.display.channels]


def rgb_of(rule: Rule, state: Floats) -> Floats:
    """States (batch, channel, h, w) as pictures (batch, 3, h, w)."""
    assert rule.display is not None
    if rule.display.colours is not None:
        return np.ascontiguousarray(colours_of(rule, state.swapaxes(0, 1)).swapaxes(0, 1))
    return np.ascontiguousarray(rule.display.scale * state[:, shown(rule)] + rule.display.offset)


def adjoint_of(objective: Objective, rule: Rule, state: Floats, random: torch.Generator) -> Floats:
    """The gradient of the mean training loss of the states' pictures by the states, (batch, channel, h, w)."""
    assert rule.display is not None
    if rule.display.colours is not None:
        cells = torch.from_numpy(state).requires_grad_()
        colours = compiled(tuple(rule.display.colours.values()), rule.channels)(cells.unbind(1))
        objective.train(torch.stack(colours, dim=1), random).mean().backward()
        assert cells.grad is not None
        return cells.grad.numpy()
    rgb = torch.from_numpy(rgb_of(rule, state)).requires_grad_()
    objective.train(rgb, random).mean().backward()
    assert rgb.grad is not None
    adjoint = np.zeros_like(state)
    adjoint[:, shown(rule)] = rule.display.scale * rgb.grad.numpy()
    return adjoint


@lru_cache(maxsize=8)
def compiled(colours: tuple[Expr, ...], channels: tuple[str, ...]) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """Colours, or the terms that they are made of, as a function of the channels."""
    return compile_torch(colours, channels)


def masks_of(rule: Rule, random: np.random.Generator, steps: int, batch: int, size: tuple[int, int]) -> Floats | None:
    """Update masks (steps, batch, 1 or channel, h, w) of zeros and ones; None when every cell steps."""
    if not rule.masked:
        return None
    planes = len(rule.channels) if rule.mask == "channel" else 1
    return (random.random((steps, batch, planes, *size), np.float32) < rule.update_rate).astype(np.float32)


def damaged(state: Floats, random: np.random.Generator) -> Floats:
    """The state (channel, h, w) with the values of all cells of a random disc multiplied by a random factor.

    A rule must recover from it: one that does not runs away sooner or later, when large values occur by chance.
    """
    height, width = state.shape[1:]
    y, x = np.ogrid[:height, :width]
    up, left = (y + random.integers(height)) % height, (x + random.integers(width)) % width
    radius = min(random.uniform(*RADIUS), min(height, width) / 8)
    inside = (up - height // 2) ** 2 + (left - width // 2) ** 2 <= radius**2
    return np.where(inside, np.float32(random.uniform(*BLOWN_UP)) * state, state)
