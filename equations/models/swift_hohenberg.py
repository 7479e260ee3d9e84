"""Swift-Hohenberg: stripes and hexagons as at the onset of convection, by the simplest equation that has them.

The equation has fourth derivatives, but a stencil reaches only one cell. So the channel `w` carries ∇²u: each step
puts ∇²u into w, and the next one takes ∇⁴u as ∇²w. Steady states are those of the equation. Because of the delay of
one step the time step must be half as long, dt max ∇⁴ < 1 instead of 2. The nine-point Laplacian is nearly isotropic,
so that stripes do not align with the grid.
"""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init
from equations.rule.stencils import ID, Stencil

DX = 0.8
ONE, TWO, TWELVE = (n / (4 * DX**2) for n in (1, 2, 12))
LAP = Stencil("lap", ((ONE, TWO, ONE), (TWO, -TWELVE, TWO), (ONE, TWO, ONE)))

MODEL = Model(
    name="swift-hohenberg",
    title="Swift-Hohenberg",
    about="The simplest equation that prefers one wavelength, 2π: stripes, hexagons. w is ∇²u, one step late.",
    channels=("u", "w"),
    equations={
        "u": "(r - 1)*u - 2*u_lap - w_lap + g*u^2 - u^3",
        "w": "(u_lap - w)/dt",
    },
    parameters={"r": 0.2, "g": 0.0},
    meaning={
        "r": "distance from the onset",
        "g": "up-down asymmetry: positive makes spots, negative holes",
    },
    presets={
        "stripes": Preset("stripes with defects, as rolls of convection"),
        "hexagons": Preset("hexagons of spots", {"g": 1.0, "r": 0.1}, display=shown("u", -0.5, 1.2, "grey")),
        "holes": Preset("hexagons of holes", {"g": -1.0, "r": 0.1}, display=shown("u", -1.2, 0.5, "grey")),
    },
    init=Init("noise", (0.0, 0.0), (0.1, 0.0)),
    display=shown("u", -0.7, 0.7, "grey"),
    citation="J. Swift, P. C. Hohenberg, Hydrodynamic fluctuations at the convective instability, Physical Review A 15 "
    "(1977) 319-328; with g: D. J. B. Lloyd, B. Sandstede, D. Avitabile, A. R. Champneys, Localized hexagon patterns "
    "of the planar Swift-Hohenberg equation, SIAM Journal on Applied Dynamical Systems 7 (2008) 1049-1100, eq. 1.1",
    latex=r"\partial_t u = r u - (1 + \nabla^2)^2 u + g u^2 - u^3",
    dt=0.02,
    dx=DX,
    stencils=(ID, LAP),
)
