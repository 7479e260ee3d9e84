"""Systems whose reactions are neither polynomials nor the library's quotients, for `pde_data`.

Numbers inside a term are written as … in its law; INSIDE has them, in the order in which they stand in the term.
"""

from __future__ import annotations

import numpy as np

from benchmarks.pde_data import PDE, Array, Complex, Plane
from benchmarks.pde_systems import diffusing, starts


def _sine_gordon(p: Plane, f: Array, v: Complex) -> list[Complex]:
    return [v[1], -p.k2 * v[0] - p.hat(np.sin(f[0]))]


def _flame(p: Plane, f: Array, v: Complex) -> list[Complex]:
    burnt = 8 * f[1] * np.exp(-2 / f[0])
    return [p.hat(burnt - 0.5 * f[0]), p.hat(0.6 - f[1] - burnt)]


def _neurons(p: Plane, f: Array, v: Complex) -> list[Complex]:
    return [p.hat(2 * np.tanh(1.5 * f[0]) - f[0] - f[1]), p.hat(0.3 * f[0] - 0.1 * f[1])]


def _gierer(p: Plane, f: Array, v: Complex) -> list[Complex]:
    a, h = f
    return [p.hat(0.1 + a**2 / h - a), p.hat(1.5 * a**2 - 1.5 * h)]


def _predation(p: Plane, f: Array, v: Complex) -> list[Complex]:
    u, w = f
    eaten = u * w / (u + w)
    return [p.hat(u * (1 - u) - 0.9 * eaten), p.hat(0.8 * eaten - 0.3 * w)]


def _outflow(p: Plane, f: Array, v: Complex) -> list[Complex]:
    return [p.hat(0.2 - np.sqrt(np.clip(f[0], 0, None)))]


FREEFORMS: dict[str, PDE] = {
    "sine-gordon": PDE(
        {"u": {"v": 1.0}, "v": {"lap(u)": 1.0, "sin(u)": -1.0}},
        ("u", "v"), 0.5, 0.1, diffusing(0.0, 0.0), _sine_gordon, starts(2, 4.0, 1.0), steps=8, fine=1,
    ),
    "flame": PDE(
        {
            "u": {"lap(u)": 0.1, "u": -0.5, "w*exp(…/u)": 8.0},
            "w": {"lap(w)": 0.05, "1": 0.6, "w": -1.0, "w*exp(…/u)": -8.0},
        },
        ("u", "w"), 0.5, 0.05, diffusing(0.1, 0.05), _flame, starts(2, 4.0, 0.15, (0.9, 0.6)), fine=1,
    ),
    "neurons": PDE(
        {"u": {"lap(u)": 0.2, "u": -1.0, "v": -1.0, "tanh(…*u)": 2.0}, "v": {"lap(v)": 0.1, "u": 0.3, "v": -0.1}},
        ("u", "v"), 0.5, 0.1, diffusing(0.2, 0.1), _neurons, starts(2, 4.0, 0.8),
    ),
    "gierer-meinhardt": PDE(
        {
            "a": {"lap(a)": 0.05, "1": 0.1, "a": -1.0, "a**2/h": 1.0},
            "h": {"lap(h)": 1.0, "h": -1.5, "a**2": 1.5},
        },
        ("a", "h"), 0.5, 0.1, diffusing(0.05, 1.0), _gierer, starts(2, 4.0, 0.2, (1.1, 1.1)), fine=1, steps=4,
    ),
    "ratio-dependent": PDE(
        {
            "u": {"lap(u)": 0.1, "u": 1.0, "u**2": -1.0, "u*v/(u + v)": -0.9},
            "v": {"lap(v)": 0.2, "v": -0.3, "u*v/(u + v)": 0.8},
        },
        ("u", "v"), 0.5, 0.2, diffusing(0.1, 0.2), _predation, starts(2, 4.0, 0.12, (0.5, 0.5)), fine=1,
    ),
    "outflow": PDE(
        {"u": {"lap(u)": 0.05, "1": 0.2, "sqrt(u)": -1.0}},
        ("u",), 0.5, 0.05, diffusing(0.05), _outflow, starts(1, 4.0, 0.3, (1.0,)), fine=1,
    ),
}  # fmt: skip
INSIDE = {
    "flame": {"w*exp(…/u)": (-2.0,)},
    "neurons": {"tanh(…*u)": (1.5,)},
}
