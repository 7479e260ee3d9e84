"""Fisher-KPP: growth and diffusion make a wave of advance, of speed 2√(rD)."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

MODEL = Model(
    name="fisher-kpp",
    title="Fisher-KPP",
    about="A population grows and spreads; its front moves at speed 2√(rD) until the grid is full.",
    channels=("u",),
    equations={"u": "D*u_lap + r*u*(1 - u)"},
    parameters={"D": 1.0, "r": 0.4},
    meaning={
        "D": "diffusion, cells²/time",
        "r": "growth rate, 1/time",
    },
    presets={
        "front": Preset("a disc that grows at constant speed", steps=280),
        "colonies": Preset(
            "colonies that grow together", steps=150, seed=3, init=Init("spots", (0.0,), (0.0,), (1.0,), 0.02, 15)
        ),
    },
    init=Init("square", (0.0,), (0.0,), (1.0,), 0.05),
    display=shown("u", 0.0, 1.0),
    citation="R. A. Fisher, The wave of advance of advantageous genes, Annals of Eugenics 7 (1937) 355-369; "
    "A. N. Kolmogorov, I. G. Petrovsky, N. S. Piskunov, Bulletin of Moscow State University, Mathematics and Mechanics "
    "1:6 (1937) 1-25",
    latex=r"\partial_t u = D \nabla^2 u + r u (1 - u)",
    dt=0.2,
)
