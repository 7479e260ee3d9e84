"""Oregonator: the Belousov-Zhabotinsky reaction in the two variables of Tyson and Fife.

The chemistry's q is near 0.001. With the larger one here u stays further from 0, and explicit Euler can take steps
ten times as long.
"""

from __future__ import annotations

from equations.models.model import Model, Preset, shown, with_laplacian
from equations.rule.init import Init

DX = 0.6

MODEL = Model(
    name="oregonator",
    title="Oregonator (Belousov-Zhabotinsky)",
    about="The Belousov-Zhabotinsky reaction, bromous acid u and oxidised catalyst v: spiral waves.",
    channels=("u", "v"),
    equations={
        "u": "Du*u_lap + (u - u^2 - f*v*(u - q)/(u + q))/eps",
        "v": "Dv*v_lap + u - v",
    },
    parameters={"Du": 1.0, "Dv": 0.6, "f": 1.4, "q": 0.01, "eps": 0.04},
    meaning={
        "Du": "diffusion of bromous acid u, length²/time",
        "Dv": "diffusion of the catalyst v, length²/time",
        "f": "stoichiometric factor: bromide set free per catalyst reduced",
        "q": "ratio of rate constants: u rests just above it",
        "eps": "ratio of the rates of catalyst v and bromous acid u",
    },
    presets={
        "spirals": Preset("pairs of thin spirals", steps=20_000),
        "broad": Preset("broad spirals in an oscillating medium", {"f": 1.0, "eps": 0.05}, 20_000),
    },
    init=Init("cross", (0.01, 0.06), (0.0, 0.0), (0.8, 0.25)),
    display=shown("v", 0.03, 0.27),
    citation="J. J. Tyson, P. C. Fife, Target patterns in a realistic model of the Belousov-Zhabotinskii reaction, "
    "Journal of Chemical Physics 73 (1980) 2224-2237",
    latex=r"\partial_t u = D_u \nabla^2 u + \tfrac{1}{\varepsilon} \left(u - u^2 - f v \tfrac{u - q}{u + q}\right), "
    r"\quad \partial_t v = D_v \nabla^2 v + u - v",
    dt=0.003,
    dx=DX,
    stencils=with_laplacian(DX),
)
