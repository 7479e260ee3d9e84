"""What the linearisation says of a small wave is what one step of the simulator does with it, exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equations import models
from equations.analysis.jacobian import UniformRule, linearise
from equations.rule.rule import Rule
from equations.simulation import Simulator
from tests.test_equations.helpers import make_rule

AWKWARD = make_rule(
    {
        "u": "0.3*u_lap*(1 + v^2) - 0.1*tanh(u_dx + u)*v + u_f7/(1 + u^2)",  # nonlinear in what its stencils see
        "v": "0.2*u*v_lap + exp(u_dx*v) - v - u_f7^2",
    },
    dt=0.05,
)


def step(rule: Rule, state: np.ndarray, seed: int = 0) -> np.ndarray:
    return Simulator(rule, backend="reference", state=state, dtype="float64", seed=seed).step(1).copy()


def plane_wave(amplitudes: np.ndarray, m: int, n: int, size: tuple[int, int]) -> tuple[np.ndarray, float, float]:
    y, x = np.mgrid[: size[0], : size[1]]
    kx, ky = 2 * math.pi * m / size[1], 2 * math.pi * n / size[0]
    return (amplitudes[:, None, None] * np.exp(1j * (kx * x + ky * y))).real, kx, ky


@pytest.mark.parametrize("rule", [AWKWARD, models.get("oregonator"), models.get("gierer-meinhardt:net")])
@pytest.mark.parametrize(("m", "n"), [(0, 0), (3, 0), (2, 5), (-4, 3), (8, 6)])
def test_a_small_wave_takes_the_predicted_step(rule: Rule, m: int, n: int) -> None:
    point, size, tiny = np.array([0.4, 0.7]), (12, 16), 1e-7
    wave, kx, ky = plane_wave(np.array([1 + 0.5j, -0.3 + 0.2j]), m, n, size)
    base = np.broadcast_to(point[:, None, None], (2, *size))
    moved = (step(rule, base + tiny * wave) - step(rule, base - tiny * wave)) / (2 * tiny)
    matrix = np.eye(2) + rule.dt * linearise(rule, point).generator(kx, ky)
    wanted, _, _ = plane_wave(matrix @ np.array([1 + 0.5j, -0.3 + 0.2j]), m, n, size)
    assert np.abs(moved - wanted).max() <= 1e-6 * max(1, np.abs(matrix).max())


@pytest.mark.parametrize("mask", ["cell", "channel"])
def test_with_a_mask_the_mean_step_is_predicted(mask: str) -> None:
    rule = make_rule({"u": "0.8*u_lap - 0.9*u + 0.3*v", "v": "0.1*v_lap + u - v"}, update_rate=0.3, mask=mask)
    size, amplitudes = (6, 8), np.array([1.0, 0.5])
    wave, kx, ky = plane_wave(amplitudes.astype(complex), 2, 1, size)
    mean = np.mean([step(rule, wave, seed) for seed in range(1000)], axis=0)
    matrix = np.eye(2) + linearise(rule, np.zeros(2)).generator(kx, ky)
    wanted, _, _ = plane_wave(matrix @ amplitudes, 2, 1, size)
    assert np.abs(mean - wanted).max() < 0.09  # six standard errors of the draws
    assert np.abs(wave - wanted).max() > 0.25


def test_the_clamp_holds_a_channel_against_a_push_outwards() -> None:
    rule = make_rule({"u": "0.2*u_lap - 1 + v", "v": "u - v"}, clamp=(0.0, 1.0))
    held = linearise(rule, np.zeros(2), (True, False))
    wave, kx, ky = plane_wave(np.array([1.0, 1.0], complex), 2, 0, (8, 8))
    base = 1e-3 * (1 + wave)  # within the clamp, and pushed to its border at once
    assert (step(rule, base)[0] == 0).all()
    assert 1 + held.generator(kx, ky)[0] == pytest.approx([0, 1])
    assert held.generator(kx, ky)[1] == pytest.approx([1, -1])
    half = linearise(rule.replace(update_rate=0.5), np.zeros(2), (True, False))
    assert 1 + half.generator(kx, ky)[0, 0] == pytest.approx(0.5)  # cells that skip the step stay


def test_kinks_are_named() -> None:
    rule = make_rule({"u": "abs(u_lap) - u + abs(v)", "v": "0.5*v_lap - v"})
    at = linearise(rule, np.zeros(2))
    assert not at.smooth
    assert at.kinks == ("u_lap", "v")
    away = linearise(make_rule({"u": "abs(u) - 1", "v": "-v*abs(v)"}), np.array([1.0, 0.0]))
    assert away.smooth
    assert away.kinks == ()


def test_the_effective_diffusion_counts_nonlinear_terms_too() -> None:
    rule = make_rule({"u": "(1 + u^2)*u_lap", "v": "v_lap*u - v"})
    assert linearise(rule, np.array([2.0, 0.0])).diffusion() == pytest.approx(np.array([[1.25, 0], [0, 0.5]]))


def test_uniform_states_see_only_sums_of_weights() -> None:
    uniform = UniformRule(make_rule({"u": "u_lap + u_dx - u", "v": "u_f7 + v"}))
    assert uniform.sums == pytest.approx([1, 0, 0, 0])
    assert uniform.update(np.array([[2.0, 3.0]])) == pytest.approx(np.array([[-2.0, 3.0]]))
