"""The catalogue against theory: fronts, oscillations, thresholds, things that move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from equations import models
from equations.simulation import Simulator
from tests.test_equations.model_steps import bend, flat, run


def test_fisher_front_speed() -> None:
    """2√(rD) in the end, 3√(D/r)/(2t) less at time t (Bramson)."""
    model = models.load("fisher-kpp")
    rule, (D, r) = model.rule(D=4.0, r=0.1).replace(dt=0.05), (4.0, 0.1)
    state = np.zeros((1, 1, 1000))
    state[..., :20] = state[..., -20:] = 1
    places, times = [], (100, 200)
    for time, before in zip(times, (0, 100), strict=True):
        state = run(rule, state, round((time - before) / rule.dt))
        half = np.flatnonzero(state[0, 0, :500] < 0.5)[0]
        places.append(half - 1 + (state[0, 0, half - 1] - 0.5) / (state[0, 0, half - 1] - state[0, 0, half]))
    wanted = 2 * (r * D) ** 0.5 * 100 - 1.5 * (D / r) ** 0.5 * np.log(2)
    assert places[1] - places[0] == pytest.approx(wanted, rel=0.03)


def test_lambda_omega_homogeneous_oscillation() -> None:
    """Amplitude 1 and frequency −c, from any start."""
    rule = models.load("lambda-omega").rule(c=0.8).replace(dt=0.005)
    state = run(rule, flat((0.1, 0.05), (1, 1)), 2000)
    assert np.hypot(*state) == pytest.approx(1, abs=2e-3)
    later = run(rule, state, 200)
    turned = np.angle((later[0] + 1j * later[1]) / (state[0] + 1j * state[1]))
    assert turned == pytest.approx(-0.8, abs=5e-3)


@pytest.mark.parametrize(("b", "c"), [(0.0, 1.0), (2.0, -0.5), (-0.7, 0.4)])
def test_ginzburg_landau_plane_waves(b: float, c: float) -> None:
    """A = √(1 − q²) exp i(qx − ωt) with ω = c (1 − q²) + b q²: Aranson and Kramer, eq. 3."""
    rule = models.load("lambda-omega").rule(b=b, c=c).replace(dt=0.001)
    squared = bend(3, 64)
    wave = (1 - squared) ** 0.5 * np.exp(2j * np.pi * 3 * np.arange(64) / 64)[None, :]
    after = run(rule, np.stack([wave.real, wave.imag]), 1000)
    np.testing.assert_allclose(
        after[0] + 1j * after[1], wave * np.exp(-1j * (c * (1 - squared) + b * squared)), atol=2e-3
    )


def test_allen_cahn_energy_falls() -> None:
    rule = models.get("allen-cahn")

    def energy(u: np.ndarray) -> float:
        slopes = sum(((np.roll(u, 1, axis) - u) ** 2).sum() for axis in (1, 2))
        return slopes / 2 + ((1 - u**2) ** 2).sum() / 4

    state = np.random.default_rng(2).uniform(-0.5, 0.5, (1, 32, 32))
    energies = [energy(state)]
    for _ in range(100):
        state = run(rule, state, 5)
        energies.append(energy(state))
    assert (np.diff(energies) < 1e-12).all()
    assert energies[-1] < 0.2 * energies[0]


def test_allen_cahn_drops_shrink_by_curvature() -> None:
    """The squared radius falls by 2 D per time."""
    rule = models.get("allen-cahn")
    y, x = np.mgrid[:96, :96] - 47.5
    state = np.tanh((30 - np.hypot(y, x)) / 2**0.5)[None]
    squared = lambda u: float(((u + 1) / 2).sum() / np.pi)  # noqa: E731
    first = run(rule, state, 200)
    assert squared(first) - squared(run(rule, first, 1000)) == pytest.approx(2 * 100, rel=0.08)


@pytest.mark.parametrize(
    ("name", "rest", "small", "large"),
    [
        ("barkley", (0.0, 0.0), 0.005, 0.1),
        ("fitzhugh-nagumo", (-1.03279, -0.66559), 0.1, 1.0),
    ],
)
def test_excitable_media_have_a_threshold(name: str, rest: tuple[float, float], small: float, large: float) -> None:
    """A small perturbation decays, a large one makes a pulse, and then both are back at rest."""
    rule = models.get(name)
    np.testing.assert_allclose(run(rule, flat(rest, (1, 1))), flat(rest, (1, 1)), atol=1e-5)
    for perturbation, fires in ((small, False), (large, True)):
        state, highest = flat((rest[0] + perturbation, rest[1]), (1, 1)), -np.inf
        for _ in range(30):
            state = run(rule, state, 100)
            highest = max(highest, state[0].max())
        assert (highest > 0.7) == fires
        assert np.abs(state - flat(rest, (1, 1))).max() < 0.05


def test_oregonator_oscillates() -> None:
    rule = models.get("oregonator")
    state, seen = flat((0.01, 0.06), (1, 1)), []
    for _ in range(400):
        state = run(rule, state, 10)
        seen.append(state[0].item())
    assert min(seen) > 0.01
    peaks = ndimage.label(np.array(seen) > 0.3)[1]
    assert 2 <= peaks <= 6


def test_may_leonard_cycles_grow_beyond_a_sum_of_two() -> None:
    model = models.load("may-leonard")
    for beta, grows in ((1.2, True), (0.9, False)):
        rule = model.rule(alpha=0.9, beta=beta).replace(dt=0.05)
        rest = 1 / (1.9 + beta)
        start = flat((rest + 0.01, rest, rest - 0.01), (1, 1))
        after = run(rule, start, 1200)
        assert (np.abs(after - rest).max() > np.abs(start - rest).max()) == grows


def test_u_skate_glides() -> None:
    """The U of Munafo's U-skate world moves to the left, about a cell in 700 steps, and keeps its shape."""
    model = models.load("gray-scott")
    preset = model.preset("u-skate")
    simulator = Simulator(model.rule("u-skate"), size=192, seed=preset.seed)

    def skates() -> list[Any]:
        labels, _ = ndimage.label(simulator.state[1] < 0.2)
        sizes = np.bincount(labels.ravel())[1:]
        return [
            (ndimage.center_of_mass(labels == n + 1), sizes[n]) for n in np.flatnonzero((sizes > 120) & (sizes < 250))
        ]

    simulator.step(8000)
    (((y0, x0), size0),) = skates()
    simulator.step(4000)
    (((y1, x1), size1),) = skates()
    assert -10 < x1 - x0 < -3
    assert abs(y1 - y0) < 3
    assert size1 == pytest.approx(size0, rel=0.1)
