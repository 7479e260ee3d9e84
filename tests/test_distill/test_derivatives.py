"""Schemes in time, windows, smoothing, and what noise is taken for."""

from __future__ import annotations

import numpy as np
import pytest

from distill.identify.noise import corner_frequency, noise_levels, smooth, width_for
from distill.identify.schemes import QUADRATURES, Scheme, blur, bump, quadrature_of, radius_for
from distill.identify.survey import estimate_noise
from tests.test_distill.recorded import LAMBDA_OMEGA, law, noisy, record

FRAMES = record(law(LAMBDA_OMEGA, dt=0.05), steps=40, size=24).astype(float)


@pytest.mark.parametrize(("order", "degree"), [(1, 0), (2, 1), (4, 3), (6, 5)])
@pytest.mark.parametrize("radius", [0, 3])
def test_a_scheme_is_exact_for_polynomials_of_its_degree(order: int, degree: int, radius: int) -> None:
    """du/dt = f with f = t^degree: both sides are equal, and not so for the next power."""
    dt, n = 0.3, 20
    t = dt * np.arange(n)
    change, average = Scheme(order, radius).matrices(n, dt, n)
    for power, exact in ((degree, True), (degree + 1, order == 1 and degree + 1 == 0)):
        u, f = t ** (power + 1) / (power + 1), t**power
        gap = np.abs(change @ u - average @ f).max()
        assert (gap < 1e-9 * np.abs(f).max()) == exact


@pytest.mark.parametrize(("order", "degree"), [(2, 1), (4, 3), (6, 5)])
@pytest.mark.parametrize("substeps", [1, 2, 5, 8])
def test_steps_between_frames_are_summed_as_the_rule_did(order: int, degree: int, substeps: int) -> None:
    """Frame n + 1 is frame n plus dt/substeps times the sum of f there and at the places in between."""
    dt, n = 0.7, 14
    fine = np.arange(n * substeps) * dt / substeps
    f = (fine - 2) ** degree
    u = np.concatenate([[0.0], np.cumsum(f[:-1])]) * dt / substeps
    change, average = Scheme(order, 2, substeps=substeps).matrices(n, dt, n)
    left, right = change @ u[::substeps], average @ f[::substeps]
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9 * np.abs(f).max())
    assert sum(quadrature_of(order, substeps)) == pytest.approx(1)
    assert quadrature_of(order, 2000) == pytest.approx(QUADRATURES[order], abs=2e-3)


def test_every_step_of_a_rule_is_exact_at_any_window() -> None:
    u = np.random.default_rng(0).normal(size=30).cumsum()
    f = np.append(np.diff(u) / 0.1, 0.0)  # u[n+1] = u[n] + dt f[n]
    for radius in (0, 1, 5):
        change, average = Scheme(1, radius).matrices(30, 0.1, 30)
        np.testing.assert_allclose(change @ u, average @ f, atol=1e-12)


def test_windows_average_and_keep_to_their_places() -> None:
    for weights in QUADRATURES.values():
        assert sum(weights) == pytest.approx(1)
    change, average = Scheme(4, 3, 2).matrices(40, 1.0, 5)
    np.testing.assert_allclose(average.sum(axis=1), 1)
    np.testing.assert_allclose(change.sum(axis=1), 0, atol=1e-12)
    assert len(change) <= 5
    assert bump(4).argmax() == 4
    assert bump(0).tolist() == [1.0]
    assert len(Scheme(1, 30).matrices(20, 1.0, 9)[0]) == 0


def test_blurring_keeps_the_mean_and_wraps_only_where_told() -> None:
    np.testing.assert_allclose(blur(12, 3, 2).sum(axis=1), 1)
    assert blur(12, 3, 2).shape == (6, 12)
    inner = blur(12, 3, 2, periodic=False)
    assert inner.shape == (3, 12)
    assert inner[0, 7:].sum() == 0
    np.testing.assert_array_equal(blur(4, 0, 1), np.eye(4))


def test_windows_are_wider_where_the_signal_is_slower() -> None:
    radii = [radius_for(f) for f in (0.5, 0.1, 0.02)]
    assert radii == sorted(radii)
    assert radii[0] <= 1 < radii[1] < radii[2]


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
