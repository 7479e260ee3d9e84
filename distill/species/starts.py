"""Where the search for a law starts: textbook systems in the wavelength, the direction and the colours of a picture.

Tuning seldom leaves the kind of pattern that it starts from. So a sweep over `systems` covers the kinds: each is run,
zoomed by what its pattern measures, run again, coloured, and compared with the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill.refine.pictures import first_state
from distill.refine.table import Floats, TermTable
from distill.species.family import SPECIES, check_species, make_law
from distill.species.palette import Colours, fit_colours, painted
from distill.species.scale import Scale, measure_scale
from distill.species.systems import System, Terms, diffusion_terms, systems
from equations.errors import InputError
from equations.rule.colours import COLOURS
from equations.rule.init import Init
from equations.rule.mask import shift_seed
from equations.rule.rule import Rule
from equations.rule.symbols import symbol

SECOND = 0.5  # wavelength of the second pair over that of the first
COUPLING = 0.3  # of the second pair to the first, in units of the first pair's activation
FOLLOWING, SPREAD_FOLLOWER = 0.1, 0.6  # rate at which a species that only follows u does so, and how far it spreads
RUNS, STEPS, OLD = 2, 400, 1200  # first states, and the ages at which a law of the sweep is judged
ROUNDS = 2  # of running a law and zooming it, before that
STRETCHES = (1.0, 1.25)  # factors on the wavelength that are tried then: no one measure of it fits all patterns
ZOOM = (0.5, 2.0)  # a law whose pattern must be zoomed by more than this is left out
ODD = 8.0  # a state beyond this has run away
FAINT = 1e-2  # standard deviation of u, in units of its largest value, below which there is no pattern
MOST = 6  # so many starts are tuned
WEAK = 0.3  # amplitude of the first noise of species beyond the first two: a second pair may run away from more

GREY: Mapping[str, Terms] = {colour: {symbol("u"): 0.5} for colour in COLOURS}
Measure = Callable[[npt.NDArray[np.float32]], float]  # pictures (n, 3, h, w) -> their mean distance from the target


@dataclass(frozen=True, eq=False)
class Tried:
    """A system of the sweep, scaled to the picture; its colours, whether they have a blend, and its distance."""

    system: System
    colours: Colours
    blend: bool
    score: float


def make_starts(
    picture: npt.NDArray[np.floating], scale: Scale, species: int, measure: Measure, *, seed: int
) -> list[Rule]:
    """Laws of so many species in the colours of the picture (h, w, 3): the best of each kind, and the next best."""
    names = SPECIES[: check_species(species)]
    if species == 1:
        u = symbol("u")
        laws = {"u": {u: 0.1, u**3: -0.1, symbol("u_lap"): 0.3}}  # two phases that coarsen: there is no wavelength
        law = make_law(laws, GREY, directed=scale.has_direction, start="two phases")
        return [_recoloured(law, laws, picture, scale, seed)]
    found = sweep(picture, scale, measure, seed)
    best = [
        next((tried for tried in found if tried.system.kind == kind), None) for kind in ("stripes", "spots", "holes")
    ]
    chosen = [tried for tried in best if tried is not None]
    chosen += [tried for tried in found if tried not in chosen][: MOST - len(chosen)]
    return [_start(names, tried, picture, scale, seed) for tried in chosen]


def sweep(picture: npt.NDArray[np.floating], scale: Scale, measure: Measure, seed: int) -> list[Tried]:
    """The systems that keep a pattern of the picture's wavelength, those whose pictures are nearest to it first."""
    family = make_law({"u": {}, "v": {}}, GREY, directed=scale.has_direction, start="")
    bench = _Bench(TermTable(family), picture, scale, measure, seed)
    found = []
    for system in systems():
        fitting = bench.calibrated(system)
        tried = [] if fitting is None else [one for s in STRETCHES for one in bench.judged(fitting.zoomed(s))]
        found += sorted(tried, key=lambda one: one.score)[:1]
    return sorted(found, key=lambda one: one.score)


