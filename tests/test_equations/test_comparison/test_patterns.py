"""Statistics of patterns whose values are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from equations.comparison.patterns import histogram_distance, spectrum_distance, statistics

Y, X = np.mgrid[0:64, 0:64]
WAVE = np.cos(2 * np.pi * 4 * X / 64)


def test_a_wave() -> None:
    found = statistics(3 + 2 * WAVE)
    assert (found.mean, found.deviation) == (pytest.approx(3), pytest.approx(2 / np.sqrt(2)))
    assert found.skewness == pytest.approx(0, abs=1e-12)
    # its autocorrelation, averaged over directions, is the Bessel function J0(k r), which is 1/e at k r = 1.746
    assert found.correlation_length == pytest.approx(1.7463 / (2 * np.pi * 4 / 64), rel=0.05)


def test_noise_has_no_length_and_a_gradient_of_exponentials_is_skewed() -> None:
    noise = np.random.default_rng(0).normal(size=(64, 64))
    assert statistics(noise).correlation_length < 1
    assert statistics(np.random.default_rng(0).exponential(size=(256, 256))).skewness == pytest.approx(2, rel=0.1)


def test_a_flat_field() -> None:
    found = statistics(np.full((8, 8), 0.3))
    assert (found.deviation, found.skewness, found.correlation_length) == (0, 0, 0)
    assert found.mean == pytest.approx(0.3)


def test_histograms() -> None:
    a = np.repeat([0.0, 1.0], 32).reshape(8, 8)
    assert histogram_distance(a, a[::-1]) == 0
    assert histogram_distance(a, np.zeros((8, 8))) == 0.5
    assert histogram_distance(np.zeros((8, 8)), np.ones((8, 8))) == 1
    assert histogram_distance(np.ones((8, 8)), np.ones((8, 8))) == 0


def test_spectra() -> None:
    assert spectrum_distance(WAVE, np.roll(WAVE, 5, axis=1)) == pytest.approx(0, abs=1e-12)
    assert spectrum_distance(WAVE, WAVE.T) == pytest.approx(0, abs=1e-12)
    assert spectrum_distance(WAVE, np.cos(2 * np.pi * 9 * X / 64)) == pytest.approx(1)
    assert spectrum_distance(WAVE, np.sqrt(3) * WAVE) == pytest.approx(0.5)  # powers 1 and 3
    assert spectrum_distance(WAVE, np.zeros((64, 64))) == 1
    assert spectrum_distance(np.zeros((64, 64)), np.ones((64, 64))) == 0
