"""Gray-Scott: u is fed, v converts u into more v, and v decays; known for its many kinds of patterns."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

BLUE, RED = (1.0, 0.0), (0.42, 0.2925)  # Pearson's names: u alone, and the other uniform state at F 0.062, k 0.061
SQUARE = Init("square", BLUE, (0.02, 0.02), (0.5, 0.25))
SPOTS = Init("spots", BLUE, (0.02, 0.02), (0.5, 0.25), square_fraction=0.07, spots=20)
CROSS = Init("cross", BLUE, (0.0, 0.0), (0.4, 0.4))
SOLITONS = Init("spots", BLUE, (0.02, 0.02), (0.3, 0.5), square_fraction=0.07, spots=40)
BITS = Init("spots", RED, (0.0, 0.0), BLUE, square_fraction=0.063, spots=100)


def _at(F: float, k: float, about: str, steps: int = 10_000, seed: int = 0, init: Init = SPOTS) -> Preset:
    return Preset(about, {"F": F, "k": k}, steps, seed, init)


MODEL = Model(
    name="gray-scott",
    title="Gray-Scott",
    about="u is fed, v converts u into more v, and v decays. Spots that divide, worms, mazes, waves, gliders.",
    channels=("u", "v"),
    equations={
        "u": "Du*u_lap - u*v^2 + F*(1 - u)",
        "v": "Dv*v_lap + u*v^2 - (F + k)*v",
    },
    parameters={"Du": 0.16, "Dv": 0.08, "F": 0.055, "k": 0.062},
    meaning={
        "Du": "diffusion of u, cells²/time",
        "Dv": "diffusion of v, cells²/time",
        "F": "feed: u is renewed and both are washed out at this rate, 1/time",
        "k": "removal of v in addition to washing out, 1/time",
    },
    presets={
        "coral": _at(0.055, 0.062, "a coral grows and fills the plane with branches", init=SQUARE),
        "alpha": _at(0.010, 0.047, "Pearson's α: wavelets that break and vanish, chaos", init=SQUARE),
        "beta": _at(0.014, 0.039, "Pearson's β: chaos of waves, with holes that open and close", 6000),
        "gamma": _at(0.022, 0.051, "Pearson's γ: stripes that never come to rest"),
        "delta": _at(0.030, 0.055, "Pearson's δ: hexagons of holes"),
        "epsilon": _at(0.018, 0.055, "Pearson's ε: rings and spots that divide and die, chaos"),
        "zeta": _at(0.026, 0.059, "Pearson's ζ: crowded spots that divide and die here and there"),
        "eta": _at(0.034, 0.063, "Pearson's η: spots, short worms and loops", 6000),
        "theta": _at(0.030, 0.057, "Pearson's θ: stripes connected to a network"),
        "iota": _at(0.046, 0.0594, "Pearson's ι: holes in groups, as molecules"),
        "kappa": _at(0.050, 0.063, "Pearson's κ: winding stripes, a hedge maze"),
        "lambda": _at(0.026, 0.061, "Pearson's λ: spots divide until they stand in hexagons"),
        "mu": _at(0.046, 0.065, "Pearson's μ: worms that grow at their ends"),
        "nu": _at(0.082, 0.063, "Munafo's ν: solitons that drift apart and do not divide", init=SOLITONS),
        "xi": _at(0.010, 0.041, "Munafo's ξ: spiral waves", 6000, init=CROSS),
        "pi": _at(0.062, 0.061, "Munafo's π: stripes, loops and holes side by side"),
        "mitosis": _at(0.0367, 0.0649, "spots divide as cells do, outwards from one square", 6000, init=SQUARE),
        "u-skate": _at(0.062, 0.0609, "Munafo's U-skate: the U glides to the left", 12_000, 267, BITS),
        "spots": _at(0.035, 0.065, "spots in hexagons, all from one square", 20_000, init=SQUARE),
        "maze": _at(0.029, 0.057, "a maze of stripes", init=SQUARE),
        "chaos": _at(0.018, 0.051, "loops and spots that push and break one another", init=SQUARE),
        "waves": _at(0.014, 0.041, "broken waves that run outwards", init=SQUARE),
    },
    init=SQUARE,
    display=shown("v", 0.0, 0.4),
    citation="J. E. Pearson, Complex patterns in a simple system, Science 261 (1993) 189-192, eq. 2; "
    "R. P. Munafo, Stable localized moving patterns in the 2-D Gray-Scott model, arXiv:1501.01990 (2015); "
    "values for the classes: R. P. Munafo, mrob.com/pub/comp/xmorphia",
    latex=r"\partial_t u = D_u \nabla^2 u - u v^2 + F (1 - u), \quad "
    r"\partial_t v = D_v \nabla^2 v + u v^2 - (F + k) v",
)
