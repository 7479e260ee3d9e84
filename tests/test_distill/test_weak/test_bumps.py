"""Test functions: their derivatives, and integrals with them."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest
from numpy.polynomial import Polynomial

from distill.weak.bumps import Bump, bump_derivative, bump_rows


@pytest.mark.parametrize("order", range(5))
def test_derivatives_are_those_of_the_polynomial(order):
    x = np.linspace(-1, 1, 41)
    exact = (Polynomial([1, 0, -1]) ** 7).deriv(order)(x) if order else (1 - x**2) ** 7
    np.testing.assert_allclose(bump_derivative(x, 7, order)[1:-1], exact[1:-1], atol=1e-9)


def test_a_bump_is_zero_outside_of_its_support():
    assert not bump_derivative(np.array([-1.5, -1.0, 1.0, 2.0]), 6, 2).any()


def test_a_derivative_that_the_bump_has_not_is_refused():
    with pytest.raises(ValueError, match="at most order 3"):
        bump_derivative(np.zeros(1), 3, 4)


@pytest.mark.parametrize("order", range(5))
def test_weights_integrate_powers_by_parts(order):
    """The integral of x^n against the n-th derivative of a bump of integral 1 is (-1)^n n!."""
    rows = bump_rows(41, Bump(12, 13), [20], order)
    x = np.arange(41) - 20.0
    assert rows[0] @ x**order == pytest.approx((-1) ** order * factorial(order), rel=1e-6)


def test_windows_lie_where_their_centres_are():
    rows = bump_rows(30, Bump(5, 6), [5, 24], 0)
    assert np.flatnonzero(rows[0]).tolist() == list(range(1, 10))
    assert np.flatnonzero(rows[1]).tolist() == list(range(20, 29))
