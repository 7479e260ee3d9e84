"""A rule as a table of terms and constants that can be fitted to a recording."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from sympy import Expr
from torch import Tensor

from equations.expressions.numeric import compile_numpy
from equations.expressions.terms import join_terms, split_terms
from equations.perception import perceive
from equations.rule.stencils import Stencil, feature_names

Array = np.ndarray


class TermsTable:
    """The terms of every channel and their constants.

    bases: the different terms of all channels.
    support: for each constant its (channel, basis), as indices.
    constants: the factors of these terms.
    inner: steps of length `dt` from one frame to the next.
    """

    def __init__(self, updates: Mapping[str, Expr], stencils: tuple[Stencil, ...], dt: float, inner: int) -> None:
        self.channels, self.stencils, self.dt, self.inner = tuple(updates), stencils, dt, inner
        terms = [split_terms(updates[c]) for c in self.channels]
        self.bases = list(dict.fromkeys(basis for of_one in terms for _, basis in of_one))
        self.support = [(c, self.bases.index(b)) for c, of_one in enumerate(terms) for _, b in of_one]
        self.constants = np.array([value for of_one in terms for value, _ in of_one], np.float64)
        self._evaluate = compile_numpy(self.bases, feature_names(self.channels, stencils))

    def values(self, state: Array) -> Array:
        """The bases on a state (channel, batch, h, w): (bases, batch, h, w)."""
        seen = perceive(np.ascontiguousarray(state.swapaxes(0, 1)), self.stencils)
        return self._evaluate(seen.swapaxes(0, 1))

    def rate(self, values: Array) -> Array:
        """The channels' rates (channel, batch, h, w) from the bases' values."""
        matrix = np.zeros((len(self.channels), len(self.bases)))
        for (c, b), value in zip(self.support, self.constants, strict=True):
            matrix[c, b] = value
        return np.tensordot(matrix, values, 1)

    def forecast(self, state: Tensor) -> Tensor:
        """The state one frame later."""
        now = state.numpy()
        with np.errstate(all="ignore"):  # a poor law may diverge; its loss is then infinite
            for _ in range(self.inner):
                now = now + self.dt * self.rate(self.values(now))
        return torch.from_numpy(now)

    def updates(self) -> dict[str, Expr]:
        """Channel -> expression."""
        found: dict[str, list[tuple[float, Expr]]] = {c: [] for c in self.channels}
        for (c, b), value in zip(self.support, self.constants, strict=True):
            found[self.channels[c]].append((float(value), self.bases[b]))
        return {c: join_terms(terms) for c, terms in found.items()}


def to_digits(value: float, slack: float) -> float:
    """The number with the fewest digits within `slack` of `value`; never 0, so that no term vanishes."""
    for digits in range(1, 16):
        rounded = float(f"{value:.{digits - 1}e}")
        if abs(rounded - value) <= slack:
            return rounded
    return value
