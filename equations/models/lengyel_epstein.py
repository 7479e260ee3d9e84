"""Lengyel-Epstein: the CIMA reaction, in which Turing patterns were first seen in a laboratory."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

MODEL = Model(
    name="lengyel-epstein",
    title="Lengyel-Epstein (CIMA)",
    about="The chlorite-iodide-malonic acid reaction, iodide u and chlorite v: hexagons and stripes.",
    channels=("u", "v"),
    equations={
        "u": "D*u_lap + a - u - 4*u*v/(1 + u^2)",
        "v": "sigma*(D*d*v_lap + b*(u - u*v/(1 + u^2)))",
    },
    parameters={"D": 1.0, "a": 10.0, "b": 0.25, "d": 1.5, "sigma": 20.0},
    meaning={
        "D": "diffusion of iodide u, cells²/time",
        "a": "feed of iodide; the uniform state is u = a/5, v = 1 + u²",
        "b": "feed of chlorine dioxide and iodine",
        "d": "ratio of the diffusion of chlorite to that of iodide",
        "sigma": "factor by which binding to starch slows iodide down",
    },
    presets={
        "stripes": Preset("Turing stripes", steps=20_000),
        "spots": Preset(
            "hexagons of spots",
            {"D": 0.6, "a": 9.0, "b": 0.1, "sigma": 40.0},
            steps=20_000,
            init=Init("noise", (1.8, 4.24), (0.1, 0.1)),
            display=shown("u", 0.9, 3.7),
        ),
        "holes": Preset(
            "hexagons of holes",
            {"a": 14.0, "b": 0.8, "sigma": 12.0},
            steps=20_000,
            init=Init("noise", (2.8, 8.84), (0.1, 0.1)),
            display=shown("u", 0.9, 3.9),
        ),
    },
    init=Init("noise", (2.0, 5.0), (0.1, 0.1)),
    display=shown("u", 1.0, 3.1),
    citation="I. Lengyel, I. R. Epstein, Modeling of Turing structures in the chlorite-iodide-malonic acid-starch "
    "reaction system, Science 251 (1991) 650-652",
    latex=r"\partial_t u = D \nabla^2 u + a - u - \frac{4 u v}{1 + u^2}, \quad "
    r"\partial_t v = \sigma \left[ d D \nabla^2 v + b \left(u - \frac{u v}{1 + u^2}\right) \right]",
    dt=0.005,
)
