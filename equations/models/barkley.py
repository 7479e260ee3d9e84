"""Barkley: an excitable medium whose nullclines are straight lines, made for fast simulation."""

from __future__ import annotations

from equations.models.model import Model, Preset, shown, with_laplacian
from equations.rule.init import Init

DX = 0.4

MODEL = Model(
    name="barkley",
    title="Barkley",
    about="An excitable medium made for fast simulation: spirals that rotate rigidly, spirals that meander.",
    channels=("u", "v"),
    equations={
        "u": "u_lap + u*(1 - u)*(u - (v + b)/a)/eps",
        "v": "u - v",
    },
    parameters={"a": 0.75, "b": 0.01, "eps": 0.02},
    meaning={
        "a": "larger values make excitations last longer; the threshold of u is (v + b)/a",
        "b": "raises the threshold of excitation",
        "eps": "ratio of the rates of recovery v and excitation u",
    },
    presets={
        "spirals": Preset("pairs of spirals that rotate rigidly"),
        "meander": Preset("thin spirals whose tips meander on flower-shaped paths", {"a": 0.6, "b": 0.05}),
    },
    init=Init("cross", (0.0, 0.0), (0.0, 0.0), (1.0, 0.4)),
    display=shown("u", 0.0, 1.0),
    citation="D. Barkley, A model for fast computer simulation of waves in excitable media, Physica D 49 (1991) 61-70; "
    "D. Barkley, Barkley model, Scholarpedia 3 (2008) 1877",
    latex=r"\partial_t u = \nabla^2 u + \tfrac{1}{\varepsilon} u (1 - u) \left(u - \tfrac{v + b}{a}\right), \quad "
    r"\partial_t v = u - v",
    dt=0.01,
    dx=DX,
    stencils=with_laplacian(DX),
)
