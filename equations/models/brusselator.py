"""Brusselator: the first chemical scheme shown to make patterns by diffusion."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

MODEL = Model(
    name="brusselator",
    title="Brusselator",
    about="A hypothetical reaction scheme with an autocatalytic step: hexagons of spots, stripes, hexagons of holes.",
    channels=("u", "v"),
    equations={
        "u": "Du*u_lap + A - (B + 1)*u + u^2*v",
        "v": "Dv*v_lap + B*u - u^2*v",
    },
    parameters={"Du": 2.0, "Dv": 16.0, "A": 4.5, "B": 7.5},
    meaning={
        "Du": "diffusion of the activator u, cells²/time",
        "Dv": "diffusion of the inhibitor v, cells²/time",
        "A": "feed of u; the uniform state is u = A, v = B/A",
        "B": "rate at which u turns into v; patterns above (1 + A √(Du/Dv))², oscillations above 1 + A²",
    },
    presets={
        "stripes": Preset("Turing stripes", steps=20_000, display=shown("u", 1.5, 7.0)),
        "spots": Preset("hexagons of spots", {"A": 2.0, "B": 4.0}, init=Init("noise", (2.0, 2.0), (0.1, 0.1))),
        "holes": Preset("hexagons of holes, close to the onset", {"B": 7.0}, 20_000, display=shown("u", 2.0, 6.0)),
    },
    init=Init("noise", (4.5, 1.6), (0.1, 0.1)),
    display=shown("u", 0.5, 5.5),
    citation="I. Prigogine, R. Lefever, Symmetry breaking instabilities in dissipative systems II, "
    "Journal of Chemical Physics 48 (1968) 1695-1700",
    latex=r"\partial_t u = D_u \nabla^2 u + A - (B + 1) u + u^2 v, \quad \partial_t v = D_v \nabla^2 v + B u - u^2 v",
    dt=0.01,
)
