"""The catalogue against py-pde: the same equations, written down anew from the papers, in somebody else's solver.

Explicit Euler, five-point Laplacian, periodic grid, the same state, float64: after 100 steps the fields agree to
rounding. The numbers are not the catalogue's own, so that every parameter counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pde
import pytest

from equations import models
from equations.backends import get_backend

SHAPE = (12, 16)
STEPS = 100
TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}


@dataclass(frozen=True)
class Case:
    """Rates of change of the fields, given the fields, the Laplacian and the numbers; where the fields start."""

    rates: Callable[..., tuple[Any, ...]]
    numbers: dict[str, float]
    dt: float
    dx: float = 1.0
    low: float = 0.1
    high: float = 1.0
    bounds: tuple[float, float] | None = None


def gray_scott(lap: Any, u: Any, v: Any, Du: Any, Dv: Any, F: Any, k: Any) -> tuple[Any, ...]:
    return Du * lap(u) - u * v**2 + F * (1 - u), Dv * lap(v) + u * v**2 - (F + k) * v


def fitzhugh_nagumo(lap: Any, u: Any, v: Any, Du: Any, Dv: Any, a: Any, b: Any, eps: Any, I: Any) -> tuple[Any, ...]:  # noqa: E741
    return Du * lap(u) + u - u**3 / 3 - v + I, Dv * lap(v) + eps * (u + a - b * v)


def brusselator(lap: Any, u: Any, v: Any, Du: Any, Dv: Any, A: Any, B: Any) -> tuple[Any, ...]:
    return Du * lap(u) + A - (B + 1) * u + u**2 * v, Dv * lap(v) + B * u - u**2 * v


def schnakenberg(lap: Any, u: Any, v: Any, Du: Any, Dv: Any, a: Any, b: Any) -> tuple[Any, ...]:
    return Du * lap(u) + a - u + u**2 * v, Dv * lap(v) + b - u**2 * v


def gierer_meinhardt(
    lap: Any, a: Any, h: Any, Da: Any, Dh: Any, rho: Any, mu: Any, nu: Any, sigma: Any, kappa: Any
) -> tuple[Any, ...]:
    activated = rho * a**2 / (h * (1 + kappa * a**2))
    return Da * lap(a) + activated - mu * a + sigma, Dh * lap(h) + rho * a**2 - nu * h


def ginzburg_landau(lap: Any, u: Any, v: Any, b: Any, c: Any) -> tuple[Any, ...]:
    """Real and imaginary part of A + (1 + ib) ∇²A − (1 + ic) |A|² A."""
    amplitude = complex(0, 1) * v + u
    rate = amplitude + (1 + 1j * b) * (lap(u) + 1j * lap(v)) - (1 + 1j * c) * (u**2 + v**2) * amplitude
    return rate.real, rate.imag


def barkley(lap: Any, u: Any, v: Any, a: Any, b: Any, eps: Any) -> tuple[Any, ...]:
    return lap(u) + u * (1 - u) * (u - (v + b) / a) / eps, u - v


def oregonator(lap: Any, u: Any, v: Any, Du: Any, Dv: Any, f: Any, q: Any, eps: Any) -> tuple[Any, ...]:
    return Du * lap(u) + (u * (1 - u) - f * v * (u - q) / (u + q)) / eps, Dv * lap(v) + u - v


def lengyel_epstein(lap: Any, u: Any, v: Any, D: Any, a: Any, b: Any, d: Any, sigma: Any) -> tuple[Any, ...]:
    uptake = u * v / (1 + u**2)
    return D * lap(u) + a - u - 4 * uptake, sigma * D * d * lap(v) + sigma * b * (u - uptake)


def allen_cahn(lap: Any, u: Any, D: Any, h: Any) -> tuple[Any, ...]:
    return (D * lap(u) - u * (u - 1) * (u + 1) + h,)


def fisher_kpp(lap: Any, u: Any, D: Any, r: Any) -> tuple[Any, ...]:
    return (D * lap(u) + r * u - r * u**2,)


def turing(lap: Any, x: Any, y: Any, Dx: Any, Dy: Any, p: Any) -> tuple[Any, ...]:
    return Dx * lap(x) + 5 * x - 6 * y + p, Dy * lap(y) + 6 * x - 7 * y + p


def may_leonard(lap: Any, u: Any, v: Any, w: Any, D: Any, alpha: Any, beta: Any) -> tuple[Any, ...]:
    return (
        D * lap(u) + u * (1 - u - alpha * v - beta * w),
        D * lap(v) + v * (1 - beta * u - v - alpha * w),
        D * lap(w) + w * (1 - alpha * u - beta * v - w),
    )


CASES = {
    "gray-scott": Case(gray_scott, {"Du": 0.2, "Dv": 0.09, "F": 0.037, "k": 0.06}, dt=1.0),
    "fitzhugh-nagumo": Case(
        fitzhugh_nagumo,
        {"Du": 0.7, "Dv": 2.0, "a": 0.3, "b": 1.2, "eps": 0.5, "I": 0.2},
        dt=0.04,
        low=-1.5,
        high=1.5,
    ),
    "brusselator": Case(brusselator, {"Du": 1.5, "Dv": 9.0, "A": 3.0, "B": 5.0}, dt=0.01, low=1.0, high=3.0),
    "schnakenberg": Case(schnakenberg, {"Du": 0.8, "Dv": 14.0, "a": 0.2, "b": 1.1}, dt=0.01),
    "gierer-meinhardt": Case(
        gierer_meinhardt,
        {"Da": 0.02, "Dh": 0.15, "rho": 0.02, "mu": 0.015, "nu": 0.03, "sigma": 0.001, "kappa": 0.2},
        dt=1.0,
        low=0.8,
    ),
    "lambda-omega": Case(ginzburg_landau, {"b": 0.6, "c": -0.9}, dt=0.03, low=-0.8, high=0.8),
    "barkley": Case(barkley, {"a": 0.7, "b": 0.03, "eps": 0.04}, dt=0.01, dx=0.4),
    "oregonator": Case(oregonator, {"Du": 0.9, "Dv": 0.5, "f": 1.3, "q": 0.02, "eps": 0.06}, dt=0.003, dx=0.6),
    "lengyel-epstein": Case(
        lengyel_epstein, {"D": 0.8, "a": 9.0, "b": 0.3, "d": 1.4, "sigma": 18.0}, dt=0.005, low=1.0, high=4.0
    ),
    "allen-cahn": Case(allen_cahn, {"D": 0.2, "h": 0.02}, dt=0.1, low=-1.0),
    "fisher-kpp": Case(fisher_kpp, {"D": 0.1, "r": 0.15}, dt=0.2, low=0.0, high=0.3),
    "turing": Case(turing, {"Dx": 4.0, "Dy": 40.0, "p": 0.9}, dt=0.004, high=3.0, bounds=(0.0, 2.0)),
    "may-leonard": Case(may_leonard, {"D": 0.6, "alpha": 0.7, "beta": 1.8}, dt=0.1),
}


def start(name: str) -> np.ndarray:
    case, channels = CASES[name], models.load(name).channels
    return np.random.default_rng(4).uniform(case.low, case.high, (len(channels), *SHAPE))


def theirs(name: str) -> np.ndarray:
    """The fields after py-pde's Euler steps, with the Laplacian of its scipy backend."""
    case = CASES[name]

    class Equations(pde.PDEBase):
        def evolution_rate(self, state: Any, t: Any = 0) -> Any:
            def lap(field: Any) -> Any:
                return field.laplace("periodic", backend="scipy")

            return pde.FieldCollection(list(case.rates(lap, *state, **case.numbers)))

        def make_post_step_hook(self, state: Any, backend: Any = "numpy") -> Any:
            def clip(data: Any, t: Any, extra: Any) -> Any:
                return (data if case.bounds is None else np.clip(data, *case.bounds)), extra

            return clip, None

    grid = pde.CartesianGrid([[0, n * case.dx] for n in SHAPE], SHAPE, periodic=True)
    fields = pde.FieldCollection([pde.ScalarField(grid, values) for values in start(name)])
    solver = {"solver": "euler", "backend": "numpy", "tracker": None}
    return Equations().solve(fields, STEPS * case.dt, case.dt, **solver).data


