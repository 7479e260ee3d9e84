"""A rule with adjustable constants: rollouts on one thread, and their gradients, by compiled code of its own.

No autograd graph is built, and nothing is allocated during the steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sympy import Expr

from equations.backends.llvm.jit import compile_entries
from equations.backends.llvm.term_ir import LANES, seen_features, term_ir
from equations.backends.llvm.term_text import ENTRIES
from equations.errors import InputError
from equations.expressions.terms import join_terms
from equations.rule.rule import Rule

Array = npt.NDArray[np.float32]
_SLACK = 2 * LANES
_FAR = float(np.finfo(np.float32).max)


class TermKernel:
    """Steps of the rule s + dt · mask · Σ constant · basis, whose constants are arguments of every call.

    The kernel is compiled once, for float32, and serves all values of the constants.
    rule: gives channels, stencils, dt and clamp; its updates are not used.
    bases: expressions of the rule's features.
    terms: for every constant its channel and its basis, as (number of the channel, number of the basis).
    Raises InputError for bases that use other features.
    """

    def __init__(self, rule: Rule, bases: Sequence[Expr], terms: Sequence[tuple[int, int]]) -> None:
        used = [join_terms([(1.0, bases[basis]) for at, basis in terms if at == c]) for c in range(len(rule.channels))]
        shape = rule.replace(updates=dict(zip(rule.channels, used, strict=True)), fronts={})
        self.channels, self.terms = len(rule.channels), tuple(terms)
        self.seen = max(1, len(seen_features(shape)))
        self.roll, self.back = compile_entries(term_ir(shape, bases, terms), ENTRIES, keep=0)

    def rollout(
        self, constants: Array, states: Array, steps: int, *, masks: Array | None = None, bound: float = _FAR
    ) -> Tape:
        """Run states (batch, channel, h, w) for `steps` steps and keep all states, so that `gradient` can be asked for.

        masks: (steps, batch, 1 or channel, h, w) of zeros and ones, or None where every cell takes every step.
        bound: every new state is clipped to ±bound; a clipped value has zero gradient.
        """
        return Tape(self, constants, states, steps, steps + 1, masks, bound)

    def last(
        self, constants: Array, states: Array, steps: int, *, masks: Array | None = None, bound: float = _FAR
    ) -> Array:
        """The states (batch, channel, h, w) after `steps` steps."""
        return Tape(self, constants, states, steps, 2, masks, bound).state()


class Tape:
    """A rollout with its last `kept` states; `gradient` needs all of them, kept = steps + 1."""

    def __init__(
        self,
        kernel: TermKernel,
        constants: Array,
        states: Array,
        steps: int,
        kept: int,
        masks: Array | None,
        bound: float,
    ) -> None:
        self.kernel, self.steps, self.bound = kernel, steps, bound
        self.constants = np.ascontiguousarray(constants, np.float32)
        if states.ndim != 4 or states.shape[1] != kernel.channels or self.constants.shape != (len(kernel.terms),):
            raise InputError(
                f"expected states (batch, {kernel.channels}, h, w) and {len(kernel.terms)} constants, "
                f"got {states.shape} and {self.constants.shape}"
            )
        if steps < 0:
            raise InputError(f"expected at least 0 steps, got {steps}")
        batch, channels, h, w = states.shape
        if masks is not None and (
            masks.ndim != 5
            or len(masks) < steps
            or masks.shape[1] != batch
            or masks.shape[2] not in (1, channels)
            or masks.shape[3:] != (h, w)
        ):
            raise InputError(f"expected masks ({steps}, {batch}, 1 or {channels}, {h}, {w}), got {masks.shape}")
        self.size = (h, w)
        self.plane = (h + 2) * (w + 2) + _SLACK
        self.states = np.zeros((kept, batch, channels, self.plane), np.float32)
        self._grid(self.states[0])[...] = np.pad(states, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap")
        planes = (1, batch, 1) if masks is None else masks.shape[:3]
        self.masks = np.zeros((*planes, self.plane), np.float32)
        self._grid(self.masks)[..., 1:-1, 1:-1] = 1.0 if masks is None else masks
        if steps:
            kernel.roll(
                self.states.ctypes.data, self.constants.ctypes.data, self.masks.ctypes.data,
                steps, kept, batch, len(self.masks), self.masks.shape[2], self.plane, h, w, bound,
            )  # fmt: skip

    def _grid(self, planes: Array) -> Array:
        """The grid with its halo inside planes (..., plane): a view (..., h + 2, w + 2)."""
        h, w = self.size
        return planes[..., : (h + 2) * (w + 2)].reshape(*planes.shape[:-1], h + 2, w + 2)

    def state(self) -> Array:
        """The last states (batch, channel, h, w), a copy."""
        return np.array(self._grid(self.states[self.steps % len(self.states)])[..., 1:-1, 1:-1])

    def gradient(self, adjoint: Array, *, limit: float = _FAR, excess: float = 0.0) -> npt.NDArray[np.float64]:
        """The gradient, with respect to the constants, of Σ adjoint · last state + excess · Σ (|state| − limit)⁺.

        adjoint: the derivative of the loss with respect to the last state, (batch, channel, h, w).
        limit, excess: the second sum, over the states of all steps, is the penalty on values beyond ±limit.
        Returns one number for each constant. Raises InputError for an adjoint of another shape.
        """
        batch, channels = self.states.shape[1:3]
        if adjoint.shape != (batch, channels, *self.size):
            raise InputError(
                f"expected adjoint ({batch}, {channels}, {self.size[0]}, {self.size[1]}), got {adjoint.shape}"
            )
        sums = np.zeros((len(self.constants), LANES), np.float32)
        seen = np.zeros((self.kernel.seen, self.plane), np.float32)
        adjoints = np.zeros((batch, channels, self.plane), np.float32)
        self._grid(adjoints)[..., 1:-1, 1:-1] = adjoint
        if self.steps:
            arrays = (self.states, self.constants, self.masks, adjoints, sums, seen)
            self.kernel.back(
                *(array.ctypes.data for array in arrays),
                self.steps, batch, len(self.masks), self.masks.shape[2], self.plane, *self.size,
                self.bound, limit, excess,
            )  # fmt: skip
        return sums.sum(axis=1, dtype=np.float64)
