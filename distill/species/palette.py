"""First colours of a law: those that give its states the distribution of colours of a picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.species.scale import main_contrast
from equations.rule.colours import COLOURS
from equations.rule.symbols import symbol

RANKS = 1024
SHARE = 0.3  # of the second principal colour, by which each species after the inhibitor changes it at first


def fit_colours(
    picture: npt.NDArray[np.floating], state: npt.NDArray[np.floating], names: tuple[str, ...]
) -> dict[str, dict[Expr, float]]:
    """Red, green and blue as quadratic functions of u: cells and pixels are matched by rank, the rarer colour at large
    u, and the second principal colour by the further species.

    state: (channel, h, w), of a grown pattern.
    """
    pixels = np.asarray(picture, np.float64).reshape(-1, 3)
    order = np.argsort(main_contrast(np.asarray(picture, np.float64)).ravel(), kind="stable")
    ranks = (np.arange(RANKS) + 0.5) / RANKS
    wanted = pixels[order][(ranks * len(pixels)).astype(int)]
    u = np.quantile(np.asarray(state[0], np.float64), ranks)
    spread = max(float(u.std()), 1e-6)
    bases = np.stack([np.ones_like(u), u / spread, (u / spread) ** 2], axis=1)
    weights = np.linalg.lstsq(bases, wanted, rcond=1e-3)[0] / np.array([[1.0], [spread], [spread**2]])
    first = symbol(names[0])
    found = {c: {first**0: w[0], first: w[1], first**2: w[2]} for c, w in zip(COLOURS, weights.T, strict=True)}
    variances, directions = np.linalg.eigh(np.cov(pixels.T))
    second = SHARE * directions[:, -2] * np.sqrt(max(variances[-2], 0.0))
    for number, name in enumerate(names[2:], start=2):
        values = np.asarray(state[number], np.float64)
        for colour, share in zip(COLOURS, second / max(float(values.std()), 1e-3), strict=True):
            found[colour][symbol(name)] = float(share)
            found[colour][first**0] -= float(share * values.mean())
    return {colour: {basis: float(weight) for basis, weight in terms.items()} for colour, terms in found.items()}
