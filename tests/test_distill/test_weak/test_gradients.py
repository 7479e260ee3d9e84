"""Derivatives of data by local polynomials."""

from __future__ import annotations

import numpy as np
import pytest

from distill.weak.gradients import Filter, choose_filter, differentiate


def wave() -> np.ndarray:
    """cos of two waves a frame along x, one along y, (20, 48, 48)."""
    x = 2 * np.pi * np.arange(48) / 48
    phase = np.arange(20)[:, None, None]
    return np.cos(2 * x[None, None, :] + phase) + np.sin(x[None, :, None] + phase)


def test_the_derivative_of_a_wave_is_exact_without_noise():
    field, x = wave(), 2 * np.pi * np.arange(48) / 48
    found = differentiate(field, choose_filter([field], 0.0), "x")
    exact = -2 * np.sin(2 * x[None, None, :] + np.arange(20)[:, None, None]) * 2 * np.pi / 48
    np.testing.assert_allclose(found, np.broadcast_to(exact, found.shape), atol=1e-9)


def test_noise_makes_the_filter_calmer():
    field = wave()
    noisy = field + 0.5 * np.random.default_rng(0).standard_normal(field.shape)
    loud, clean = choose_filter([noisy], 0.5), choose_filter([field], 0.0)
    assert np.square(loud.kernel).sum() < np.square(clean.kernel).sum()


@pytest.mark.parametrize("by", [Filter(1, 2), Filter(5, 4), Filter(6, 12)])
def test_filters_are_odd_and_exact_for_straight_lines(by):
    np.testing.assert_allclose(by.kernel, -by.kernel[::-1], atol=1e-9)
    assert by.kernel @ np.arange(-by.half, by.half + 1) == pytest.approx(1)
