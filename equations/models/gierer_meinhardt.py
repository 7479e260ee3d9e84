"""Gierer-Meinhardt: a short-range activator and the long-range inhibitor that it produces."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

MODEL = Model(
    name="gierer-meinhardt",
    title="Gierer-Meinhardt",
    about="An activator a produces itself and a long-range inhibitor h: spots; with saturation, stripes, networks.",
    channels=("a", "h"),
    equations={
        "a": "Da*a_lap + rho*a^2/((1 + kappa*a^2)*h) - mu*a + sigma",
        "h": "Dh*h_lap + rho*a^2 - nu*h",
    },
    parameters={"Da": 0.01, "Dh": 0.2, "rho": 0.01, "mu": 0.01, "nu": 0.02, "sigma": 0.0, "kappa": 0.0},
    meaning={
        "Da": "diffusion of the activator a, cells²/time",
        "Dh": "diffusion of the inhibitor h, cells²/time",
        "rho": "production of both, 1/time",
        "mu": "decay of the activator, 1/time",
        "nu": "decay of the inhibitor, 1/time",
        "sigma": "production of the activator without activation, 1/time",
        "kappa": "saturation of the activator: 0 gives spots, larger values stripes, then networks",
    },
    presets={
        "spots": Preset("spots, evenly spread"),
        "stripes": Preset("winding stripes", {"kappa": 0.02}, 20_000, display=shown("a", 0.1, 3.2)),
        "net": Preset("a network around holes", {"Da": 0.005, "kappa": 0.1}, 20_000, display=shown("a", 0.1, 2.3)),
    },
    init=Init("noise", (1.0, 1.0), (0.1, 0.1)),
    display=shown("a", 0.0, 5.0),
    citation="A. Gierer, H. Meinhardt, A theory of biological pattern formation, Kybernetik 12 (1972) 30-39; "
    "A. J. Koch, H. Meinhardt, Biological pattern formation: from basic mechanisms to complex structures, "
    "Reviews of Modern Physics 66 (1994) 1481-1507",
    latex=r"\partial_t a = D_a \nabla^2 a + \frac{\rho a^2}{(1 + \kappa a^2) h} - \mu a + \sigma, \quad "
    r"\partial_t h = D_h \nabla^2 h + \rho a^2 - \nu h",
)
