"""What a 3×3 stencil measures of a smooth field: its moments, and the derivative that it is a multiple of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from equations.rule.grouping import stencil_kind
from equations.rule.rule import Rule
from equations.rule.stencils import MOORE, Stencil

_OFFSETS = (-1, 0, 1)
_TOLERANCE = 1e-9  # relative: kernels are rounded to decimals
Operator = Literal["laplacian", "dx", "dy", "dxx", "dyy", "dxy", "mean", "cell"]


@dataclass(frozen=True)
class Moments:
    """Moments of a kernel, in cells: the sum of its weights, Σ w·(x, y), and Σ w·(xx, xy, yy)."""

    total: float
    slope: tuple[float, float]
    curvature: tuple[float, float, float]

    @property
    def laplacian(self) -> float:
        """The coefficient of the Laplacian in it: the mean of ½ Σ w·xx and ½ Σ w·yy, for cells of width 1."""
        return (self.curvature[0] + self.curvature[2]) / 4


def stencil_moments(stencil: Stencil) -> Moments:
    """The moments of a stencil."""
    weights = [
        (x, y, weight)
        for y, row in zip(_OFFSETS, stencil.kernel, strict=True)
        for x, weight in zip(_OFFSETS, row, strict=True)
    ]

    def moment(a: int, b: int) -> float:
        return float(sum(weight * x**a * y**b for x, y, weight in weights))

    return Moments(moment(0, 0), (moment(1, 0), moment(0, 1)), (moment(2, 0), moment(1, 1), moment(0, 2)))


def operator_of(stencil: Stencil, dx: float = 1.0) -> tuple[Operator, float] | None:
    """The operator that the stencil is a multiple of on smooth fields, and that factor; None for any other kernel.

    laplacian: ∇². dx, dy: ∂x, ∂y; y grows downwards. dxx, dyy, dxy: ∂x², ∂y², ∂x ∂y. mean: of the eight neighbours.
    cell: the cell itself.
    dx: the width of a cell, in the unit of length in which the factor is meant.

    So the stencil `lap` of automata is ("laplacian", 0.25). It is decided by the kernel, not by the name.
    """
    kind, moments = stencil_kind(stencil), stencil_moments(stencil)
    largest = max(abs(weight) for row in stencil.kernel for weight in row)
    if kind == "reaction":
        return "cell", stencil.kernel[1][1]
    if kind == "diffusion" and abs(moments.laplacian) > _TOLERANCE * largest:
        return "laplacian", moments.laplacian * dx**2
    if kind == "advection":
        x, y = (slope if abs(slope) > _TOLERANCE * largest else 0.0 for slope in moments.slope)
        if (x == 0) != (y == 0):
            return ("dx", x * dx) if x else ("dy", y * dx)
    if stencil.kernel == MOORE.kernel:
        return "mean", 1.0
    return _second_derivative(moments, dx, _TOLERANCE * largest)


def _second_derivative(moments: Moments, dx: float, least: float) -> tuple[Operator, float] | None:
    """The one second derivative that a kernel with these moments is a multiple of; moments below `least` are 0."""
    xx, xy, yy = moments.curvature
    parts: dict[Operator, float] = {"dxx": xx / 2, "dxy": xy, "dyy": yy / 2}
    there = [(name, part * dx**2) for name, part in parts.items() if abs(part) > least]
    lower = max(abs(moment) for moment in (moments.total, *moments.slope))
    return there[0] if len(there) == 1 and lower <= least else None


def operators_of(rule: Rule) -> dict[str, tuple[Operator, float] | None]:
    """`operator_of` each stencil of the rule, by its name, in the rule's unit of length.

    Each operator occurs once: of two different Laplacians only the first is called that.
    """
    found: dict[str, tuple[Operator, float] | None] = {}
    for stencil in rule.stencils:
        operator = operator_of(stencil, rule.dx)
        seen = {other[0] for other in found.values() if other is not None}
        found[stencil.name] = None if operator is None or operator[0] in seen else operator
    return found


def unit_fraction(factor: float) -> int | None:
    """n where the size of the factor is 1/n and people write it so: ½, ⅓, ¼, ⅛; 1 for ±1; else None."""
    return next((n for n in (1, 2, 3, 4, 8) if abs(abs(factor) * n - 1) <= _TOLERANCE), None)
