"""A rule's updates as a torch module. Loads torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from equations.backends.torch.trees import compile_torch
from equations.errors import InputError
from equations.rule.rule import Rule


class UpdateModule(nn.Module):
    """The update f of one step of a rule, differentiable in its input: (..., features) -> (..., channels)."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.features = rule.feature_names
        self.channels = rule.channels
        self._run = compile_torch(rule.expressions, rule.feature_names)

    def forward(self, perception: Tensor) -> Tensor:
        if perception.shape[-1] != len(self.features):
            raise InputError(f"expected {len(self.features)} features in the last place, got {perception.shape[-1]}")
        values = self._run(list(perception.unbind(-1)))
        return torch.stack([value.expand(perception.shape[:-1]) for value in values], dim=-1)
