"""Textbook systems of two species with known kinds of pattern, and how they are scaled to a wavelength and a direction.

The pair of an activator u and an inhibitor v with a cubic saturation covers stripes and labyrinths, spots of the rarer
colour, and holes in it: the square of u and a constant feed decide between them, the ratio of the diffusions how sharp
their edges are (J. D. Murray, Mathematical Biology II, 3rd ed., ch. 2; R. A. Barrio et al., Bull. Math. Biol. 61 (1999)
483-505). The others are systems of the catalogue `equations.models` whose reactions are polynomials.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from sympy import Expr

from distill.species.scale import Scale
from equations import models
from equations.expressions.terms import split_terms
from equations.rule.symbols import symbol

Terms = dict[Expr, float]

# Rates of the pair: ∂u = a·u − b·v − c·u³ + e·u² + f, ∂v = a·u − d·v.
ACTIVATION, INHIBITION, DECAY, SATURATION = 0.1, 0.15, 0.12, 0.1
RATIOS = (0.2, 0.1, 0.06)  # diffusion of u over that of v: the smaller, the sharper the edges
BALANCES = {  # kind -> the square and the feed (e, f) of u
    "stripes": ((0.0, 0.0),),
    "spots": ((0.0, -0.007), (0.0, -0.01), (0.0, -0.013), (0.03, -0.007), (0.06, 0.0)),
    "holes": ((0.0, 0.007), (0.0, 0.01), (0.0, 0.013), (-0.03, 0.007), (-0.06, 0.0)),
}
NOISE = 0.8  # the pair starts from uniform noise in ± this: less takes longer to become a pattern
# Of the catalogue: model and preset, kind of pattern, the channel that makes it, and its wavelength in cells where the
# linearised system does not give it.
CATALOGUE = (
    ("schnakenberg:spots", "spots", "u", None),
    ("schnakenberg:stripes", "stripes", "u", None),
    ("brusselator:stripes", "stripes", "u", None),
    ("brusselator:spots", "spots", "u", None),
    ("brusselator:holes", "holes", "u", None),
    ("fitzhugh-nagumo:stripes", "stripes", "u", None),
    ("gray-scott:coral", "stripes", "v", 14.0),
    ("gray-scott:kappa", "stripes", "v", 14.0),
    ("gray-scott:delta", "holes", "v", 14.0),
)
RED = ((0.5, 0.25), (0.2, 0.1))  # Gray-Scott starts from noise around this state, where both species are there
SPREAD = 1.5  # largest diffusion, in units of the stencil's Laplacian; below 2 a step is stable
FASTEST = 0.25  # largest rate of the linearised reactions per step: beyond it a step is too long for large states
SLANT = 0.6  # by this share the activator diffuses less across the stripes than along them, where there is a direction
LAP_UNIT = 4.0  # the stencil `lap` is ∇²/4


@dataclass(frozen=True)
class System:
    """A system of two species, the activator u and v, in units of its own.

    name: what reports call it. kind: of its patterns: "stripes", "spots" or "holes".
    reactions: of each species, basis -> rate.
    spread: diffusion of u and of v, in cells² per time.
    centre, noise: first states are uniform noise in centre ± noise.
    wavelength: in cells, of what grows; only its order of size matters.
    """

    name: str
    kind: str
    reactions: Mapping[str, Terms]
    spread: tuple[float, float]
    centre: tuple[float, float]
    noise: tuple[float, float]
    wavelength: float

    def zoomed(self, factor: float) -> System:
        """The system whose patterns are this many times as long."""
        spread = (self.spread[0] * factor**2, self.spread[1] * factor**2)
        return replace(self, spread=spread, wavelength=self.wavelength * factor)

    def in_units(self, unit: tuple[float, float]) -> System:
        """The system with other units of u and v: a state that was `unit` is 1."""
        sizes = {symbol(name): size for name, size in zip(("u", "v"), unit, strict=True)}
        reactions = {}
        for (name, terms), own in zip(self.reactions.items(), unit, strict=True):
            reactions[name] = {basis: float(rate * basis.subs(sizes)) / own for basis, rate in terms.items()}
        centre, noise = ((a / unit[0], b / unit[1]) for a, b in (self.centre, self.noise))
        return replace(self, reactions=reactions, centre=centre, noise=noise)

    def per_step(self) -> tuple[dict[str, Terms], tuple[float, float]]:
        """Reactions and diffusion of one step: as long a step as diffusion and reactions allow."""
        rate = float(np.abs(np.linalg.eigvals(_jacobian(self.reactions, self.centre))).max())
        step = min(SPREAD / LAP_UNIT / max(self.spread), FASTEST / max(rate, 1e-12))
        reactions = {n: {b: r * step for b, r in terms.items()} for n, terms in self.reactions.items()}
        return reactions, (LAP_UNIT * step * self.spread[0], LAP_UNIT * step * self.spread[1])


def systems() -> Iterator[System]:
    """All systems of the sweep."""
    for kind, balances in BALANCES.items():
        for ratio, (square, feed) in itertools.product(RATIOS, balances):
            yield _pair(kind, ratio, square, feed)
    for name, kind, activator, wavelength in CATALOGUE:
        yield _of_catalogue(name, kind, activator, wavelength)


def _pair(kind: str, ratio: float, square: float, feed: float) -> System:
    u, v = symbol("u"), symbol("v")
    first = {u: ACTIVATION, v: -INHIBITION, u**3: -SATURATION, u**2: square, u**0: feed}
    reactions = {"u": {b: r for b, r in first.items() if r}, "v": {u: ACTIVATION, v: -DECAY}}
    name = f"{kind}: diffusion 1 to {1 / ratio:g}"
    name += (f", u² {square:g}" if square else "") + (f", feed {feed:g}" if feed else "")
    spread = (ratio, 1.0)
    wavelength = wave_of(_jacobian(reactions, (0.0, 0.0)), spread)
    return System(name, kind, reactions, spread, (0.0, 0.0), (NOISE, NOISE), wavelength)


def _of_catalogue(name: str, kind: str, activator: str, wavelength: float | None) -> System:
    rule = models.get(name)
    assert rule.init is not None
    own = (activator, next(channel for channel in rule.channels if channel != activator))
    names = {symbol(old): symbol(new) for old, new in zip(own, ("u", "v"), strict=True)}
    reactions, spread = {}, []
    for old, new in zip(own, ("u", "v"), strict=True):
        terms = {basis: constant for constant, basis in split_terms(rule.updates[old].expand())}
        spread.append(terms.pop(symbol(f"{old}_lap")))
        reactions[new] = {basis.xreplace(names): constant for basis, constant in terms.items()}
    order = [rule.channels.index(channel) for channel in own]
    background, amplitude = RED if wavelength else (rule.init.background, rule.init.amplitude)
    centre, noise = ((values[order[0]], values[order[1]]) for values in (background, amplitude))
    length = wavelength or wave_of(_jacobian(reactions, centre), (spread[0], spread[1]))
    return System(name, kind, reactions, (spread[0], spread[1]), centre, noise, length)


def _jacobian(reactions: Mapping[str, Terms], at: tuple[float, float]) -> np.ndarray:
    u, v = symbol("u"), symbol("v")
    values = dict(zip((u, v), at, strict=True))
    rows = [
        [sum(rate * float(basis.diff(by).subs(values)) for basis, rate in terms.items()) for by in (u, v)]
        for terms in reactions.values()
    ]
    return np.array(rows, np.float64)


def wave_of(jacobian: np.ndarray, spread: tuple[float, float]) -> float:
    """The middle of the wavelengths that grow: k⁴ = det J / (D_u D_v) (Murray, eq. 2.27)."""
    return float(2 * math.pi * (spread[0] * spread[1] / np.linalg.det(jacobian)) ** 0.25)


def diffusion_terms(name: str, spread: float, scale: Scale | None) -> Terms:
    """The terms by which a species spreads, in the stencil's Laplacian; slower along the wave vector of `scale`.

    D·∇² + e·(n nᵀ − 1/2), in the stencils lap = ∇²/4, dxx and dxy.
    """
    lap = symbol(f"{name}_lap")
    if scale is None or not scale.has_direction:
        return {lap: spread}
    amount = -SLANT * spread / LAP_UNIT
    cos, sin = math.cos(2 * scale.direction), math.sin(2 * scale.direction)
    return {lap: spread - 2 * amount * cos, symbol(f"{name}_dxx"): amount * cos, symbol(f"{name}_dxy"): amount * sin}
