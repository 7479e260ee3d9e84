"""A rule as a torch module: differentiable in the state and, by name, in its constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from equations.backends.torch.mask import step_keys
from equations.backends.torch.perceive import Neighbours, pad_periodic
from equations.backends.torch.stepper import Step
from equations.errors import InputError, shorten
from equations.expressions import build
from equations.expressions.constants import fill_names, name_numbers, number_of
from equations.expressions.infix import parse_infix
from equations.expressions.tree import Tree, canonical, from_tree, to_tree
from equations.models.model import Model
from equations.rule.mask import check_seed
from equations.rule.rule import Rule
from equations.rule.stencils import feature_names
from equations.rule.symbols import symbol


class TorchRule(nn.Module):
    """`module(state, steps)` → state: the steps of the backends, differentiable by the state and every constant.

    rule: a `Model` or a `Rule`. A model's parameters become parameters of the module with the same names; their values
        are those of `preset`, where no keyword gives another. The numbers of a rule become `u.0`, `u.1`, … for channel
        u, in the order in which rule.json and the code printers write them (exponents and signs do not count).
    The parameters are float64 and enter a step as plain numbers do, in the state's type. Where a guard holds a value
    the gradient is 0.
    Raises InputError for a preset or keyword that the model does not have.
    """

    def __init__(self, rule: Rule | Model, preset: str | None = None, **parameters: float) -> None:
        super().__init__()
        self.model = rule if isinstance(rule, Model) else None
        self.preset = preset
        self._start: dict[str, Any]  # as first given: a float, or the tree of a number
        if isinstance(rule, Model):
            self.rule = rule.rule(preset, **parameters)
            self._start = rule.values(preset, **parameters)
            self._trees = _model_trees(rule)
        elif isinstance(rule, Rule) and preset is None and not parameters:
            named = [name_numbers(to_tree(rule.updates[name]), name) for name in rule.channels]
            self.rule, self._trees = rule, [tree for tree, _ in named]
            self._start = {name: value for _, found in named for name, value in found.items()}
        else:
            raise InputError(f"expected a Model, or a Rule without preset and parameters, got {shorten(rule)}")
        for name, value in self._start.items():
            _register(self, name, nn.Parameter(_tensor(value)))
        self._step = Step(self.rule, self._trees, list(self._start))

    def forward(self, state: Tensor, steps: int = 1, seed: int | Sequence[int] = 0, step0: int = 0) -> Tensor:
        """State (channel, h, w) or (batch, channel, h, w) → the same, `steps` steps later.

        seed: of the update masks, one for all samples or one each. step0: how many steps were done before.
        Raises InputError for a wrong shape, type or number of seeds. Divergence is not looked for.
        """
        batch = state if state.ndim == 4 else state[None]
        seeds = [seed] * len(batch) if isinstance(seed, int) else list(seed)
        channels = len(self.rule.channels)
        if batch.ndim != 4 or batch.shape[1] != channels or not state.is_floating_point() or len(seeds) != len(batch):
            raise InputError(
                f"expected a state (batch, {channels}, h, w) or ({channels}, h, w) of floats and one seed, or one for "
                f"each sample; got shape {tuple(state.shape)} of {state.dtype} and {len(seeds)} seeds"
            )
        ys, xs = (torch.arange(length, dtype=torch.int32, device=state.device) for length in batch.shape[2:])
        constants = [value.to(state.device) for value in self._values().values()]
        for keys in step_keys([check_seed(one) for one in seeds], step0, steps, state.device).unbind():
            batch = self._step(Neighbours(pad_periodic(batch)), ys, xs, keys, constants)
        return batch if state.ndim == 4 else batch[0]

    def constants(self) -> dict[str, float]:
        """The present values of the constants by name."""
        return {name: float(value.detach()) for name, value in self._values().items()}

    def to_rule(self) -> Rule:
        """The rule with the present values of the constants; it equals the first one while none has changed."""
        values = {}
        for name, value in self._values().items():
            start = self._start[name]
            same = torch.equal(value.detach(), _tensor(start).to(value))
            values[name] = start if same else float(value.detach())
        if self.model is not None:
            return self.model.rule(self.preset, **values)
        exprs = [from_tree(fill_names(tree, values)) for tree in self._trees]
        return self.rule.replace(updates=dict(zip(self.rule.channels, exprs, strict=True)))

    def _values(self) -> dict[str, Tensor]:
        found = dict(self.named_parameters())
        return {name: found[name] for name in self._start}


def _model_trees(model: Model) -> list[Tree]:
    """The updates of a model with its parameters as names."""
    names = (*feature_names(model.channels, model.stencils), *model.parameters, "dt")
    step = {symbol("dt"): build.number(model.dt)}
    return [to_tree(canonical(parse_infix(model.equations[name], names).xreplace(step))) for name in model.channels]


def _tensor(number: Any) -> Tensor:
    return torch.tensor(number_of(number), dtype=torch.float64)


def _register(module: nn.Module, name: str, value: nn.Parameter) -> None:
    """Register under the unchanged name: register_parameter refuses dots, and names of methods such as `half`."""
    channel, _, leaf = name.rpartition(".")
    if channel:
        holder = module._modules.setdefault(channel, nn.Module())
        assert holder is not None
        module = holder
    module._parameters[leaf] = value
