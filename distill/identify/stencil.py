"""Which Laplacian the recorded system has: the five-point one, a nine-point one, or edge and corner weights of its own.

On a 3 × 3 neighbourhood every symmetric Laplacian is a · edges + b · corners; its diffusion constant only scales both.
So what can be told is the ratio a : b, and the catalogue's stencils are the ratios that people use.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from distill.regression.library import Library, Term
from equations.errors import InputError, did_you_mean
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

# in the order of preference between equals
LAPLACIANS: dict[str, Stencil] = {s.name: s for s in (LAP5, LAP9SIMS, LAP9, LAP, LAP8, LAPX)}
FREE = "free"
CHOICES = ("auto", *LAPLACIANS, FREE)


def check_choice(name: str) -> str:
    """Raises InputError for a stencil that is not known."""
    if name not in CHOICES:
        raise InputError(f"stencil: expected one of {', '.join(CHOICES)}, got {name!r}{did_you_mean(name, CHOICES)}")
    return name


def candidates(dx: float) -> list[str]:
    """The named stencils that differ in their ratio: of the two with 4 : 1 the one whose scale fits a cell of width
    dx.
    """
    left_out = "lap9" if dx == 1 else "lap9sims"
    return [name for name in LAPLACIANS if name != left_out]


def stencils_of(name: str, dx: float) -> tuple[Stencil, ...]:
    """`id`, the Laplacian (or `edges` and `corners`), and the slopes, for cells of width dx.

    With dx = 1 kernels are the catalogue's. Else Laplacians are those of the plane, ∇², whatever the catalogue's scale.
    """
    chosen = (EDGES, CORNERS) if name == FREE else (LAPLACIANS[name],)
    laps = tuple(s if dx == 1 else _scaled(s, 1 / (dx**2 * _size(s))) for s in chosen)
    return ID, *laps, _scaled(DX, 1 / dx), _scaled(DY, 1 / dx)


def weights(stencil: Stencil) -> tuple[float, float]:
    """(edge, corner)."""
    return stencil.kernel[0][1], stencil.kernel[0][0]


def ratio(edge: float, corner: float) -> float | None:
    """Corner weight over edge weight; None where the edges have none."""
    return corner / edge if edge else None


def mix(free: Library, named: Library, name: str) -> Array:
    """How the terms of `named` (over id, a Laplacian, slopes) are sums of those of `free` (over id, edges, corners,
    slopes).

    Both are over unit cells; (terms of named, terms of free).
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
    """What the stencil makes of the Laplacian of the plane: ∇²(x²) / 2 is 1."""
    edge, corner = weights(stencil)
    return 1.0 if stencil.name in (EDGES.name, CORNERS.name) else edge + 2 * corner


def _scaled(stencil: Stencil, factor: float) -> Stencil:
    if factor == 1:
        return stencil
    a, b, c = ((row[0] * factor, row[1] * factor, row[2] * factor) for row in stencil.kernel)
    return Stencil(stencil.name, (a, b, c))
