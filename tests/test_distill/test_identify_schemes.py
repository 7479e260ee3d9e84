"""Schemes in time, windows, and the steps between two frames."""

from __future__ import annotations

import numpy as np
import pytest

from distill.identify.schemes import QUADRATURES, Scheme, blur, bump, quadrature_of, radius_for, steps_between
from tests.test_distill.recorded import law


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


def test_steps_between_frames_are_as_many_as_accuracy_wants() -> None:
    stiff = law({"u": "-8*u"}, dt=1.0)
    calm = law({"u": "-0.01*u"}, dt=1.0)
    state = np.ones((1, 4, 4), np.float32)
    assert steps_between(calm, state, 1.0) == 1
    assert 8 <= steps_between(stiff, state, 1.0) <= 64
