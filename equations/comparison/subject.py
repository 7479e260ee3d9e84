"""A rule that is compared with models: its law, its cells, and the functions that are neither powers nor quotients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from equations.comparison.cells import Cells, run_cells
from equations.comparison.reduced_law import Law, law_of
from equations.expressions.numeric import compile_numpy
from equations.rule.init import Init
from equations.rule.reduce import visible_channels
from equations.rule.rule import Rule
from equations.rule.stencils import feature_name

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Subject:
    """A rule that is compared with models; what several comparisons need is computed once."""

    rule: Rule

    @cached_property
    def law(self) -> Law:
        """What one step adds."""
        return law_of(self.rule)

    @cached_property
    def own_cells(self) -> Cells:
        """Cells of the rule's own run, from its own first state, or from noise around 0."""
        return run_cells(self.rule)

    def cells_from(self, init: Init | None, pairing: Mapping[str, str], scales: Mapping[str, float]) -> Cells:
        """Cells of the rule's own run; a rule without a first state starts from the model's, in the rule's units."""
        if self.rule.init is not None or init is None:
            return self.own_cells
        here = {r: (list(scales).index(m), scales[m]) for m, r in pairing.items()}

        def moved(values: tuple[float, ...]) -> tuple[float, ...]:
            found = (here.get(c) for c in self.rule.channels)
            return tuple(0.0 if at is None else values[at[0]] * at[1] for at in found) if values else values

        amplitude = tuple(map(abs, moved(init.amplitude)))
        first = replace(init, background=moved(init.background), amplitude=amplitude, square=moved(init.square))
        return run_cells(self.rule.replace(init=first))

    @cached_property
    def owner(self) -> dict[str, str]:
        """Feature → its channel."""
        return {feature_name(c, s.name): c for c in self.rule.channels for s in self.rule.stencils}

    @cached_property
    def others(self) -> dict[Expr, int]:
        """All functions of the law with their numbers."""
        terms = (term for update in self.law.updates.values() for term in update.terms)
        return {expr: i for i, expr in enumerate(dict.fromkeys(t.other for t in terms if t.other is not None))}

    def channels_of(self, other: Expr) -> set[str]:
        """The channels that a function depends on."""
        return {self.owner[symbol.name] for symbol in other.free_symbols}

    @cached_property
    def shown(self) -> set[str]:
        """The channels that a picture of the rule shows; all where the rule has no display."""
        return set(self.rule.display.channels if self.rule.display else self.rule.channels)

    def needs(self, channels: set[str]) -> set[str]:
        """These channels and all that they depend on."""
        return set(visible_channels(self.rule, channels))

    def sizes(self, cells: Cells) -> Array:
        """The root mean square of each function on cells in the rule's names and units; 0 for channels not in them."""
        nothing = np.zeros(next(iter(cells.around.values())).shape[1])
        seen = np.stack([
            cells.through(channel, stencil) if channel in cells.around else nothing
            for channel in self.rule.channels
            for stencil in self.rule.stencils
        ])  # fmt: skip
        values = np.nan_to_num(self._compiled(seen), nan=0.0, posinf=1e6, neginf=-1e6)
        return np.sqrt(np.mean(values**2, axis=1))

    @cached_property
    def _compiled(self) -> Callable[[Array], Array]:
        return compile_numpy(list(self.others), self.rule.feature_names)

    @cached_property
    def own_sizes(self) -> Array:
        """`sizes` on the rule's own cells."""
        return self.sizes(self.own_cells)
