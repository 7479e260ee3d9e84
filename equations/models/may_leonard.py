"""May-Leonard: three species in cyclic competition, each inferior to the next."""

from __future__ import annotations

from equations.models.model import Model, Preset
from equations.rule.init import Init
from equations.rule.rule import Display

MODEL = Model(
    name="may-leonard",
    title="May-Leonard (cyclic Lotka-Volterra)",
    about="Three species compete as rock, paper and scissors do: spirals in three colours.",
    channels=("u", "v", "w"),
    equations={
        "u": "D*u_lap + u*(1 - u - alpha*v - beta*w)",
        "v": "D*v_lap + v*(1 - v - alpha*w - beta*u)",
        "w": "D*w_lap + w*(1 - w - alpha*u - beta*v)",
    },
    parameters={"D": 0.5, "alpha": 0.5, "beta": 3.0},
    meaning={
        "D": "mobility, cells²/time",
        "alpha": "competition felt from the weaker neighbour in the cycle",
        "beta": "competition felt from the stronger one; beyond alpha + beta = 2 no mixture is stable",
    },
    presets={
        "spirals": Preset("spirals of three colours", steps=20_000),
        "cycle": Preset("interlocked small spirals", {"D": 0.2, "alpha": 1.0, "beta": 2.0}),
        "chaos": Preset(
            "May and Leonard's own parameters: soft, restless patches", {"D": 0.1, "alpha": 0.8, "beta": 1.3}
        ),
    },
    init=Init("noise", (0.25, 0.25, 0.25), (0.25, 0.25, 0.25)),
    display=Display(("u", "v", "w")),
    citation="R. M. May, W. J. Leonard, Nonlinear aspects of competition between three species, "
    "SIAM Journal on Applied Mathematics 29 (1975) 243-253",
    latex=r"\partial_t u = D \nabla^2 u + u (1 - u - \alpha v - \beta w), \quad "
    r"\partial_t v = D \nabla^2 v + v (1 - v - \alpha w - \beta u), \quad "
    r"\partial_t w = D \nabla^2 w + w (1 - w - \alpha u - \beta v)",
    dt=0.1,
)
