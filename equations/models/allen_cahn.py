"""Allen-Cahn: two phases separate, then their borders move by curvature."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

MODEL = Model(
    name="allen-cahn",
    title="Allen-Cahn",
    about="Two phases, u = 1 and u = -1: domains coarsen, drops shrink by their curvature. Ends in one phase.",
    channels=("u",),
    equations={"u": "D*u_lap + u - u^3 + h"},
    parameters={"D": 1.0, "h": 0.0},
    meaning={
        "D": "half the squared width of a border, cells²/time",
        "h": "driving force: positive favours u = 1",
    },
    presets={
        "domains": Preset("coarsening domains of both phases", steps=500),
        "drops": Preset(
            "drops merge, shrink and vanish", steps=300, seed=3, init=Init("spots", (-1.0,), (0.0,), (1.0,), 0.12, 30)
        ),
        "nuclei": Preset(
            "nuclei of the favoured phase grow and merge",
            {"h": 0.15},
            steps=600,
            seed=3,
            init=Init("spots", (-1.0,), (0.0,), (1.0,), 0.08, 15),
        ),
    },
    init=Init("noise", (0.0,), (0.1,)),
    display=shown("u", -1.0, 1.0, "grey"),
    citation="S. M. Allen, J. W. Cahn, A microscopic theory for antiphase boundary motion and its application to "
    "antiphase domain coarsening, Acta Metallurgica 27 (1979) 1085-1095",
    latex=r"\partial_t u = D \nabla^2 u + u - u^3 + h",
    dt=0.1,
)
