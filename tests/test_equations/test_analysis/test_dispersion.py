"""Eigenvalues against closed forms, on the grid and between its waves; symmetric rules have symmetric growth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equations import models
from equations.analysis.dispersion import Dispersion, along, dispersion, over_directions, refine
from equations.analysis.jacobian import linearise
from equations.rule.rule import Rule
from tests.test_equations.helpers import make_rule

A, B = 0.1, 0.9


def schnakenberg(Dv: float = 20.0) -> Rule:
    return models.load("schnakenberg").rule(None, a=A, b=B, Dv=Dv)


def relation(rule: Rule, point: tuple[float, ...], size: tuple[int, int] = (24, 32)) -> Dispersion:
    return dispersion(linearise(rule, point), size)


def exact(q: np.ndarray, Dv: float) -> np.ndarray:
    """The larger real part at −∇² = q, from trace and determinant (Murray, Mathematical Biology II, eq. 2.23)."""
    u, v = A + B, B / (A + B) ** 2
    trace = -1 + 2 * u * v - u * u - q * (1 + Dv)
    det = (-1 + 2 * u * v - q) * (-u * u - Dv * q) + 2 * u * v * u * u
    return np.asarray((trace + np.sqrt(trace.astype(complex) ** 2 - 4 * det)) / 2).real


def test_every_wave_of_the_grid_has_its_exact_growth() -> None:
    found = relation(schnakenberg(), (1.0, 0.9))
    assert found.eigenvalues.shape == (13, 32, 2)
    q = 4 * np.sin(found.kx / 2) ** 2 + 4 * np.sin(found.ky / 2) ** 2
    assert found.eigenvalues.real.max(axis=-1) == pytest.approx(exact(q, 20.0), abs=1e-9)
    assert found.growth == pytest.approx(np.log(np.abs(1 + 0.01 * found.eigenvalues).max(axis=-1)) / 0.01)


def test_the_fastest_wave_is_the_argmax_and_is_refined_between_the_grid() -> None:
    found = relation(schnakenberg(), (1.0, 0.9))
    wave = found.fastest()
    assert wave is not None
    assert wave.eigenvalue.real == pytest.approx(found.eigenvalues.real.max())
    q = np.linspace(0, 2, 200_001)
    best = q[np.argmax(exact(q, 20.0))]
    finer = refine(found.linear, wave)
    assert finer.eigenvalue.real == pytest.approx(exact(np.array([best]), 20.0)[0], rel=1e-6)
    assert 4 * math.sin(finer.kx / 2) ** 2 + 4 * math.sin(finer.ky / 2) ** 2 == pytest.approx(best, rel=1e-3)
    axis, diagonal = 2 * math.asin(math.sqrt(best) / 2), 2 * math.sqrt(2) * math.asin(math.sqrt(best / 2) / 2)
    shortest, mean, longest = over_directions(found.linear, finer)
    assert (longest, shortest) == pytest.approx(
        (2 * math.pi / min(axis, diagonal), 2 * math.pi / max(axis, diagonal)), rel=1e-3
    )
    assert shortest < mean < longest


def test_one_direction_counts_where_a_rule_has_one() -> None:
    carried = make_rule({"u": "-0.5*u + v_dx", "v": "-0.1*v - 0.8*u_dx + 0.2*u"})
    found = relation(carried, (0.0, 0.0), (64, 64))
    wave = found.fastest()
    assert wave is not None
    assert over_directions(found.linear, refine(found.linear, wave)) == pytest.approx([4, 4, 4], rel=1e-3)


def test_uniform_waves_come_first_and_in_order() -> None:
    found = relation(models.get("gray-scott"), (1.0, 0.0))
    assert [wave.eigenvalue for wave in found.uniform()] == pytest.approx([-0.055, -0.117])
    assert found.uniform()[0].wavelength == math.inf


@pytest.mark.parametrize("size", [(24, 32), (25, 31), (3, 4)])
def test_the_plane_is_symmetric_under_a_half_turn(size: tuple[int, int]) -> None:
    rule = make_rule({"u": "u_dx - 0.5*u + 0.3*v_f7", "v": "v_lap - u"})
    found = relation(rule, (0.0, 0.0), size)
    plane = found.plane(found.growth)
    assert plane.shape == size
    h, w = size
    kx, ky = (2 * math.pi * np.fft.fftshift(np.fft.fftfreq(n)) for n in (w, h))
    values = np.linalg.eigvals(found.linear.generator(kx[None], ky[:, None]))
    assert plane == pytest.approx(np.log(np.abs(1 + values).max(axis=-1)), abs=1e-9)


def test_an_isotropic_rule_does_not_change_under_a_quarter_turn() -> None:
    found = relation(models.get("swift-hohenberg"), (0.0, 0.0), (20, 20))
    plane = found.plane(found.growth)[1:, 1:]
    assert plane == pytest.approx(np.rot90(plane), abs=1e-9)


def test_frequency_and_growth_of_an_explicit_step() -> None:
    """Explicit Euler turns λ = i into |1 + i dt| > 1: growth dt/2, and a frequency a little below 1."""
    rule = make_rule({"u": "-v + 0.1*u_lap", "v": "u + 0.1*v_lap"}, dt=0.1)
    wave = relation(rule, (0.0, 0.0)).uniform()[0]
    assert wave.growth == pytest.approx(math.log(1.01) / 0.2)
    assert wave.frequency == pytest.approx(math.atan(0.1) / 0.1)
    assert wave.oscillates


def test_along_a_direction() -> None:
    linear = linearise(schnakenberg(), (1.0, 0.9))
    numbers = np.array([0.0, 0.5])
    assert along(linear, (0, 2), numbers).real.max(axis=1) == pytest.approx(exact(4 * np.sin(numbers / 2) ** 2, 20.0))
