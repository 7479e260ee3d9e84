"""A rule as a matrix: constants (channel x basis) over the distinct terms of all channels, on torch."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
import torch
from sympy import Expr
from torch import Tensor, nn
from torch.nn import functional

from equations.backends.torch_eval import compile_torch
from equations.backends.torch_perception import perceive_fast
from equations.rule import Rule
from equations.terms import join_terms, split_terms


class Bases:
    """The distinct bases of a rule: features and their absolute values in bulk, the rest one by one."""

    def __init__(self, bases: Sequence[Expr], names: Sequence[str]) -> None:
        plain = {sympy.Symbol(name, real=True): i for i, name in enumerate(names)}
        self.linear = [(b, plain[b]) for b in bases if b in plain]
        self.folded = [(b, plain[b.args[0]]) for b in bases if isinstance(b, sympy.Abs) and b.args[0] in plain]
        taken = {b for b, _ in self.linear + self.folded}
        others = [b for b in bases if b not in taken]
        self.order = [b for b, _ in self.linear + self.folded] + others
        self._linear = torch.tensor([i for _, i in self.linear], dtype=torch.long)
        self._folded = torch.tensor([i for _, i in self.folded], dtype=torch.long)
        self._others = compile_torch(others, names) if others else None

    def __call__(self, perception: Tensor) -> Tensor:
        """(batch, features, h, w) -> (batch, bases, h, w) in the order of `self.order`."""
        parts = [perception[:, self._linear], perception[:, self._folded].abs()]
        if self._others is not None:
            parts.append(torch.stack(self._others(perception.unbind(1)), dim=1))
        return torch.cat(parts, dim=1)


class TermMatrix(nn.Module):
    """A rule whose constants are one parameter: `scaled` = constant x typical size of its basis.

    Scaling makes every entry the size of that term's effect, so one learning rate fits all, and the smallest
    entries are the terms that matter least. `alive` marks the terms that are left.
    """

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule
        terms = [{b: c for c, b in split_terms(rule.updates[name])} for name in rule.channels]
        found = sorted({b for channel in terms for b in channel}, key=sympy.default_sort_key)
        self._names = rule.feature_names
        self.bases = Bases(found, self._names)
        constants = torch.tensor([[channel.get(b, 0.0) for b in self.bases.order] for channel in terms])
        self.alive = constants != 0
        self.size = torch.ones(len(found))
        self.scaled = nn.Parameter(constants.to(torch.float32))

    @torch.no_grad()
    def calibrate(self, states: Tensor) -> None:
        """Measure the typical size (root mean square) of every basis on states (batch, channel, h, w)."""
        values = self.bases(perceive_fast(states, self.rule.stencils))
        size = values.square().mean(dim=(0, 2, 3)).sqrt().clamp_min(1e-4)
        self.scaled.mul_(size / self.size)
        self.size = size

    @torch.no_grad()
    def prune(self, keep: int) -> None:
        """Keep the `keep` terms of the largest effect over all channels; every channel keeps at least one."""
        effect = self.scaled.abs() * self.alive
        best = torch.zeros_like(self.alive)
        best[torch.arange(len(effect)), effect.argmax(dim=1)] = True
        ranked = (effect + 1e9 * (best & self.alive)).masked_fill(~self.alive, -1.0).flatten()
        chosen = ranked.topk(min(keep, int(self.alive.sum()))).indices
        alive = torch.zeros_like(ranked, dtype=torch.bool)
        alive[chosen] = True
        self._keep(alive.view_as(self.alive))

    def _keep(self, alive: Tensor) -> None:
        """Drop all terms but these, and the bases that no channel uses any more."""
        used = alive.any(dim=0)
        self.bases = Bases([b for b, on in zip(self.bases.order, used.tolist(), strict=True) if on], self._names)
        self.scaled = nn.Parameter((self.scaled * alive)[:, used])
        self.alive, self.size = alive[:, used], self.size[used]

    @property
    def terms(self) -> int:
        return int(self.alive.sum())

    def constants(self) -> Tensor:
        """(channel, basis), zero where a term is gone."""
        return self.scaled * self.alive / self.size

    def forward(self, state: Tensor, mask: Tensor | None = None) -> Tensor:
        """One step of (batch, channel, h, w); mask of zeros and ones, or None when every cell steps."""
        values = self.bases(perceive_fast(state, self.rule.stencils))
        delta = self.rule.dt * functional.conv2d(values, self.constants()[..., None, None])
        state = state + (delta if mask is None else delta * mask)
        return state if self.rule.clamp is None else state.clamp(*self.rule.clamp)

    def to_rule(self, digits: int | None = None) -> Rule:
        """The rule as it is now; constants to `digits` significant digits, or exactly (float32)."""
        table = self.constants().detach().tolist()
        updates = {}
        for name, row, alive in zip(self.rule.channels, table, self.alive.tolist(), strict=True):
            kept = [(c, b) for c, b, on in zip(row, self.bases.order, alive, strict=True) if on and c != 0]
            if digits is not None:
                kept = [(float(f"{c:.{digits}g}"), b) for c, b in kept]
            updates[name] = join_terms(kept)
        return self.rule.replace(updates=updates)
