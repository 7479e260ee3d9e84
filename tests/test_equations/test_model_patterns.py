"""The catalogue against theory: states of rest, balances, the patterns that linear analysis foresees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import sympy
from scipy import ndimage

from equations import models
from equations.rule.rule import Rule
from tests.test_equations.model_steps import bend, flat, run


def linear_parts(rule: Rule, values: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The Jacobians of the rates by the channels, and by their Laplacians, at a uniform state."""
    features = dict(zip(rule.channels, values, strict=True)) | {f"{c}_lap": 0.0 for c in rule.channels}
    at = {sympy.Symbol(name, real=True): value for name, value in features.items()}

    def by(suffix: str) -> np.ndarray:
        names = [sympy.Symbol(channel + suffix, real=True) for channel in rule.channels]
        return np.array([[float(expr.diff(name).subs(at)) for name in names] for expr in rule.expressions])

    return by(""), by("_lap")


def growth(rule: Rule, values: tuple[float, ...], bends: npt.ArrayLike) -> np.ndarray:
    """The fastest rate of growth of perturbations whose Laplacian is −bend times themselves, for each bend."""
    reaction, diffusion = linear_parts(rule, values)
    return np.array([np.linalg.eigvals(reaction - b * diffusion).real.max() for b in np.atleast_1d(bends)])


RESTS = {
    "gray-scott": lambda Du, Dv, F, k: (1.0, 0.0),
    "brusselator": lambda Du, Dv, A, B: (A, B / A),
    "schnakenberg": lambda Du, Dv, a, b: (a + b, b / (a + b) ** 2),
    "gierer-meinhardt": lambda Da, Dh, rho, mu, nu, sigma, kappa: (nu / mu, rho * nu / mu**2),
    "lambda-omega": lambda b, c: (0.0, 0.0),
    "barkley": lambda a, b, eps: (0.0, 0.0),
    "lengyel-epstein": lambda D, a, b, d, sigma: (a / 5, 1 + a**2 / 25),
    "turing": lambda Dx, Dy, p: (p, p),
    "may-leonard": lambda D, alpha, beta: (1 / (1 + alpha + beta),) * 3,
}


@pytest.mark.parametrize("name", RESTS)
def test_uniform_states_rest(name: str) -> None:
    rest = RESTS[name](**models.load(name).values())
    rule = models.get(name)
    np.testing.assert_allclose(run(rule, flat(rest)), flat(rest), atol=1e-13)
    moved = run(rule, flat(tuple(x + 0.01 for x in rest)))
    assert np.abs(moved - flat(tuple(x + 0.01 for x in rest))).max() > 1e-6, "every state rests"


def test_gray_scott_mass_balance() -> None:
    """Diffusion and u v² only move mass: the sum of u + v changes by feed and removal alone."""
    rule = models.get("gray-scott")
    F, k = (models.load("gray-scott").values()[name] for name in "Fk")
    u, v = state = np.random.default_rng(0).random((2, 20, 24))
    gained = run(rule, state).sum() - state.sum()
    assert gained == pytest.approx(rule.dt * (F * (1 - u).sum() - (F + k) * v.sum()), abs=1e-10)


@pytest.mark.parametrize("waves", [0, 3, 8, 20])
def test_turing_modes_grow_as_the_linear_analysis_says(waves: int) -> None:
    rule = models.get("turing")
    reaction, diffusion = linear_parts(rule, (1.0, 1.0))
    rates, vectors = np.linalg.eig(reaction - bend(waves, 64) * diffusion)
    fastest = rates.real.argmax()
    wave = np.cos(2 * np.pi * waves * np.arange(64) / 64) * np.ones((4, 1))
    mode = vectors[:, fastest].real[:, None, None] * wave
    after = run(rule, 1 + 1e-6 * mode, 100) - 1
    np.testing.assert_allclose(after, 1e-6 * mode * (1 + rule.dt * rates[fastest].real) ** 100, atol=1e-12)


