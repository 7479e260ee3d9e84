"""Where the search for a law starts: textbook Turing systems, scaled to the pattern of a picture.

Tuning seldom leaves the kind of pattern that it starts from. So a sweep over one textbook system, an activator u and an
inhibitor v with a cubic saturation, covers the kinds: stripes and labyrinths, spots of the rarer colour, and holes in
it. The square of u and a constant feed decide between them, the ratio of the diffusions how sharp their edges are
(J. D. Murray, Mathematical Biology II, 3rd ed., ch. 2; R. A. Barrio et al., Bull. Math. Biol. 61 (1999) 483-505).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.refine.pictures import first_state, rgb_of
from distill.refine.table import Floats, TermTable
from distill.species.family import SPECIES, check_species, make_law
from distill.species.palette import fit_colours
from distill.species.scale import Scale
from equations.rule.mask import shift_seed
from equations.rule.rule import Rule
from equations.rule.stencils import LAP
from equations.rule.symbols import symbol

# Rates of the pair: ∂u = a·u − b·v − c·u³ + e·u² + f, ∂v = a·u − d·v, times a common factor that sets the wavelength.
ACTIVATION, INHIBITION, DECAY, SATURATION = 0.1, 0.15, 0.12, 0.1
SPREAD_V = 1.5  # diffusion of v, in units of the stencil's Laplacian; below 2 a step is stable
SPREADS_U = (0.3, 0.15, 0.08)  # diffusion of u: the smaller, the sharper the edges
STRETCHES = (0.9, 1.2, 1.6)  # factors on the wavelength: grown patterns have another than the linearised law says
BALANCES = {  # kind -> the square and the feed (e, f) of u
    "stripes": ((0.0, 0.0),),
    "spots": ((0.08, 0.0), (0.08, -0.01), (0.08, -0.02), (0.0, -0.01)),
    "holes": ((-0.08, 0.0), (-0.08, 0.01), (-0.08, 0.02), (0.0, 0.01)),
}
FASTEST = 1.0  # largest common factor of the rates: beyond it a step is too long for the reaction
SLANT = 0.6  # by this share u diffuses differently along the stripes and across them, where a picture has a direction
SECOND = 0.5  # wavelength of the second pair over that of the first
COUPLING = 0.3  # of the second pair to the first, in units of the first pair's activation
FOLLOWING, SPREAD_FOLLOWER = 0.1, 0.6  # rate at which a species that only follows u does so, and how far it spreads
RUNS, STEPS = 2, 600  # first states and steps by which a law of the sweep is judged
ODD = 8.0  # a state beyond this has run away

Terms = dict[Expr, float]
Measure = Callable[[npt.NDArray[np.float32]], float]  # pictures (n, 3, h, w) -> their mean distance from the target


@dataclass(frozen=True)
class Recipe:
    """A law of the sweep; see the constants above. square and feed are e and f."""

    kind: str
    spread: float
    stretch: float
    square: float
    feed: float

    @property
    def name(self) -> str:
        """What the report calls it."""
        feed = f", feed {self.feed:g}" if self.feed else ""
        square = f", u² {self.square:g}" if self.square else ""
        return f"{self.kind}: diffusion {self.spread:g} to {SPREAD_V:g}{square}{feed}, wavelength × {self.stretch:g}"


def recipes() -> Iterator[Recipe]:
    """All laws of the sweep."""
    for kind, balances in BALANCES.items():
        for spread, stretch, (square, feed) in itertools.product(SPREADS_U, STRETCHES, balances):
            yield Recipe(kind, spread, stretch, square, feed)


def make_starts(
    picture: npt.NDArray[np.floating], scale: Scale, species: int, measure: Measure, *, seed: int
) -> list[Rule]:
    """Laws of so many species in the colours of the picture (h, w, 3): the best of each kind, and the next best."""
    names = SPECIES[: check_species(species)]
    if species == 1:
        u = symbol("u")
        laws = {"u": {u: 0.1, u**3: -0.1, symbol("u_lap"): 0.3}}  # two phases that coarsen: there is no wavelength
        return [_coloured(laws, picture, scale, "two phases", seed)]
    found = _swept(picture, scale, measure, seed)
    if not found:
        return []
    best = [next((r for r in found if r.kind == kind), None) for kind in BALANCES]
    chosen = [recipe for recipe in best if recipe is not None]
    chosen += [recipe for recipe in found if recipe not in chosen][:1]
    return [_coloured(_system(names, scale, recipe), picture, scale, recipe.name, seed) for recipe in chosen]


def _swept(picture: npt.NDArray[np.floating], scale: Scale, measure: Measure, seed: int) -> list[Recipe]:
    """The recipes whose laws keep a pattern, those with the pictures nearest to the target first."""
    names, size = SPECIES[:2], (picture.shape[0], picture.shape[1])
    scores, kernel, start = {}, None, None
    for recipe in recipes():
        laws = _pair(*names, scale, recipe)
        table = TermTable(make_law(laws, GREY, directed=scale.has_direction, start=recipe.kind))
        if kernel is None or start is None:  # all laws have the same terms
            kernel = table.kernel
            start = np.stack([first_state(table.rule, size, shift_seed(seed, run)) for run in range(RUNS)])
        state = kernel.last(table.constants(), start, STEPS)
        if not np.abs(state).max() <= ODD or state[:, 0].std() < 1e-3:
            continue
        colours = fit_colours(picture, state[0], names)
        score = measure(rgb_of(make_law(laws, colours, directed=scale.has_direction, start=recipe.kind), state))
        if math.isfinite(score):
            scores[recipe] = score
    return sorted(scores, key=lambda recipe: scores[recipe])


def _system(names: tuple[str, ...], scale: Scale, recipe: Recipe) -> dict[str, Terms]:
    """A pair of activator and inhibitor; from four species on a second pair; and followers."""
    laws = _pair(names[0], names[1], scale, recipe)
    rest = names[2:]
    if len(rest) >= 2:
        laws |= _pair(rest[0], rest[1], scale, Recipe("stripes", recipe.spread, SECOND * recipe.stretch, 0.0, 0.0))
        laws[rest[0]][symbol(names[0])] = COUPLING * laws[names[0]][symbol(names[0])]
        rest = rest[2:]
    for number, name in enumerate(rest):
        leader = symbol(names[0] if number == 0 else names[2])
        rate = FOLLOWING if number == 0 else -FOLLOWING
        laws[name] = {symbol(name): -FOLLOWING, leader: rate, symbol(f"{name}_lap"): SPREAD_FOLLOWER}
    return laws


def _pair(u: str, v: str, scale: Scale, recipe: Recipe) -> dict[str, Terms]:
    wave = wave_response(max(2.5, recipe.stretch * scale.wavelength))
    of_u, of_v = recipe.spread, SPREAD_V
    # the waves that grow lie on both sides of the wanted one, by the same factor
    factor = wave * math.sqrt(of_u * of_v / (ACTIVATION * (INHIBITION - DECAY)))
    slower = min(1.0, FASTEST / factor)
    factor, of_u, of_v = factor * slower, of_u * slower, of_v * slower
    x, y = symbol(u), symbol(v)
    first = {
        x: ACTIVATION * factor,
        y: -INHIBITION * factor,
        x**3: -SATURATION * factor,
        x**2: recipe.square * factor,
        x**0: recipe.feed * factor,
        symbol(f"{u}_lap"): of_u,
    }
    if scale.has_direction:
        # less diffusion along the wave vector n: D·∇² + e·(n nᵀ − 1/2), in the stencils lap = ∇²/4, dxx and dxy
        amount = -SLANT * of_u / 4
        cos, sin = math.cos(2 * scale.direction), math.sin(2 * scale.direction)
        first[symbol(f"{u}_lap")] -= 2 * amount * cos
        first[symbol(f"{u}_dxx")] = amount * cos
        first[symbol(f"{u}_dxy")] = amount * sin
    return {u: first, v: {x: ACTIVATION * factor, y: -DECAY * factor, symbol(f"{v}_lap"): of_v}}


def wave_response(wavelength: float) -> float:
    """The stencil's Laplacian of a wave is minus this times the wave, as a mean over directions."""
    angles = np.linspace(0, math.pi / 4, 9)
    y, x = (2 * math.pi / wavelength * f(angles) for f in (np.sin, np.cos))
    kernel = np.asarray(LAP.kernel)
    total = sum(kernel[1 + i, 1 + j] * np.cos(i * y + j * x) for i in (-1, 0, 1) for j in (-1, 0, 1))
    return float(-np.mean(total))


GREY: dict[str, Terms] = {colour: {symbol("u"): 0.5} for colour in "rgb"}


def _coloured(laws: dict[str, Terms], picture: npt.NDArray[np.floating], scale: Scale, start: str, seed: int) -> Rule:
    """The law, in colours fitted to what its states are after a while."""
    law = make_law(laws, GREY, directed=scale.has_direction, start=start)
    state = grow(law, (picture.shape[0], picture.shape[1]), [seed], STEPS)[0]
    return make_law(laws, fit_colours(picture, state, law.channels), directed=scale.has_direction, start=start)


def grow(law: Rule, size: tuple[int, int], seeds: Sequence[int], *ages: int) -> Floats:
    """States (n, channel, h, w) of a law, from first states of these seeds: all of the first age, then of the next."""
    table = TermTable(law)
    state, age, found = np.stack([first_state(law, size, seed) for seed in seeds]), 0, []
    for until in ages:
        state = table.kernel.last(table.constants(), state, until - age)
        found.append(state)
        age = until
    return np.concatenate(found)
