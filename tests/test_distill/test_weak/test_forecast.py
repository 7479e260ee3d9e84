"""Forecasts by a law."""

from __future__ import annotations

import numpy as np
import pytest

from distill.weak.forecast import Spectral, compare, denoised, forecast
from distill.weak.terms import make_library

NAMES = ("u", "v")
TERMS = make_library(NAMES)
X = 2 * np.pi * np.arange(24) / 24


def law(**coefficients: dict[str, float]) -> Spectral:
    weights = np.zeros((len(TERMS), 2))
    for c, name in enumerate(NAMES):
        for text, w in coefficients.get(name, {}).items():
            weights[[term.text for term in TERMS].index(text), c] = w
    return Spectral(TERMS, weights, (24, 24))


def start() -> np.ndarray:
    wave = np.cos(X)[None, :] * np.ones((24, 1))
    return np.stack([wave, 0.5 * wave.T])


def test_diffusion_decays_as_it_should():
    found = forecast(law(u={"lap(u)": 0.5}, v={"lap(v)": 0.1, "bilap(v)": -0.2}), start(), 5)
    k = 2 * np.pi / 24
    assert found is not None
    np.testing.assert_allclose(found[-1, 0], start()[0] * np.exp(-0.5 * k**2 * 5), atol=1e-12)
    np.testing.assert_allclose(found[-1, 1], start()[1] * np.exp((-0.1 * k**2 - 0.2 * k**4) * 5), atol=1e-12)


def test_reactions_follow_the_logistic_curve():
    flat = np.full((2, 24, 24), 0.1)
    found = forecast(law(u={"u": 0.5, "u**2": -0.5}, v={"v*dx(u)": 3.0, "|grad(u)|**2": 1.0}), flat, 6)
    assert found is not None
    exact = 1 / (1 + 9 * np.exp(-0.5 * np.arange(1, 7)))
    np.testing.assert_allclose(found[:, 0].mean(axis=(1, 2)), exact, rtol=1e-4)
    np.testing.assert_allclose(found[:, 1], 0.1, atol=1e-9)


def test_a_law_that_grows_without_bound_has_no_forecast():
    assert forecast(law(u={"lap(u)": -3.0}), start(), 5) is None


def test_a_wiener_filter_takes_most_noise_off():
    noise = np.array([0.2, 0.2])
    noisy = start() + 0.2 * np.random.default_rng(0).standard_normal((2, 24, 24))
    clean, left = denoised(noisy, noise)
    assert np.abs(clean - start()).std() < 0.12
    assert (left < 0.15).all()


def test_errors_of_forecasts_are_shares_of_the_change():
    seen = np.array([start() * 2])
    assert compare(seen, seen, start(), np.zeros(2)) == 0
    assert compare(np.array([start()]), seen, start(), np.zeros(2)) == pytest.approx(1)
