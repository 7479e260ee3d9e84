"""One hyperparameter of a search: a list to choose from, or a range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Value = int | float | str

WHOLE = ("channels", "hidden", "filters", "max_ca_steps", "batch_size", "pool")
WORDS = ("activation", "mask", "init", "clamp")


@dataclass(frozen=True)
class Axis:
    """One hyperparameter: a list, or a range.

    choices: the values to choose from; empty for a range.
    low, high: ends of a range, both included.
    log: whether the range is searched on a logarithmic scale.
    """

    name: str
    choices: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether its values are integers."""
        return self.name in WHOLE

    @property
    def ordered(self) -> bool:
        """Whether its values are numbers; words have no order."""
        return all(not isinstance(value, str) for value in self.choices)

    @property
    def steps(self) -> int:
        """Number of values; 0 for a continuous range."""
        if self.choices:
            return len(self.choices)
        return int(self.high - self.low) + 1 if self.whole else 0

    def from_unit(self, x: float) -> Value:
        """The value at `x` in [0, 1]; any other x is clipped, and one that is not finite counts as 0.5."""
        x = min(1.0, max(0.0, x)) if math.isfinite(x) else 0.5
        if self.choices:
            return self.choices[math.floor(x * (len(self.choices) - 1) + 0.5)]
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = low + x * (high - low)
        value = min(self.high, max(self.low, math.exp(value) if self.log else value))
        return math.floor(value + 0.5) if self.whole else value

    def draw(self, random: np.random.Generator) -> Value:
        """A value drawn uniformly (in a log range: uniformly in its logarithm)."""
        if self.choices:
            return self.choices[int(random.integers(len(self.choices)))]
        if self.whole and not self.log:
            return int(random.integers(int(self.low), int(self.high) + 1))
        return self.from_unit(float(random.random()))

    def to_unit(self, value: Value) -> float:
        """The inverse of `from_unit`, up to rounding."""
        if self.choices:
            return self.choices.index(value) / max(1, len(self.choices) - 1)
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        at = math.log(float(value)) if self.log else float(value)
        return (at - low) / (high - low) if high > low else 0.0

    def holds(self, value: object) -> bool:
        """Whether `value` is one of its values."""
        if self.choices:
            return any(value == choice and isinstance(value, str) == isinstance(choice, str) for choice in self.choices)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            return False
        return not self.whole or value == int(value)

    def to_dict(self) -> list[Value] | dict[str, float | bool]:
        return list(self.choices) if self.choices else {"low": self.low, "high": self.high, "log": self.log}

    def distribution(self) -> Any:
        """Optuna's distribution: evenly spaced integers are an integer with a step, other lists are categories."""
        from optuna import distributions

        if not self.choices:
            if self.whole:
                return distributions.IntDistribution(int(self.low), int(self.high), log=self.log)
            return distributions.FloatDistribution(self.low, self.high, log=self.log)
        gaps = {b - a for a, b in zip(self.choices, self.choices[1:], strict=False)} if self.ordered else set()  # type: ignore[operator]
        if self.whole and len(gaps) == 1:
            return distributions.IntDistribution(int(self.choices[0]), int(self.choices[-1]), step=int(gaps.pop()))
        return distributions.CategoricalDistribution(self.choices)
