"""What each update is made of: diffusion, advection, reaction, and the rest; with the matrix of diffusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from equations.expressions.terms import split_terms
from equations.rule.grouping import Kind, group_update
from equations.rule.moments import stencil_moments
from equations.rule.rule import Rule
from equations.rule.stencils import feature_name

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Split:
    """A rule's updates, split into kinds of terms.

    groups: channel → kind → expression.
    diffusion: (C, C) entry [c, d] is the coefficient of channel d's Laplacian in the update of c, in length² per time.
    velocity: (C, C, 2) the velocity (x, y) with which the update of c carries channel d, in length per time.
    Only terms that are a number times one response count in `diffusion` and `velocity`; those under "rest" do not.
    """

    groups: Mapping[str, Mapping[Kind, Expr]]
    diffusion: Array
    velocity: Array

    @property
    def reaction_diffusion(self) -> bool:
        """Whether there is nothing but reaction and diffusion, and some diffusion."""
        kinds = {kind for parts in self.groups.values() for kind in parts}
        return kinds <= {"reaction", "diffusion"} and "diffusion" in kinds


def split_rule(rule: Rule) -> Split:
    """The groups of each update (`rule.grouping`), and the coefficients of its diffusion and advection.

    A stencil of weight w is a Laplacian times ¼ Σ w (x² + y²) cells², or a slope times Σ w (x, y) cells; the rule's
    `dx` says how wide a cell is. So u_lap / 0.4² over cells of width 0.4 is a coefficient of 1.
    """
    groups = {channel: group_update(rule, channel) for channel in rule.channels}
    count = len(rule.channels)
    diffusion, velocity = np.zeros((count, count)), np.zeros((count, count, 2))
    moments = {
        feature_name(channel, stencil.name): (index, stencil_moments(stencil))
        for index, channel in enumerate(rule.channels)
        for stencil in rule.stencils
    }
    for row, channel in enumerate(rule.channels):
        for coefficient, basis in split_terms(groups[channel].get("diffusion", sympy.S.Zero)):
            column, found = moments[str(basis)]
            diffusion[row, column] += coefficient * found.laplacian * rule.dx**2
        for coefficient, basis in split_terms(groups[channel].get("advection", sympy.S.Zero)):
            column, found = moments[str(basis)]
            velocity[row, column] -= coefficient * np.array(found.slope) * rule.dx  # ∂u/∂t = −velocity · ∇u
    return Split(groups, diffusion, velocity)
