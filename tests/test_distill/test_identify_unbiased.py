"""Terms of noisy states: no bias on average."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from distill.identify.unbiased import noise_covariance, unbiased_expression, unbiased_product
from equations.expressions.numeric import compile_numpy
from equations.perception import perceive
from equations.rule.stencils import ID, LAP5, feature_names
from equations.rule.symbols import symbol

STENCILS = (ID, LAP5)
NAMES = feature_names(("u", "v"), STENCILS)
LEVELS = np.array([0.3, 0.2])
NOISE = noise_covariance(LEVELS, STENCILS)


def test_the_covariance_is_that_of_the_kernels() -> None:
    assert NOISE[0, 0] == pytest.approx(0.09)
    assert NOISE[0, 1] == pytest.approx(-4 * 0.09)
    assert NOISE[1, 1] == pytest.approx(20 * 0.09)
    assert NOISE[0, 2] == 0
    noise = np.random.default_rng(0).normal(size=(2, 300, 300)) * LEVELS[:, None, None]
    measured = np.cov(perceive(noise, STENCILS).reshape(4, -1))
    np.testing.assert_allclose(measured, NOISE, atol=0.03)


@pytest.mark.parametrize("atoms", [(0,), (0, 0), (0, 1), (0, 2), (0, 0, 0), (0, 2, 2), (0, 0, 1), (0, 1, 1)])
def test_products_have_no_bias(atoms: tuple[int, ...]) -> None:
    state = np.full((2, 400, 400), 0.0)
    state[0], state[1] = 0.7, -0.4
    noise = np.random.default_rng(1).normal(size=state.shape) * LEVELS[:, None, None]
    clean, loud = perceive(state, STENCILS), perceive(state + noise, STENCILS)
    wanted = np.prod([clean[a] for a in atoms], axis=0).mean()
    found = unbiased_product([loud[a] for a in atoms], atoms, NOISE)
    assert found.mean() == pytest.approx(wanted, abs=5 * found.std() / 400 + 1e-3)


def test_other_expressions_are_right_to_second_order() -> None:
    u, v, lap = symbol("u"), symbol("v"), symbol("u_lap5")
    cubic = unbiased_expression(u * v**2 + u**2 * lap, NAMES, NOISE)
    values = np.random.default_rng(2).normal(size=(4, 50))
    wanted = unbiased_product([values[0], values[2], values[2]], (0, 2, 2), NOISE)
    wanted = wanted + unbiased_product([values[0], values[0], values[1]], (0, 0, 1), NOISE)
    np.testing.assert_allclose(compile_numpy([cubic], NAMES)(values)[0], wanted)

    small = noise_covariance(np.array([0.05, 0.05]), STENCILS)
    quotient = compile_numpy([unbiased_expression(u**2 / v, NAMES, small)], NAMES)
    e = 0.05 * np.random.default_rng(3).normal(size=(2, 10**6))
    seen = np.zeros((4, 10**6))
    seen[0], seen[2] = 1 + e[0], 1 + e[1]
    assert quotient(seen)[0].mean() == pytest.approx(1, abs=4e-4)
    assert (seen[0] ** 2 / seen[2]).mean() > 1.004


def test_kinks_stay_as_they_are() -> None:
    kink = sympy.Abs(symbol("u"))
    assert unbiased_expression(kink, NAMES, NOISE) == kink
