"""One step of a rule on tensors, written once for the backend, for torch.compile and for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from equations.backends.torch.mask import draw_mask
from equations.backends.torch.perceive import Groups, Neighbours
from equations.backends.torch.trees import compile_trees
from equations.expressions.tree import Tree, to_tree
from equations.printers.code import tree_names
from equations.rule import mask
from equations.rule.rule import Rule
from equations.rule.stencils import feature_name


class Step:
    """`step(cells, ys, xs, keys)`: the state (batch, channel, h, w) one step later.

    cells: the state with access to its neighbours.
    ys (h,), xs (w,): int32, rows and columns in the whole grid.
    keys: int32 (batch,), from `step_keys`.
    The arithmetic is that of the reference, operation by operation. `trees` replace the rule's updates and may use the
    names in `constants` besides the features; the values of these constants are then an argument of each step.
    """

    def __init__(self, rule: Rule, trees: Sequence[Tree] | None = None, constants: Sequence[str] = ()) -> None:
        trees = [to_tree(expr) for expr in rule.expressions] if trees is None else trees
        self.dt, self.clamp = rule.dt, rule.clamp
        self.limit = mask.threshold(rule.update_rate)
        self.draws = len(rule.channels) if rule.mask == "channel" else None
        found = set().union(*(tree_names(tree) for tree in trees))
        self._responses: list[tuple[int, Groups]] = []
        used: list[str] = []
        for index, channel in enumerate(rule.channels):
            seen = [stencil for stencil in rule.stencils if feature_name(channel, stencil.name) in found]
            self._responses += [(index, stencil.groups) for stencil in seen]
            used += [feature_name(channel, stencil.name) for stencil in seen]
        self._update = compile_trees(trees, [*used, *constants])

    def __call__(
        self, cells: Neighbours, ys: Tensor, xs: Tensor, keys: Tensor, constants: Sequence[Tensor] = ()
    ) -> Tensor:
        state = cells.state
        features = [cells.respond(index, groups) for index, groups in self._responses]
        changes = self._update([*features, *constants])
        change = torch.stack([_like(value, state[:, 0]) for value in changes], dim=1)
        moved = state + (change if self.dt == 1 else self.dt * change)
        if self.limit <= mask.MAX_SEED:
            moved = torch.where(draw_mask(self.limit, keys, ys, xs, self.draws), moved, state)
        return moved if self.clamp is None else moved.clamp(*self.clamp)


def _like(value: Any, field: Tensor) -> Tensor:
    """An update as (batch, h, w); updates without a feature are single numbers."""
    if not isinstance(value, Tensor):
        return torch.full_like(field, value)
    return value if value.shape == field.shape else value.to(field.dtype).expand_as(field)
