"""Schnakenberg: the shortest chemical scheme with a limit cycle, and a standard Turing system."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

MODEL = Model(
    name="schnakenberg",
    title="Schnakenberg",
    about="u grows by using up v, which diffuses faster: spots, stripes.",
    channels=("u", "v"),
    equations={
        "u": "Du*u_lap + a - u + u^2*v",
        "v": "Dv*v_lap + b - u^2*v",
    },
    parameters={"Du": 1.0, "Dv": 20.0, "a": 0.1, "b": 0.9},
    meaning={
        "Du": "diffusion of the activator u, cells²/time",
        "Dv": "diffusion of the substrate v, cells²/time",
        "a": "feed of u",
        "b": "feed of v; the uniform state is u = a + b, v = b/(a + b)²",
    },
    presets={
        "spots": Preset("spots in hexagons"),
        "stripes": Preset(
            "stripes",
            {"Du": 0.5, "a": 0.05, "b": 2.2},
            steps=20_000,
            init=Init("noise", (2.25, 0.435), (0.05, 0.05)),
            display=shown("u", 0.9, 3.8),
        ),
    },
    init=Init("noise", (1.0, 0.9), (0.05, 0.05)),
    display=shown("u", 0.1, 3.0),
    citation="J. Schnakenberg, Simple chemical reaction systems with limit cycle behaviour, "
    "Journal of Theoretical Biology 81 (1979) 389-400",
    latex=r"\partial_t u = D_u \nabla^2 u + a - u + u^2 v, \quad \partial_t v = D_v \nabla^2 v + b - u^2 v",
    dt=0.01,
)
