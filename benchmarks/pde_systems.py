"""The systems of `pde_data`: each with its law, and some that no library of local polynomial terms has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.pde_data import PDE, Array, Complex, Plane


def smooth_noise(plane: Plane, rng: np.random.Generator, count: int, cells: float, size: float = 1.0) -> Array:
    """Random fields (count, n, n) of mean 0 and standard deviation `size`, smooth over so many recorded cells."""
    filtered = np.exp(-plane.k2 * (plane.cell * cells) ** 2 / 2)
    found = []
    for _ in range(count):
        field = plane.back(plane.hat(rng.standard_normal((plane.n, plane.n))) * filtered)
        found.append(size * (field - field.mean()) / field.std())
    return np.array(found)


def diffusing(*coefficients: float) -> Callable[[Plane], list[Array]]:
    """The linear part of channels that diffuse with these coefficients."""
    return lambda p: [-d * p.k2 for d in coefficients]


def _lambda_omega(p: Plane, f: Array, v: Complex) -> list[Complex]:
    u, w = f
    r = u**2 + w**2
    return [p.hat((1 - r) * u + r * w), p.hat(-r * u + (1 - r) * w)]


def _landau(p: Plane, f: Array, v: Complex) -> list[Complex]:
    u, w = f
    r = u**2 + w**2
    return [0.5 * p.k2 * v[1] + p.hat(u - r * (u + 0.8 * w)), -0.5 * p.k2 * v[0] + p.hat(w - r * (w - 0.8 * u))]


def _burgers(p: Plane, f: Array, v: Complex) -> list[Complex]:
    parts = [p.gradient(x) for x in v]
    return [p.hat(-f[0] * x - f[1] * y) for x, y in parts]


def _keller(p: Plane, f: Array, v: Complex) -> list[Complex]:
    u = f[0]
    x, y = p.gradient(v[1])
    flux = 1j * p.kx * p.hat(u * x) + 1j * p.ky * p.hat(u * y)
    return [-3 * flux + p.hat(u * (1 - u)), v[0] - v[1]]


def _chain(p: Plane, f: Array, v: Complex) -> list[Complex]:
    a, b, c = f
    return [p.hat(a * (1 - a) - a * b), p.hat(-0.3 * b + 1.2 * a * b - b * c), p.hat(-0.2 * c + 0.8 * b * c)]


def _sivashinsky(p: Plane, f: Array, v: Complex) -> list[Complex]:
    x, y = p.gradient(v[0])
    return [p.hat(-0.5 * (x**2 + y**2))]


def _spots(p: Plane, rng: np.random.Generator) -> Array:
    fields = smooth_noise(p, rng, 2, 3.0)
    spots = np.clip(fields[0] - 0.8, 0, 1)
    return np.array([1 - 0.5 * spots, 0.35 * spots + 0.02 * np.abs(fields[1])])


def _excitable(p: Plane, f: Array, v: Complex) -> list[Complex]:
    return [p.hat(f[0] - f[0] ** 3 / 3 - f[1]), p.hat(0.08 * (f[0] + 0.7 - 0.8 * f[1]))]


def _uneven(p: Plane, f: Array, v: Complex) -> list[Complex]:
    x = np.arange(p.n) / p.n * 2 * np.pi
    return [p.hat((1 + 0.8 * np.sin(x)) * f[0] - f[0] ** 3)]


def _nonlocal(p: Plane, f: Array, v: Complex) -> list[Complex]:
    blurred = p.back(v[0] * (np.exp(-p.k2 * 4.0) - 1.2 * np.exp(-p.k2 * 12.0)))
    return [p.hat(np.tanh(6 * blurred + 0.1) - f[0])]


def _rosenzweig(p: Plane, f: Array, v: Complex) -> list[Complex]:
    u, w = f
    eaten = u * w / (u + 0.4)
    return [p.hat(u * (1 - u) - eaten), p.hat(0.8 * eaten - 0.3 * w)]


def _uptake(p: Plane, f: Array, v: Complex) -> list[Complex]:
    return [p.hat(0.3 - f[0] / (f[0] + 0.5))]


def _switch(p: Plane, f: Array, v: Complex) -> list[Complex]:
    return [p.hat(0.05 + f[0] ** 2 / (f[0] ** 2 + 0.36) - 0.8 * f[0])]


def starts(
    count: int, cells: float, size: float = 1.0, mean: tuple[float, ...] = (0.0,)
) -> Callable[[Plane, np.random.Generator], Array]:
    """Smooth random fields around these means."""
    return lambda p, rng: smooth_noise(p, rng, count, cells, size) + np.resize(mean, count)[:, None, None]


FHN = {"u": {"lap(u)": 1.0, "u": 1.0, "u**3": -1 / 3, "v": -1.0}, "v": {"u": 0.08, "1": 0.056, "v": -0.064}}
PDES: dict[str, PDE] = {
    "lambda-omega": PDE(
        {
            "u": {"lap(u)": 0.1, "u": 1.0, "u**3": -1.0, "u*v**2": -1.0, "u**2*v": 1.0, "v**3": 1.0},
            "v": {"lap(v)": 0.1, "v": 1.0, "v**3": -1.0, "u**2*v": -1.0, "u**3": -1.0, "u*v**2": -1.0},
        },
        ("u", "v"), 0.3125, 0.05, diffusing(0.1, 0.1), _lambda_omega, starts(2, 4.0, 0.6), settle=1.0,
    ),
    "gray-scott": PDE(
        {
            "u": {"lap(u)": 0.16, "u*v**2": -1.0, "1": 0.035, "u": -0.035},
            "v": {"lap(v)": 0.08, "u*v**2": 1.0, "v": -0.1},
        },
        ("u", "v"), 1.0, 4.0, diffusing(0.16, 0.08),
        lambda p, f, v: [p.hat(0.035 * (1 - f[0]) - f[0] * f[1] ** 2), p.hat(f[0] * f[1] ** 2 - 0.1 * f[1])],
        _spots, settle=40.0, steps=4,
    ),
    "brusselator": PDE(
        {
            "u": {"lap(u)": 1.0, "1": 1.0, "u": -4.0, "u**2*v": 1.0},
            "v": {"lap(v)": 0.5, "u": 3.0, "u**2*v": -1.0},
        },
        ("u", "v"), 1.0, 0.1, diffusing(1.0, 0.5),
        lambda p, f, v: [p.hat(1 - 4 * f[0] + f[0] ** 2 * f[1]), p.hat(3 * f[0] - f[0] ** 2 * f[1])],
        starts(2, 5.0, 0.5, (1.2, 2.8)), settle=2.0, steps=4,
    ),
    "fitzhugh-nagumo": PDE(
        FHN, ("u", "v"), 1.0, 0.2, diffusing(1.0, 0.0), _excitable, starts(2, 4.0, 0.8), settle=4.0,
    ),
    "ginzburg-landau": PDE(
        {
            "u": {"lap(u)": 1.0, "lap(v)": -0.5, "u": 1.0, "u**3": -1.0, "u*v**2": -1.0, "u**2*v": -0.8, "v**3": -0.8},
            "v": {"lap(v)": 1.0, "lap(u)": 0.5, "v": 1.0, "v**3": -1.0, "u**2*v": -1.0, "u*v**2": 0.8, "u**3": 0.8},
        },
        ("u", "v"), 1.0, 0.1, diffusing(1.0, 1.0), _landau, starts(2, 4.0, 0.6), settle=1.0, steps=4,
    ),
    "burgers": PDE(
        {
            "u": {"lap(u)": 0.005, "dx(u**2)": -0.5, "v*dy(u)": -1.0},
            "v": {"lap(v)": 0.005, "dy(v**2)": -0.5, "u*dx(v)": -1.0},
        },
        ("u", "v"), 1 / 64, 0.01, diffusing(0.005, 0.005), _burgers, starts(2, 7.0, 0.4), steps=4,
    ),
    "anisotropic": PDE(
        {"u": {"dxx(u)": 1.0, "dyy(u)": 0.25, "dx(u)": -0.8, "dy(u)": 0.3}},
        ("u",), 1.0, 0.25,
        lambda p: [-(p.kx**2) - 0.25 * p.ky**2 + 1j * (-0.8 * p.kx + 0.3 * p.ky)],
        lambda p, f, v: [0 * v[0]], starts(1, 3.0), fine=1,
    ),
    "wave": PDE(
        {"u": {"v": 1.0}, "v": {"lap(u)": 1.0}}, ("u", "v"), 1.0, 0.25, diffusing(0.0, 0.0),
        lambda p, f, v: [v[1], -p.k2 * v[0]], starts(2, 3.0), steps=8, fine=1,
    ),
    "swift-hohenberg": PDE(
        {"u": {"u": -0.7, "lap(u)": -2.0, "bilap(u)": -1.0, "u**2": 0.5, "u**3": -1.0}},
        ("u",), 0.7, 0.2, lambda p: [0.3 - (1 - p.k2) ** 2],
        lambda p, f, v: [p.hat(0.5 * f[0] ** 2 - f[0] ** 3)], starts(1, 4.0, 0.5), settle=1.0,
    ),
    "kuramoto-sivashinsky": PDE(
        {"u": {"lap(u)": -1.0, "bilap(u)": -1.0, "|grad(u)|**2": -0.5}},
        ("u",), 0.8, 0.2, lambda p: [p.k2 - p.k2**2], _sivashinsky, starts(1, 5.0, 1.0), settle=4.0, steps=4,
    ),
    "cahn-hilliard": PDE(
        {"u": {"lap(u)": -1.0, "lap(u**3)": 1.0, "bilap(u)": -0.5}},
        ("u",), 0.7, 0.2, lambda p: [p.k2 - 0.5 * p.k2**2],
        lambda p, f, v: [-p.k2 * p.hat(f[0] ** 3)], starts(1, 3.0, 0.5), settle=1.0, steps=8,
    ),
    "keller-segel": PDE(
        {
            "u": {"lap(u)": 1.0, "div(u*grad(c))": -3.0, "u": 1.0, "u**2": -1.0},
            "c": {"lap(c)": 1.0, "u": 1.0, "c": -1.0},
        },
        ("u", "c"), 0.5, 0.05, diffusing(1.0, 1.0), _keller, starts(2, 4.0, 0.25, (1.0, 1.0)), steps=4,
    ),
    "food-chain": PDE(
        {
            "a": {"lap(a)": 0.1, "a": 1.0, "a**2": -1.0, "a*b": -1.0},
            "b": {"lap(b)": 0.2, "b": -0.3, "a*b": 1.2, "b*c": -1.0},
            "c": {"lap(c)": 0.05, "c": -0.2, "b*c": 0.8},
        },
        ("a", "b", "c"), 0.5, 0.2, diffusing(0.1, 0.2, 0.05), _chain,
        starts(3, 4.0, 0.12, (0.6, 0.4, 0.4)), fine=1,
    ),
    "allen-cahn": PDE(
        {"u": {"lap(u)": 0.5, "u": 1.0, "u**3": -1.0}}, ("u",), 0.7, 0.05, diffusing(0.5),
        lambda p, f, v: [p.hat(f[0] - f[0] ** 3)], starts(1, 3.0, 0.5),
    ),
    # no library has these
    "hidden-species": PDE(
        None, ("u",), 1.0, 0.2, diffusing(1.0, 0.0), _excitable, starts(2, 4.0, 0.8), settle=4.0, hidden=1
    ),
    "uneven-medium": PDE(None, ("u",), 0.7, 0.05, diffusing(0.5), _uneven, starts(1, 3.0, 0.5)),
    "nonlocal": PDE(None, ("u",), 1.0, 0.1, diffusing(0.0), _nonlocal, starts(1, 3.0, 0.5)),
}  # fmt: skip

# Their laws have a quotient; its terms are written without the number in the denominator, which stands in HALVES.
QUOTIENTS: dict[str, PDE] = {
    "rosenzweig-macarthur": PDE(
        {
            "u": {"lap(u)": 0.1, "u": 1.0, "u**2": -1.0, "u*v/(u + …)": -1.0},
            "v": {"lap(v)": 0.2, "v": -0.3, "u*v/(u + …)": 0.8},
        },
        ("u", "v"), 0.5, 0.2, diffusing(0.1, 0.2), _rosenzweig, starts(2, 4.0, 0.13, (0.5, 0.5)), fine=1,
    ),
    "michaelis-menten": PDE(
        {"u": {"lap(u)": 0.2, "1": 0.3, "u/(u + …)": -1.0}},
        ("u",), 0.5, 0.1, diffusing(0.2), _uptake, starts(1, 4.0, 0.3, (1.0,)), fine=1,
    ),
    "hill": PDE(
        {"u": {"lap(u)": 0.1, "1": 0.05, "u": -0.8, "u**2/(u**2 + …)": 1.0}},
        ("u",), 0.5, 0.1, diffusing(0.1), _switch, starts(1, 4.0, 0.25, (0.8,)), fine=1,
    ),
}  # fmt: skip
HALVES = {"rosenzweig-macarthur": 0.4, "michaelis-menten": 0.5, "hill": 0.6}