def test_turing_wavelength() -> None:
    """Out of noise comes the wavelength that grows fastest."""
    rule, cells = models.get("turing"), 128
    rates = growth(rule, (1.0, 1.0), [bend(n, cells) for n in range(cells // 2)])
    wanted = int(np.argmax(rates))
    assert rates[wanted] > 0 > max(rates[0], rates[-1]), "a band of wavelengths grows"
    noise = np.random.default_rng(1).normal(1, 1e-6, (2, cells, cells))
    x = run(rule, noise, 1500)[0]
    power = np.abs(np.fft.fft2(x - x.mean())) ** 2
    waves = np.hypot(*np.meshgrid(*[np.fft.fftfreq(cells, 1 / cells)] * 2))
    assert (power * waves).sum() / power.sum() == pytest.approx(wanted, rel=0.06)


def test_brusselator_threshold() -> None:
    """Patterns from B = (1 + A √(Du/Dv))² on: Nicolis and Prigogine."""
    model = models.load("brusselator")
    A, critical = 4.5, (1 + 4.5 * (2 / 16) ** 0.5) ** 2
    for B, grows in ((critical * 0.999, False), (critical * 1.001, True)):
        rule = model.rule(A=A, B=B)
        assert (growth(rule, (A, B / A), np.linspace(0, 2, 401)).max() > 0) == grows
        assert growth(rule, (A, B / A), 0) < 0


@pytest.mark.parametrize(
    ("name", "preset"),
    [(n, preset) for n in ("brusselator", "schnakenberg", "lengyel-epstein") for preset in models.load(n).presets]
    + [("turing", "dapple"), ("turing", "spots"), ("gierer-meinhardt", "spots")],
)  # fmt: skip
def test_turing_presets_are_turing_unstable(name: str, preset: str) -> None:
    """Stable when uniform, unstable for some wavelength of more than five cells."""
    rule = models.load(name).rule(preset)
    rest = RESTS[name](**models.load(name).values(preset))
    assert growth(rule, rest, 0) < 0
    bends = np.linspace(0.01, 4, 400)
    rates = growth(rule, rest, bends)
    assert rates.max() > 0
    assert 2 * np.pi / bends[rates.argmax()] ** 0.5 > 5


def test_swift_hohenberg_modes() -> None:
    """The channel w is ∇²u one step late: z² = z (1 + dt (r − 1 + 2K)) − dt K², close to 1 + dt (r − (1 − K)²)."""
    rule = models.get("swift-hohenberg")
    factors = []
    for waves in (3, 8, 13):  # along an axis: the wave of length 8 dx is nearly the preferred one
        wave = 1e-6 * np.cos(2 * np.pi * waves * np.arange(64) / 64) * np.ones((1, 3, 1))
        bent = bend(waves, 64, 0.8)
        dt, r = rule.dt, 0.2
        z = np.roots([1, -(1 + dt * (r - 1 + 2 * bent)), dt * bent**2]).max()
        state = run(rule, np.concatenate([wave, -bent * wave / z]), 50)
        np.testing.assert_allclose(state[0], wave[0] * z.real**50, atol=1e-11)
        assert z == pytest.approx(1 + dt * (r - (1 - bent) ** 2), abs=0.15 * dt)
        factors.append(z)
    assert factors[1] > 1 > max(factors[0], factors[2])


def test_swift_hohenberg_comes_to_rest_on_the_equation() -> None:
    """A grown pattern solves r u − (1 + ∇²)² u + g u² − u³ = 0."""
    rule = models.get("swift-hohenberg:hexagons")
    state = run(rule, np.random.default_rng(0).uniform(-0.3, 0.3, (2, 16, 16)), 12_000)
    kernel = np.array(rule.stencils[1].kernel)
    lap = lambda u: ndimage.correlate(u, kernel, mode="wrap")  # noqa: E731
    u = state[0]
    rate = 0.1 * u - (u + 2 * lap(u) + lap(lap(u))) + u**2 - u**3
    assert u.std() > 0.2
    assert np.abs(rate).max() < 1e-4
    np.testing.assert_allclose(state[1], lap(u), atol=1e-5)
