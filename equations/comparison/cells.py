"""Typical cells of a running rule with their neighbourhoods, on which the size of a term is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from equations import models
from equations.comparison import kernels
from equations.comparison.raw_terms import Monomial
from equations.comparison.reduced_law import Numbers, Term, Update
from equations.errors import DivergenceError
from equations.rule.rule import Rule
from equations.rule.stencils import Stencil
from equations.simulation import Simulator

Array = npt.NDArray[Any]
SIZE, CELLS = 64, 2048  # side of the grid, and how many cells are drawn
TIMES = (0.02, 0.1, 0.3, 1.0)  # when cells are drawn, from young to old states, in parts of a typical run
OWN_STEPS = 400  # the length of a run of a rule that does not state one
_KERNELS = {stencil.name if stencil.name != "id" else kernels.CELL: stencil for stencil in kernels.STENCILS}


@dataclass(frozen=True)
class Cells:
    """For each channel the 3 × 3 neighbourhoods (9, n) of the same n cells, row by row."""

    around: Mapping[str, Array]

    def through(self, channel: str, stencil: Stencil) -> Array:
        """The response (n,) of a stencil to a channel, at the cells."""
        return np.asarray(stencil.kernel, float).ravel() @ self.around[channel]

    def in_units(self, names: Mapping[str, str], scales: Mapping[str, float]) -> Cells:
        """Channels renamed (old → new) and their values divided by the scale (by old name)."""
        return Cells({new: self.around[old] / scales.get(old, 1.0) for old, new in names.items()})

    def monomial(self, monomial: Monomial) -> Array | float:
        """The product of powers, (n,)."""
        product: Array | float = 1.0
        for channel, part, power in monomial:
            product = product * self.through(channel, _KERNELS[part]) ** float(power)
        return product

    def term(self, term: Term, below: Mapping[Any, Numbers]) -> Array:
        """The value of a term without its coefficient, (n,) or a number. below: the numbers inside its denominators."""
        with np.errstate(all="ignore"):
            value = self.monomial(term.monomial)
            for den in term.over:
                parts = (c * self.monomial(m) for m, c in zip(den.monomials, below[den], strict=True))
                value = value / sum(parts) ** den.power
        return np.nan_to_num(np.asarray(value, float), nan=0.0, posinf=1e6, neginf=-1e6)

    def of(self, update: Update, terms: Sequence[Term]) -> Array:
        """The sum of some terms of an update, with their coefficients."""
        return np.asarray(sum(update.terms[term] * self.term(term, update.below) for term in terms), float)


@lru_cache(maxsize=64)
def model_cells(name: str, preset: str) -> Cells:
    """Cells of a model's typical run, from its first steps to its picture."""
    return run_cells(models.load(name).rule(preset), models.load(name).preset(preset).steps)


def run_cells(rule: Rule, steps: int = OWN_STEPS, seed: int = 0) -> Cells:
    """Cells of a run of `rule` on a small grid; of its first state if it diverges at once."""
    simulator = Simulator(rule, SIZE, seed)
    states = [simulator.state.copy()]
    try:
        for time in TIMES:
            simulator.step(max(1, round(time * steps)) - simulator.steps_done)
            states.append(simulator.state.copy())
    except DivergenceError:
        pass
    later = states[1:] or states
    rng = np.random.default_rng(seed)
    picked = rng.choice(len(later) * SIZE**2, CELLS, replace=False)
    stack = np.stack(later, axis=1)  # (channel, time, h, w)
    shifted = [np.roll(stack, (-dy, -dx), axis=(2, 3)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    around = np.stack([part.reshape(len(rule.channels), -1)[:, picked] for part in shifted], axis=1)
    return Cells(dict(zip(rule.channels, around.astype(float), strict=True)))
