"""FitzHugh-Nagumo: the simplest excitable medium; with a fast inhibitor it makes Turing patterns."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

SPOTS = Init("spots", (-1.6, -0.7), (0.0, 0.0), (1.6, -0.7), square_fraction=0.1, spots=20)
NOISE = Init("noise", (0.0, 0.0), (0.1, 0.1))
TURING = shown("u", -1.1, 1.1)

MODEL = Model(
    name="fitzhugh-nagumo",
    title="FitzHugh-Nagumo",
    about="Voltage u and recovery v of a nerve: spiral waves, or stripes and labyrinths when v diffuses fast.",
    channels=("u", "v"),
    equations={
        "u": "Du*u_lap + u - u^3/3 - v + I",
        "v": "Dv*v_lap + eps*(u + a - b*v)",
    },
    parameters={"Du": 0.5, "Dv": 0.0, "a": 0.7, "b": 0.5, "eps": 0.08, "I": 0.0},
    meaning={
        "Du": "diffusion of the voltage u, cells²/time",
        "Dv": "diffusion of the recovery v, cells²/time",
        "a": "offset of the recovery: excitable when large, oscillating when small",
        "b": "slope of the recovery; two rest states when well above 1",
        "eps": "ratio of the rates of recovery and voltage",
        "I": "applied current",
    },
    presets={
        "spirals": Preset("pairs of spiral waves of excitation", steps=8000),
        "labyrinth": Preset(
            "drops grow fingers that fill the plane and never touch",
            {"Du": 1.0, "Dv": 4.0, "a": 0.17, "b": 2.0, "eps": 0.05},
            steps=20_000,
            init=SPOTS,
        ),
        "stripes": Preset("Turing stripes", {"Dv": 5.0, "a": 0.0, "b": 0.8, "eps": 2.0}, init=NOISE, display=TURING),
        "spots": Preset("Turing spots", {"Dv": 5.0, "a": 0.1, "b": 0.8, "eps": 2.0}, init=NOISE, display=TURING),
    },
    init=Init("cross", (-1.1, -0.55), (0.0, 0.0), (1.5, 0.3)),
    display=shown("u", -2.0, 2.0),
    citation="R. FitzHugh, Impulses and physiological states in theoretical models of nerve membrane, "
    "Biophysical Journal 1 (1961) 445-466; J. Nagumo, S. Arimoto, S. Yoshizawa, An active pulse transmission line "
    "simulating nerve axon, Proc. IRE 50 (1962) 2061-2070; labyrinth: A. Hagberg, E. Meron, From labyrinthine "
    "patterns to spiral turbulence, Physical Review Letters 72 (1994) 2494-2497",
    latex=r"\partial_t u = D_u \nabla^2 u + u - \tfrac{1}{3} u^3 - v + I, \quad "
    r"\partial_t v = D_v \nabla^2 v + \varepsilon (u + a - b v)",
    dt=0.04,
)
