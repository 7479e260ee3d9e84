"""Any 3 × 3 kernel as a sum of nine differences, so that stencils are compared by what they do, not by their names.

Any three weights along an axis are a sum of multiples of the cell itself (0 1 0), of the central difference
δ = (-1 0 1)/2 and of the second difference δ² = (1 -2 1). In the plane this gives nine products, and every kernel is
exactly one weighted sum of them. Six are leading: the cell, ∂x, ∂y, ∇² = δx² + δy², and the two other second
derivatives. The other three (δx²δy², δxδy², δx²δy) are of higher order in the width of a cell: they distinguish a
nine-point from a five-point Laplacian, and a Sobel filter from a plain central difference.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from equations.rule.stencils import Kernel, Stencil

CELL = ""  # the part of the cell itself
# part of higher order → the leading part that it corrects on the grid
CORRECTS = {"dxxyy": "lap", "dxyy": "dx", "dxxy": "dy"}
PARTS = (CELL, "dx", "dy", "lap", "aniso", "dxy", *CORRECTS)
_TOLERANCE = 1e-12  # a weight below this part of the largest one is 0: kernels are written in decimals

_ROWS = {"1": np.array([0.0, 1, 0]), "d": np.array([-0.5, 0, 0.5]), "dd": np.array([1.0, -2, 1])}
_PRODUCTS = {  # along y, along x
    CELL: ("1", "1"),
    "dx": ("1", "d"),
    "dy": ("d", "1"),
    "dxy": ("d", "d"),
    "dxxyy": ("dd", "dd"),
    "dxyy": ("dd", "d"),
    "dxxy": ("d", "dd"),
}
_ACROSS, _DOWN = np.outer(_ROWS["1"], _ROWS["dd"]), np.outer(_ROWS["dd"], _ROWS["1"])
_KERNELS = {part: np.outer(_ROWS[y], _ROWS[x]) for part, (y, x) in _PRODUCTS.items()}
_KERNELS |= {"lap": _ACROSS + _DOWN, "aniso": _ACROSS - _DOWN}
_INVERSE = np.linalg.inv(np.stack([_KERNELS[part].ravel() for part in PARTS], axis=1))

STENCILS = tuple(
    Stencil("id" if part == CELL else part, tuple(tuple(map(float, row)) for row in _KERNELS[part]))  # type: ignore[arg-type]
    for part in PARTS
)


def parts_of(kernel: Kernel) -> dict[str, float]:
    """The parts whose weighted sum is the kernel, in the order of `PARTS`; those of weight 0 are left out."""
    weights = _INVERSE @ np.asarray(kernel, float).ravel()
    least = _TOLERANCE * float(np.abs(weights).max(initial=0.0))
    return {part: float(w) for part, w in zip(PARTS, weights, strict=True) if abs(w) > least}


def describe_laplacian(parts: Mapping[str, float]) -> str:
    """The name of a Laplacian, from its parts `lap` and `dxxyy`: it depends on the share of ∇² in the corners."""
    lead = parts.get("lap", 0.0)
    corners = parts.get("dxxyy", 0.0) / lead if lead else float("inf")
    for share, name in ((0.0, "five-point"), (1 / 4, "nine-point (1 2 1)"), (1 / 6, "nine-point (1 4 1)")):
        if abs(corners - share) <= 1e-3:
            return name
    return f"nine-point, corners {corners:.3g} of it"
