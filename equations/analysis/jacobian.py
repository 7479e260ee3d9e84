"""The exact linearisation of a rule at a uniform state, for every wave vector.

A small wave a·exp(i k·x) on a uniform state s obeys one step  a ← (1 + dt·G(k)) a  with

    G(k) = rate · Σ_stencils ∂update/∂feature · symbol(k)

for any rule, also one that is nonlinear in the stencils' responses. With an update rate below 1 this is exactly the
mean over the draws of the mask, because a step is linear in the mask. A channel that the clamp holds at its border,
against an update that pushes outwards, does not move. Small disturbances of it vanish in the cells that take the step
and stay in those that skip it, so its row of 1 + dt·G is (1 − rate) on the diagonal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from equations.analysis.differentiate import differentiate
from equations.analysis.stencil_waves import stencil_symbol
from equations.expressions.numeric import compile_numpy
from equations.expressions.tree import to_tree
from equations.rule.moments import stencil_moments
from equations.rule.rule import Rule

Array = npt.NDArray[Any]
_ROUNDING = 1e-9  # of the sum of |weights|: kernels are written in decimals, and 0.1 + 0.2 − 0.3 is not 0


class Slopes(NamedTuple):
    """The derivatives of the update f at n uniform states, of C channels through S stencils.

    slope: ∂f/∂feature, (n, C, C, S). spread: half the difference of the slopes at a kink, (n, C, C, S).
    size: (n, C) the size of the terms that add up to f. pole: (n,) whether something is divided by 0.
    """

    slope: Array
    spread: Array
    size: Array
    pole: Array


@dataclass(frozen=True, eq=False)
class UniformRule:
    """A rule on uniform states, where every stencil multiplies by the sum of its weights."""

    rule: Rule
    sums: Array = field(init=False)  # (stencils,)

    def __post_init__(self) -> None:
        sums = []
        for stencil in self.rule.stencils:
            total = stencil_moments(stencil).total
            size = sum(abs(weight) for row in stencil.kernel for weight in row)
            sums.append(total if abs(total) > _ROUNDING * size else 0.0)
        object.__setattr__(self, "sums", np.array(sums))

    def features(self, states: Array) -> Array:
        """States (n, C) → features (n, C · S), channel-major."""
        with np.errstate(invalid="ignore"):  # a run that has left the numbers
            seen: Array = states[:, :, None] * self.sums
        return seen.reshape(len(states), states.shape[1] * len(self.sums))

    def update(self, states: Array) -> Array:
        """The update f (n, C) at states (n, C)."""
        return self._compiled(self.features(states).T).T

    def slopes(self, states: Array) -> Slopes:
        """The derivatives of f at states (n, C)."""
        rule, points = self.rule, self.features(states)
        shape = (len(states), len(rule.channels), len(rule.stencils))
        jets = [differentiate(tree, rule.feature_names, points) for tree in self._trees]
        slope = np.stack([jet.slope.reshape(shape) for jet in jets], axis=1)
        spread = np.stack([jet.spread.reshape(shape) for jet in jets], axis=1)
        size = np.stack([jet.size for jet in jets], axis=1)
        return Slopes(slope, spread, size, np.any([jet.pole for jet in jets], axis=0))

    @cached_property
    def _trees(self) -> list[Any]:
        return [to_tree(expr) for expr in self.rule.expressions]

    @cached_property
    def _compiled(self) -> Callable[[Array], Array]:
        return compile_numpy(self.rule.expressions, self.rule.feature_names)


@dataclass(frozen=True, eq=False)
class Linearisation:
    """A rule's linearisation at a uniform state `point` (C,).

    slope: (C, C, S) derivative of the update of channel c with respect to channel d seen through stencil s.
    spread: (C, C, S) half the difference of the slopes on the sides of a kink; 0 where the rule is smooth.
    held: for each channel whether the clamp holds it at its border.
    """

    rule: Rule
    point: Array
    slope: Array
    spread: Array
    held: tuple[bool, ...]

    @property
    def smooth(self) -> bool:
        """Whether the rule has a derivative here; otherwise `slope` is the middle between its sides."""
        return bool(self._spread_of_moving.max(initial=0) <= 1e-6 * max(1e-12, np.abs(self.slope).max(initial=0)))

    @property
    def kinks(self) -> tuple[str, ...]:
        """The features at which the rule has a kink here, strongest first."""
        strength = self._spread_of_moving.max(axis=0).ravel()
        least = 1e-6 * max(1e-12, np.abs(self.slope).max(initial=0))
        order = np.argsort(-strength, kind="stable")
        return tuple(self.rule.feature_names[i] for i in order if strength[i] > least)

    def jacobian(self, kx: npt.ArrayLike = 0.0, ky: npt.ArrayLike = 0.0) -> Array:
        """Σ slope · symbol, (…, C, C) complex, for wave vectors in radians per cell; clamp and mask are left out."""
        symbols = np.stack([stencil_symbol(stencil, kx, ky) for stencil in self.rule.stencils], axis=-1)
        return np.einsum("cds,...s->...cd", self.slope, symbols)

    def generator(self, kx: npt.ArrayLike = 0.0, ky: npt.ArrayLike = 0.0) -> Array:
        """G(k), (…, C, C): one step multiplies a wave by 1 + dt·G(k)."""
        rule = self.rule
        result = rule.update_rate * self.jacobian(kx, ky)
        for index, held in enumerate(self.held):
            if held:
                result[..., index, :] = 0
                result[..., index, index] = -rule.update_rate / rule.dt
        return result

    def diffusion(self) -> Array:
        """The effective diffusion matrix (C, C), length² per time: −½ ∂²J/∂k² at k = 0, mean of both axes."""
        laplacians = np.array([stencil_moments(stencil).laplacian for stencil in self.rule.stencils])
        return self.slope @ laplacians * self.rule.dx**2

    @property
    def _spread_of_moving(self) -> Array:
        return self.spread[~np.array(self.held)]


def linearise(rule: Rule, point: npt.ArrayLike, held: tuple[bool, ...] | None = None) -> Linearisation:
    """The linearisation of `rule` at the uniform state `point` (C,); `held`: channels at the clamp's border."""
    state = np.asarray(point, float)
    found = UniformRule(rule).slopes(state[None])
    return Linearisation(rule, state, found.slope[0], found.spread[0], held or (False,) * len(rule.channels))
