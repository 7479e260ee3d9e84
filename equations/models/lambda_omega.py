"""λ–ω, or the complex Ginzburg-Landau equation: normal form of oscillating media at their onset, A = u + iv."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

NOISE = Init("noise", (0.0, 0.0), (0.1, 0.1))

MODEL = Model(
    name="lambda-omega",
    title="λ–ω (complex Ginzburg-Landau)",
    about="An oscillating medium close to its onset: spirals, frozen glasses of spirals, turbulence.",
    channels=("u", "v"),
    equations={
        "u": "u + u_lap - b*v_lap - (u^2 + v^2)*(u - c*v)",
        "v": "v + v_lap + b*u_lap - (u^2 + v^2)*(v + c*u)",
    },
    parameters={"b": 0.0, "c": 1.0},
    meaning={
        "b": "linear dispersion: frequency per squared wave number; 0 is the λ–ω system",
        "c": "nonlinear dispersion: frequency per squared amplitude, λ = 1 − r², ω = −c r²",
    },
    presets={
        "spirals": Preset("two pairs of spirals", steps=10_000),
        "glass": Preset("many small spirals, frozen in place", steps=20_000, init=NOISE),
        "frozen": Preset("one spiral pushes all others away", {"b": 2.0, "c": -0.5}, 20_000, init=NOISE),
        "turbulence": Preset("defect turbulence", {"b": 2.0, "c": -1.2}, init=NOISE),
    },
    init=Init("cross", (-0.7, -0.7), (0.0, 0.0), (0.7, 0.7)),
    display=shown("u", -1.0, 1.0),
    citation="I. S. Aranson, L. Kramer, The world of the complex Ginzburg-Landau equation, Reviews of Modern Physics "
    "74 (2002) 99-143, eq. 1; N. Kopell, L. N. Howard, Plane wave solutions to reaction-diffusion equations, "
    "Studies in Applied Mathematics 52 (1973) 291-328",
    latex=r"\partial_t A = A + (1 + i b) \nabla^2 A - (1 + i c) |A|^2 A, \quad A = u + i v",
    dt=0.03,
)
