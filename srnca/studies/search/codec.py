"""Sets of hyperparameters as points of the unit cube and back; every point decodes to a set of the space."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from srnca.studies.search.axis import Axis, Value
from srnca.studies.search.space import Space

Array = npt.NDArray[Any]
Params = Mapping[str, Any]

DIGITS = 4  # significant digits of a decoded number


@dataclass(frozen=True)
class Codec:
    """One column in [0, 1] for each axis of numbers; one-hot columns, one for each word, for an axis of words."""

    space: Space

    @property
    def names(self) -> tuple[str, ...]:
        return self.space.names

    def encode(self, sets: Sequence[Params]) -> Array:
        """(sets, columns). A missing value is 0.5; a value outside its axis is clipped to the nearest end."""
        rows = [[x for axis in self.space.axes for x in _encode(axis, params.get(axis.name))] for params in sets]
        return np.array(rows, float).reshape(len(sets), sum(map(_columns, self.space.axes)))

    def decode(self, points: Array) -> list[dict[str, Value]]:
        """The sets of the space nearest to any points (sets, columns)."""
        ends = np.cumsum([_columns(axis) for axis in self.space.axes])[:-1]
        return [
            {axis.name: _decode(axis, part) for axis, part in zip(self.space.axes, np.split(row, ends), strict=True)}
            for row in np.asarray(points, float)
        ]

    def key(self, params: Params) -> tuple[Any, ...]:
        """Equal for nearly equal sets: columns are rounded to 0.01."""
        return tuple(np.round(self.encode([params])[0], 2))

    def numbers(self, sets: Sequence[Params], name: str) -> Array:
        """One hyperparameter of all sets: its value or, for a word, its index among the choices; otherwise NaN."""
        axis = next(axis for axis in self.space.axes if axis.name == name)
        values = [params.get(name) for params in sets]
        if axis.ordered:
            return np.array([math.nan if value is None or isinstance(value, str) else float(value) for value in values])
        return np.array([axis.choices.index(v) if v in axis.choices else math.nan for v in values], float)


def _columns(axis: Axis) -> int:
    return 1 if axis.ordered else len(axis.choices)


def _encode(axis: Axis, value: Value | None) -> list[float]:
    if not axis.ordered:
        return [float(choice == value) for choice in axis.choices]
    if value is None or isinstance(value, str):
        return [0.5]
    if not axis.choices:
        return [axis.to_unit(min(max(value, axis.low), axis.high))]
    places = np.linspace(0, 1, len(axis.choices)) if len(axis.choices) > 1 else np.array([0.5])
    order = sorted(axis.choices, key=float)
    return [float(np.interp(float(value), [float(choice) for choice in order], places))]


def _decode(axis: Axis, part: Array) -> Value:
    if not axis.ordered:
        return axis.choices[int(np.argmax(np.nan_to_num(part)))]
    value = axis.from_unit(float(part[0]))
    if isinstance(value, float) and not axis.choices:
        short = float(f"{value:.{DIGITS}g}")
        return short if axis.holds(short) else value
    return value
