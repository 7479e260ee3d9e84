"""The noise of recordings: its level, the band of the signal, and smoothing."""

from __future__ import annotations

import numpy as np
import pytest

from distill.identify.noise import corner_frequency, estimate_noise, noise_levels, smooth, width_for
from tests.test_distill.recorded import LAMBDA_OMEGA, law, noisy, record

FRAMES = record(law(LAMBDA_OMEGA, dt=0.05), steps=40, size=24).astype(float)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05])
def test_the_noise_is_found(share: float) -> None:
    frames = noisy(FRAMES, share).astype(float)
    wanted = share * FRAMES.std(axis=(0, 2, 3))
    np.testing.assert_allclose(noise_levels([frames]), wanted, rtol=0.1)
    np.testing.assert_allclose(estimate_noise([frames]).share, share, rtol=0.1)


def test_rounding_is_no_noise() -> None:
    noise = estimate_noise([FRAMES])
    assert not noise.some
    assert noise.levels.tolist() == [0.0, 0.0]


def test_the_corner_is_where_the_noise_takes_over() -> None:
    t = np.arange(200)
    wave = np.sin(2 * np.pi * 0.05 * t)[:, None, None] * np.ones((1, 8, 8))
    loud = wave + np.random.default_rng(0).normal(size=wave.shape) * 0.05
    assert corner_frequency(loud, 0, 0.05) == pytest.approx(0.05, abs=0.02)


def test_smoothing_takes_noise_off_and_keeps_the_signal() -> None:
    slow = record(law(LAMBDA_OMEGA, dt=0.05), steps=60, size=24, seed=2).astype(float)
    loud = noisy(slow, 0.05).astype(float)
    noise = estimate_noise([loud])
    quiet = smooth(loud, noise.bands)
    assert np.abs(quiet - slow).std() < 0.6 * np.abs(loud - slow).std()
    assert width_for(0.5, 40) == 1
    assert width_for(0.01, 40) == 39
    assert width_for(0.1, 40) % 2 == 1
