"""The nullclines of a rule of two channels: where the uniform update of one of them is 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.analysis.jacobian import UniformRule
from equations.errors import InputError
from equations.rule.rule import Rule

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Nullclines:
    """The update of both channels on a lattice of uniform states.

    x, y: (n,) the values of the first and of the second channel. updates: (2, n of y, n of x).
    """

    channels: tuple[str, str]
    x: Array
    y: Array
    updates: Array

    def points(self, channel: int) -> Array:
        """Points (m, 2) of the nullcline of a channel: where its update changes sign, interpolated along both axes."""
        f, found = self.updates[channel], []
        for values, along, across in ((f, self.x, self.y), (f.T, self.y, self.x)):
            rows, columns = np.nonzero((values[:, :-1] < 0) != (values[:, 1:] < 0))
            left, right = values[rows, columns], values[rows, columns + 1]
            place = along[columns] + (along[columns + 1] - along[columns]) * left / (left - right)
            pair = np.stack([place, across[rows]], axis=1)
            found.append(pair if values is f else pair[:, ::-1])
        return np.concatenate(found)


def nullclines(rule: Rule, low: Array, high: Array, n: int = 201) -> Nullclines:
    """The nullclines of a two-channel rule between `low` and `high` (2,). Raises InputError for other rules."""
    if len(rule.channels) != 2:
        raise InputError(f"expected a rule of two channels for nullclines, got {len(rule.channels)}")
    x, y = (np.linspace(a, b, n) for a, b in zip(low, high, strict=True))
    states = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    updates = UniformRule(rule).update(states).T.reshape(2, n, n)
    return Nullclines((rule.channels[0], rule.channels[1]), x, y, updates)
