"""Laplacians to choose from: the five-point one, nine-point ones, or free weights of edges and corners.

On a 3 × 3 neighbourhood every symmetric Laplacian is a · edges + b · corners, and a diffusion constant scales both.
So data determine the ratio a : b only; the named stencils have the ratios in common use.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from distill.regression.library import Library, Term
from equations.rule.stencils import DX, DY, ID, LAP, LAP5, LAP9SIMS, Kernel, Stencil

Array = npt.NDArray[np.float64]


def _kernel(edge: float, corner: float) -> Kernel:
    centre = -4 * (edge + corner)
    return (corner, edge, corner), (edge, centre, edge), (corner, edge, corner)


EDGES = Stencil("edges", _kernel(1.0, 0.0))
CORNERS = Stencil("corners", _kernel(0.0, 1.0))
LAP9 = Stencil("lap9", _kernel(4 / 6, 1 / 6))
LAP8 = Stencil("lap8", _kernel(1 / 3, 1 / 3))
LAPX = Stencil("lapx", _kernel(0.0, 1 / 2))

# in order of preference where several fit equally well
LAPLACIANS: dict[str, Stencil] = {s.name: s for s in (LAP5, LAP9SIMS, LAP9, LAP, LAP8, LAPX)}
FREE = "free"
CHOICES = ("auto", *LAPLACIANS, FREE)


def candidates(dx: float) -> list[str]:
    """The named stencils, one for each ratio: lap9sims and lap9 have the same, so dx decides between them."""
    left_out = "lap9" if dx == 1 else "lap9sims"
    return [name for name in LAPLACIANS if name != left_out]


def stencils_of(name: str, dx: float) -> tuple[Stencil, ...]:
    """`id`, the Laplacian (or `edges` and `corners`), and the slopes, for cells of width dx.

    With dx = 1 the kernels are those of the catalogue, whatever their scale. Otherwise they are scaled to approximate
    the Laplacian of the plane, ∇².
    """
    chosen = (EDGES, CORNERS) if name == FREE else (LAPLACIANS[name],)
    laps = tuple(s if dx == 1 else _scaled(s, 1 / (dx**2 * _size(s))) for s in chosen)
    return ID, *laps, _scaled(DX, 1 / dx), _scaled(DY, 1 / dx)


def weights(stencil: Stencil) -> tuple[float, float]:
    """(edge, corner)."""
    return stencil.kernel[0][1], stencil.kernel[0][0]


def mix(free: Library, named: Library, name: str) -> Array:
    """The matrix (terms of named, terms of free) that expresses the terms of `named` as sums of those of `free`.

    named: over id, the Laplacian `name` and slopes.
    free: over id, edges, corners and slopes. Both are for cells of width 1.
    """
    place = {term: k for k, term in enumerate(free.terms)}
    edge, corner = weights(LAPLACIANS[name])
    matrix = np.zeros((len(named.terms), len(free.terms)))
    for row, term in enumerate(named.terms):
        for parts in product(*(_parts(atom, edge, corner) for atom in term)):
            atoms: Term = tuple(sorted(atom for atom, _ in parts))
            matrix[row, place[atoms]] += float(np.prod([weight for _, weight in parts]))
    return matrix


def _parts(atom: int, edge: float, corner: float) -> Sequence[tuple[int, float]]:
    """An atom over (id, lap, dx, dy) as atoms over (id, edges, corners, dx, dy)."""
    channel, stencil = divmod(atom, 4)
    first = 5 * channel
    if stencil == 1:
        return [(first + 1, edge), (first + 2, corner)]
    return [(first + (0 if stencil == 0 else stencil + 1), 1.0)]


def _size(stencil: Stencil) -> float:
    """The stencil's response to x²/2, whose Laplacian is 1; 1 for edges and corners, which keep their scale."""
    edge, corner = weights(stencil)
    return 1.0 if stencil.name in (EDGES.name, CORNERS.name) else edge + 2 * corner


def _scaled(stencil: Stencil, factor: float) -> Stencil:
    if factor == 1:
        return stencil
    a, b, c = ((row[0] * factor, row[1] * factor, row[2] * factor) for row in stencil.kernel)
    return Stencil(stencil.name, (a, b, c))