@dataclass(frozen=True)
class _Bench:
    """What all laws of a sweep are run and measured with; `table` has all terms of the family."""

    table: TermTable
    picture: npt.NDArray[np.floating]
    scale: Scale
    measure: Measure
    seed: int

    def run(self, system: System, *ages: int) -> list[Floats] | None:
        """States (RUNS, 2, h, w) of these ages; None where the pattern dies or runs away."""
        size = (self.picture.shape[0], self.picture.shape[1])
        rule = self.table.rule.replace(init=_init(system, 2))
        self.fill(_pair(("u", "v"), system, self.scale))
        state = np.stack([first_state(rule, size, shift_seed(self.seed, run)) for run in range(RUNS)])
        found, age = [], 0
        for until in ages:
            state = self.table.kernel.last(self.table.constants(), state, until - age)
            largest = np.abs(state).max(axis=(0, 2, 3))
            if not largest.max() <= ODD or state[:, 0].std(axis=(1, 2)).min() <= FAINT * largest[0]:
                return None
            found.append(state)
            age = until
        return found

    def calibrated(self, system: System) -> System | None:
        """The system in units in which its states are at most 1, with the picture's wavelength; None without one."""
        system = system.zoomed(self.scale.wavelength / system.wavelength)
        for _ in range(ROUNDS):
            found = self.run(system, OLD)
            if found is None:
                return None
            largest = np.abs(found[0]).max(axis=(0, 2, 3))
            system = system.in_units((float(largest[0]), float(largest[1])))
            try:
                seen = measure_scale(np.repeat(found[0][0, 0][..., None], 3, axis=2) / largest[0])
            except InputError:
                return None
            zoom = self.scale.wavelength / seen.wavelength
            if not ZOOM[0] <= zoom <= ZOOM[1]:
                return None
            system = system.zoomed(zoom)
        return system

    def judged(self, system: System) -> list[Tried]:
        """The system in soft and in sharp colours, each with the worse score of two ages; none without a pattern."""
        found = self.run(system, STEPS, OLD)
        if found is None:
            return []
        tried = []
        for blend in (False, True):
            colours = fit_colours(self.picture, found[-1][0], ("u", "v"), blend=blend)
            score = max(self.measure(painted(colours, state, ("u", "v"))) for state in found)
            tried.append(Tried(system, colours, blend, score))
        return [one for one in tried if math.isfinite(one.score)]

    def fill(self, laws: Mapping[str, Terms]) -> None:
        """Give the table these constants, and 0 for all others."""
        table = self.table
        place = {basis: column for column, basis in enumerate(table.bases)}
        table.scaled[:] = 0
        for row, terms in enumerate(laws.values()):
            for basis, constant in terms.items():
                table.scaled[row, place[basis]] = constant
        table.scaled *= table.size * table.unit


def _start(names: tuple[str, ...], tried: Tried, picture: npt.NDArray[np.floating], scale: Scale, seed: int) -> Rule:
    laws = _system(names, tried.system, scale)
    law = make_law(laws, tried.colours, directed=scale.has_direction, start=tried.system.name)
    law = law.replace(init=_init(tried.system, len(names)))
    return law if len(names) == 2 else _recoloured(law, laws, picture, scale, seed, blend=tried.blend)


def _init(system: System, species: int) -> Init:
    """Noise for the pair, and weaker noise around 0 for species beyond it, which follow the pair."""
    more = species - 2
    centre = (*system.centre, *[0.0] * more)
    return Init("noise", centre, (*system.noise, *[min(WEAK, max(system.noise))] * more))


def _system(names: tuple[str, ...], system: System, scale: Scale) -> dict[str, Terms]:
    """A pair of activator and inhibitor; from four species on a second pair; and followers."""
    laws = _pair((names[0], names[1]), system, scale)
    rest = names[2:]
    if len(rest) >= 2:
        stripes = next(iter(systems()))
        second = stripes.zoomed(max(2.5, SECOND * scale.wavelength) / stripes.wavelength)
        laws |= _pair((rest[0], rest[1]), second, scale)
        own = laws[rest[0]][symbol(rest[0])]
        laws[rest[0]][symbol(names[0])] = COUPLING * own
        rest = rest[2:]
    for number, name in enumerate(rest):
        leader = symbol(names[0] if number == 0 else names[2])
        rate = FOLLOWING if number == 0 else -FOLLOWING
        laws[name] = {symbol(name): -FOLLOWING, leader: rate, symbol(f"{name}_lap"): SPREAD_FOLLOWER}
    return laws


def _pair(names: tuple[str, str], system: System, scale: Scale) -> dict[str, Terms]:
    """The terms of one step of a system, in these names. Only the activator's diffusion has a direction."""
    reactions, spread = system.per_step()
    called = {symbol(old): symbol(new) for old, new in zip(("u", "v"), names, strict=True)}
    laws = {}
    for old, new, wide, directed in zip(("u", "v"), names, spread, (scale, None), strict=True):
        laws[new] = {basis.xreplace(called): rate for basis, rate in reactions[old].items()}
        laws[new] |= diffusion_terms(new, wide, directed)
    return laws


def _recoloured(
    law: Rule,
    laws: Mapping[str, Terms],
    picture: npt.NDArray[np.floating],
    scale: Scale,
    seed: int,
    *,
    blend: bool = False,
) -> Rule:
    """The law, in colours fitted to what its states are after a while."""
    state = grow(law, (picture.shape[0], picture.shape[1]), [seed], STEPS)[0]
    if not np.isfinite(state).all():
        return law  # it has run away, and whoever compares the starts will see that
    colours = fit_colours(picture, state, law.channels, blend=blend)
    start = str(law.provenance["start"])
    return make_law(laws, colours, directed=scale.has_direction, start=start).replace(init=law.init)


def grow(law: Rule, size: tuple[int, int], seeds: Sequence[int], *ages: int) -> Floats:
    """States (n, channel, h, w) of a law, from first states of these seeds: all of the first age, then of the next."""
    table = TermTable(law)
    state, age, found = np.stack([first_state(law, size, seed) for seed in seeds]), 0, []
    for until in ages:
        state = table.kernel.last(table.constants(), state, until - age)
        found.append(state)
        age = until
    return np.concatenate(found)
