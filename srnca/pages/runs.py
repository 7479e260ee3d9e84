"""What rule and automaton did when they were run for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from srnca.texture.evaluate import STEPS

Picture = npt.NDArray[np.uint8]  # (h, w, 3)
State = npt.NDArray[np.float32]  # (channel, h, w)
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Film:
    """Rule and automaton at `marks` steps from the same seed; a state is None once its run has diverged.

    whole: states of the automaton, all channels.
    nca: the same states, with only the channels that the rule has.
    rule: states of the rule.
    grown: the age in steps at which texture losses are taken.
    drawn: the automaton's own pictures, where the rule is a law of few species and has other channels; `nca` is `whole`
        then.
    """

    marks: tuple[int, ...]
    whole: tuple[State | None, ...]
    nca: tuple[State | None, ...]
    rule: tuple[State | None, ...]
    grown: int = STEPS
    drawn: tuple[Picture | None, ...] = ()

    def early_nca(self) -> list[State]:
        """The automaton's states after the first step and up to `grown`: the ages that rules are fitted to."""
        return [s for mark, s in zip(self.marks, self.whole, strict=True) if 0 < mark <= self.grown and s is not None]

    def late(self, side: Sequence[_Item | None]) -> list[_Item]:
        """What there is of `side`, states or pictures, from `grown` on; of a film that ends before, its last."""
        first = min(self.grown, self.marks[-1])
        return [s for mark, s in zip(self.marks, side, strict=True) if mark >= first and s is not None]


@dataclass(frozen=True)
class LongRun:
    """The rule alone, run for up to `last` steps on `side` × `side` cells.

    steps: when it was measured.
    largest: the largest |x| at these steps.
    loss: the texture loss at these steps; empty without a picture.
    diverged_at: the step at which it left the finite numbers, None if it never did.
    """

    side: int
    steps: tuple[int, ...]
    largest: tuple[float, ...]
    loss: tuple[float, ...]
    diverged_at: int | None
    last: int