def ours(name: str, **changes: float) -> np.ndarray:
    case = CASES[name]
    rule = models.load(name).rule(**{**case.numbers, **changes})
    assert (rule.dt, rule.clamp) == (case.dt, case.bounds)
    return get_backend("reference").make_stepper(rule, np.float64)(start(name), 0, STEPS, 0)


@pytest.mark.parametrize("name", CASES)
def test_py_pde_agrees(name: str) -> None:
    assert set(CASES[name].numbers) == set(models.load(name).parameters)
    wanted = theirs(name)
    assert np.abs(wanted - start(name)).max() > 0.05
    assert wanted.std(axis=(1, 2)).max() > 1e-3, "nothing is left to compare"
    np.testing.assert_allclose(ours(name), wanted, **TOLERANCE)


@pytest.mark.parametrize(("name", "parameter"), [(name, p) for name, case in CASES.items() for p in case.numbers])
def test_every_parameter_is_seen(name: str, parameter: str) -> None:
    """The comparison can fail: a parameter that is off by a part in 100,000 is beyond its tolerance."""
    changed = ours(name, **{parameter: CASES[name].numbers[parameter] * (1 + 1e-5)})
    assert not np.allclose(changed, ours(name), **TOLERANCE)


def test_all_plain_equations_are_refereed() -> None:
    assert set(models.names()) - set(CASES) == {"swift-hohenberg"}  # its fourth derivative goes through a channel
