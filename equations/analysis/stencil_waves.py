"""The exact Fourier symbol of a 3×3 stencil: the factor by which it multiplies a wave on the grid.

Applied to exp(i (kx x + ky y)) on a periodic grid, a stencil gives the same wave times its symbol. Near k = 0 the
symbol is that of a differential operator: sum + i k·slope − ½ k·curvature·k, with the moments of `rule.moments`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from equations.rule.stencils import Stencil

Array = npt.NDArray[Any]
_OFFSETS = (-1, 0, 1)


def stencil_symbol(stencil: Stencil, kx: npt.ArrayLike, ky: npt.ArrayLike) -> Array:
    """Σ weight · exp(i (kx·dx + ky·dy)), complex, broadcast over kx and ky in radians per cell."""
    kx, ky = np.asarray(kx, float), np.asarray(ky, float)
    total = np.zeros(np.broadcast_shapes(kx.shape, ky.shape), complex)
    for dy, row in zip(_OFFSETS, stencil.kernel, strict=True):
        for dx, weight in zip(_OFFSETS, row, strict=True):
            if weight != 0:
                total += weight * np.exp(1j * (kx * dx + ky * dy))
    return total
