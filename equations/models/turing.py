"""Turing's model of 1952: linear reactions of two morphogens, clipped to [0, 2]."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown
from equations.rule.init import Init

MODEL = Model(
    name="turing",
    title="Turing 1952",
    about="Two morphogens with linear reactions; the bounds 0 and 2 limit the growth of patterns: dapples.",
    channels=("X", "Y"),
    equations={
        "X": "Dx*X_lap + 5*X - 6*Y + p",
        "Y": "Dy*Y_lap + 6*X - 7*Y + p",
    },
    parameters={"Dx": 5.0, "Dy": 45.0, "p": 1.0},
    meaning={
        "Dx": "diffusion of X, cells²/time; 10 times Turing's 0.5, so patterns are √10 times as wide",
        "Dy": "diffusion of Y, cells²/time; 10 times Turing's 4.5",
        "p": "source of both; the uniform state is X = Y = p",
    },
    presets={
        "dapple": Preset("black and white dapple", steps=2000),
        "spots": Preset("white spots", {"p": 0.1}, init=Init("noise", (0.1, 0.1), (0.05, 0.05))),
        "holes": Preset("black spots", {"p": 1.9}, init=Init("noise", (1.9, 1.9), (0.05, 0.05))),
    },
    init=Init("noise", (1.0, 1.0), (0.05, 0.05)),
    display=shown("X", 0.0, 2.0, "grey"),
    citation="A. M. Turing, The chemical basis of morphogenesis, Philosophical Transactions of the Royal Society B "
    "237 (1952) 37-72: the reactions of section 4, the dapple of figure 2",
    latex=r"\partial_t X = D_X \nabla^2 X + 5 X - 6 Y + p, \quad \partial_t Y = D_Y \nabla^2 Y + 6 X - 7 Y + p, "
    r"\quad 0 \le X, Y \le 2",
    dt=0.004,
    clamp=(0.0, 2.0),
)
