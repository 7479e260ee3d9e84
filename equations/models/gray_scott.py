"""Gray-Scott: u feeds v, v decays; spots, worms and mazes. Feed rate F, removal rate F + k."""

from __future__ import annotations

from equations.init import Init
from equations.models.model import Model
from equations.rule import Display
from equations.stencils import ID, LAP5, Stencil

MODEL = Model(
    name="gray-scott",
    title="Gray-Scott",
    channels=("u", "v"),
    stencils=(ID, Stencil("lap", LAP5.kernel)),
    equations={
        "u": "Du*u_lap - u*v^2 + F*(1 - u)",
        "v": "Dv*v_lap + u*v^2 - (F + k)*v",
    },
    parameters={"Du": 0.16, "Dv": 0.08, "F": 0.055, "k": 0.062},
    presets={
        "coral": {"F": 0.055, "k": 0.062},
        "spots": {"F": 0.035, "k": 0.065},
        "maze": {"F": 0.029, "k": 0.057},
        "solitons": {"F": 0.03, "k": 0.062},
        "chaos": {"F": 0.018, "k": 0.051},
        "waves": {"F": 0.014, "k": 0.041},
    },
    init=Init("square", background=(1.0, 0.0), amplitude=(0.02, 0.02), square=(0.5, 0.25)),
    display=Display(("v",), scale=2.5, colormap="viridis"),
    citation="J. E. Pearson, Complex patterns in a simple system, Science 261 (1993) 189-192, eq. 2.",
    latex=r"\partial_t u = D_u \nabla^2 u - u v^2 + F (1 - u), \quad "
    r"\partial_t v = D_v \nabla^2 v + u v^2 - (F + k) v",
)
