"""Teachers: what can be distilled. A network, a known model and a recording look the same from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
from sympy import Expr

from equations.errors import InputError
from equations.expressions.numeric import compile_numpy
from equations.rule.init import Init
from equations.rule.rule import Display, Rule
from equations.rule.stencils import Stencil, feature_names

if TYPE_CHECKING:
    from distill.sampling import Samples

Array = npt.NDArray[np.floating]


class Teacher(Protocol):
    """The attributes and methods that every teacher has; plain data and arrays only.

    A step of the teacher is `s ← clamp(s + dt · mask · update(perceive(s)))`, the mask drawn with
    `update_rate`. A teacher is also an `AnsweringTeacher`, or it brings its own samples (`HasSamples`). What only some
    teachers can do besides is in `HasLongForm`.
    """

    channels: tuple[str, ...]
    stencils: tuple[Stencil, ...]
    dt: float
    clamp: tuple[float, float] | None
    update_rate: float
    mask: Literal["cell", "channel"]
    init: Init | None
    display: Display | None

    def rollout(self, *, size: tuple[int, int], steps: int, seed: int, every: int) -> Array:
        """Frames (t, channel, h, w), float32: step 0 and every `every`-th step after it."""
        ...

    def closed_form(self) -> dict[str, Expr] | None:
        """The teacher's own algebra, one expression per channel, when it has one; None otherwise."""
        ...


class AnsweringTeacher(Teacher, Protocol):
    """A teacher that has an update for any perception, such as a network or a known rule."""

    def update(self, perception: Array) -> Array:
        """Perception (n, channels · filters), channel-major → update (n, channels), before dt and mask."""
        ...


@runtime_checkable
class HasSamples(Protocol):
    """A teacher that brings its own samples, such as a recording, which knows no updates but its own."""

    def samples(self, *, rows: int, seed: int) -> Samples:
        """About `rows` samples of what the teacher did."""
        ...


@runtime_checkable
class HasLongForm(Protocol):
    """A teacher whose algebra is exact but too long to read or to prune, such as a ReLU network.

    The engine `exact` uses it when it is asked for by name and there is no closed form.
    """

    def long_form(self) -> dict[str, Expr] | None:
        """One expression per channel, or None."""
        ...


class RuleTeacher:
    """A known rule as the teacher: its law can be planted and must be recovered.

    `closed_form()` is the rule itself; `hide=True` makes it None, so that regression has to find it.
    """

    def __init__(self, rule: Rule, *, hide: bool = False) -> None:
        self.rule = rule
        self.channels, self.stencils = rule.channels, rule.stencils
        self.dt, self.clamp = rule.dt, rule.clamp
        self.update_rate, self.mask = rule.update_rate, rule.mask
        self.init, self.display = rule.init, rule.display
        self._hide = hide
        self._evaluate = compile_numpy(rule.expressions, rule.feature_names)

    def update(self, perception: Array) -> Array:
        """The rule's expressions on (n, features), evaluated in float64 → (n, channels)."""
        return self._evaluate(np.asarray(perception, np.float64).T).T

    def rollout(self, *, size: tuple[int, int], steps: int, seed: int, every: int) -> Array:
        """Simulated frames (t, channel, h, w); raises DivergenceError when the rule leaves finite numbers."""
        from equations.simulation import roll

        return roll(self.rule, size=size, steps=steps, seed=seed, every=every).frames

    def closed_form(self) -> dict[str, Expr] | None:
        return None if self._hide else dict(self.rule.updates)


def answering(teacher: Teacher) -> AnsweringTeacher:
    """The teacher, which must be an AnsweringTeacher. Raises InputError where it is not."""
    if not hasattr(teacher, "update"):
        raise InputError("a recording cannot label new states; use its samples(), or distil from a checkpoint")
    return cast("AnsweringTeacher", teacher)


def features_of(teacher: Teacher) -> tuple[str, ...]:
    """The teacher's feature names, channel-major."""
    return feature_names(teacher.channels, teacher.stencils)


def compose(teacher: Teacher, updates: dict[str, Expr]) -> Rule:
    """The rule with these updates and all else (dt, clamp, mask, init, display) from the teacher."""
    return Rule(
        channels=teacher.channels,
        stencils=teacher.stencils,
        updates=updates,
        dt=teacher.dt,
        clamp=teacher.clamp,
        update_rate=teacher.update_rate,
        mask=teacher.mask,
        init=teacher.init,
        display=teacher.display,
    )
