"""First colours of a law: those that give its states the distribution of colours of a picture.

Quadratic functions of the activator make soft edges. Most pictures have sharper ones: a spot is yellow up to its rim,
and then green. So colours may also use a blend, tanh(k·u − c): two colours on both sides of a threshold c / k of u.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import sympy
from scipy.optimize import least_squares
from sympy import Expr

from distill.species.scale import main_contrast
from equations.expressions import build
from equations.expressions.numeric import compile_numpy
from equations.rule.colours import COLOURS
from equations.rule.symbols import symbol

Array = npt.NDArray[np.float64]
Colours = dict[str, dict[Expr, float]]  # of "r", "g" and "b": basis -> constant

RANKS = 512
SHARE = 0.3  # of the second principal colour, by which each species after the inhibitor changes it at first
STEEP = (0.5, 1.0, 2.0, 4.0)  # first values of k, per standard deviation of u
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)  # and of c / k, as quantiles of u
STEEPEST = 12.0  # largest k, per standard deviation of u: a steeper edge is narrower than a cell
DIGITS = 3  # of k and c


def fit_colours(
    picture: npt.NDArray[np.floating], state: npt.NDArray[np.floating], names: tuple[str, ...], *, blend: bool = False
) -> Colours:
    """Red, green and blue as functions of u: cells and pixels are matched by rank, the rarer colour at large u, and the
    second principal colour by the species beyond the second.

    picture: (h, w, 3). state: (channel, h, w), of a grown pattern.
    blend: whether they are quadratic functions of u and of a blend, rather than of u alone.
    """
    pixels = np.asarray(picture, np.float64).reshape(-1, 3)
    order = np.argsort(main_contrast(np.asarray(picture, np.float64)).ravel(), kind="stable")
    ranks = (np.arange(RANKS) + 0.5) / RANKS
    wanted = pixels[order][(ranks * len(pixels)).astype(int)]
    values = np.quantile(np.asarray(state[0], np.float64), ranks)
    unit = max(float(values.std()), 1e-6)
    u = symbol(names[0])
    columns = {u**0: np.ones(RANKS), u: values / unit, u**2: (values / unit) ** 2}
    units = [1.0, unit, unit**2]
    if blend and np.ptp(values) > 1e-9:
        steepness, threshold = _fit_blend(values / unit, wanted)
        steepness, shift = (float(f"{x:.{DIGITS}g}") for x in (steepness / unit, steepness * threshold))
        columns[make_blend(u, steepness, shift)] = np.tanh(steepness * values - shift)
        units.append(1.0)
    weights = np.linalg.lstsq(np.stack(list(columns.values()), axis=1), wanted, rcond=1e-3)[0]
    rows = (weights / np.array(units)[:, None]).T
    found = {colour: dict(zip(columns, row.tolist(), strict=True)) for colour, row in zip(COLOURS, rows, strict=True)}
    variances, directions = np.linalg.eigh(np.cov(pixels.T))
    second = SHARE * directions[:, -2] * np.sqrt(max(variances[-2], 0.0))
    for number, name in enumerate(names[2:], start=2):
        values = np.asarray(state[number], np.float64)
        for colour, share in zip(COLOURS, second / max(float(values.std()), 1e-3), strict=True):
            found[colour][symbol(name)] = float(share)
            found[colour][u**0] -= float(share * values.mean())
    return found


def make_blend(u: Expr, steepness: float, shift: float) -> Expr:
    """tanh(steepness·u − shift)."""
    return build.tanh(build.add(build.multiply(sympy.Float(steepness), u), sympy.Float(-shift)))


def _fit_blend(values: Array, wanted: Array) -> tuple[float, float]:
    """Steepness and threshold of the blend of two colours that is nearest to wanted (n, 3) at values (n,)."""

    def miss(parameters: Array) -> Array:
        blend = np.tanh(parameters[0] * (values - parameters[1]))
        columns = np.stack([np.ones_like(blend), blend], axis=1)
        left: Array = (columns @ np.linalg.lstsq(columns, wanted, rcond=None)[0] - wanted).ravel()
        return left

    starts = [np.array([steepness, at]) for steepness in STEEP for at in np.quantile(values, THRESHOLDS)]
    best = min(starts, key=lambda start: float(np.square(miss(start)).sum()))
    bounds = ([0.1, values.min()], [STEEPEST, values.max()])
    found = least_squares(miss, np.clip(best, *bounds), bounds=bounds, max_nfev=30).x
    return float(found[0]), float(found[1])


def painted(colours: Colours, states: npt.NDArray[np.floating], names: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """States (n, channel, h, w) in these colours, as pictures (n, 3, h, w)."""
    bases = sorted({basis for terms in colours.values() for basis in terms}, key=sympy.default_sort_key)
    weights = np.array([[terms.get(basis, 0.0) for basis in bases] for terms in colours.values()])
    seen = compile_numpy(bases, names)(np.asarray(states, np.float64).swapaxes(0, 1))
    return np.ascontiguousarray(np.einsum("kb,bnhw->nkhw", weights, seen), np.float32)
