"""Equations between integrals: against analytic derivatives, identities, and noise."""

from __future__ import annotations

import numpy as np
import pytest

from distill.weak.bumps import Bump, bump_rows
from distill.weak.gradients import Filter
from distill.weak.system import Setting, centres, make_system
from distill.weak.terms import Part, Term, make_library

T, N = 24, 40
BUMPS = (Bump(6, 9), Bump(9, 15), Bump(9, 15))
FILTERS = (Filter(6, 12), Filter(6, 12))


def fields() -> np.ndarray:
    """Two smooth periodic fields in motion, (T, 2, N, N)."""
    t = np.arange(T)[:, None, None] * 0.1
    y, x = 2 * np.pi * np.arange(N)[None, :, None] / N, 2 * np.pi * np.arange(N)[None, None, :] / N
    return np.stack([np.cos(x + t) + 0.5 * np.sin(2 * y - t), 1 + 0.3 * np.sin(x - y + 2 * t)], axis=1)


def setting(terms) -> Setting:
    return Setting(tuple(terms), BUMPS, FILTERS, periodic=True)


def test_moved_derivatives_are_those_of_the_field():
    """A wave has lap(u) = -k² u, and so has its weak form."""
    t = np.arange(T)[:, None, None]
    x = 2 * np.pi * np.arange(N)[None, None, :] / N
    wave = np.broadcast_to(np.cos(2 * x + 0.2 * t), (T, N, N))[:, None]
    terms = [term for term in make_library(("u",)) if term.text in ("u", "lap(u)", "bilap(u)", "dx(u)")]
    system = make_system([wave], setting(terms), np.zeros(1))
    column = {term.text: system.features[:, i] for i, term in enumerate(terms)}
    k = 4 * np.pi / N
    np.testing.assert_allclose(column["lap(u)"], -(k**2) * column["u"], atol=1e-7)
    np.testing.assert_allclose(column["bilap(u)"], k**4 * column["u"], atol=1e-7)
    np.testing.assert_allclose(system.change[:, 0], 0.2 / k * column["dx(u)"], atol=1e-5)


def test_both_taxis_terms_add_up_to_the_laplacian_of_the_product():
    """div(u ∇c) + div(c ∇u) = lap(u c): the left side takes gradients of the data, the right side none."""
    names = ("u", "c")
    terms = [term for term in make_library(names) if term.family == "taxis"]
    both = tuple(Part(1.0, ((0, ""), (1, "")), moved) for moved in ((0, 2), (2, 0)))
    terms.append(Term("lap(u*c)", "nonlinear_diffusion", both))
    features = make_system([fields()], setting(terms), np.zeros(2)).features
    np.testing.assert_allclose(features[:, 0] + features[:, 1], features[:, 2], atol=1e-6)


def test_products_are_free_of_what_noise_adds():
    rng = np.random.default_rng(0)
    clean = fields()
    noisy = clean + 0.3 * rng.standard_normal(clean.shape)
    terms = [term for term in make_library(("u", "c")) if term.text in ("u**2", "u**3", "|grad(u)|**2")]
    exact = make_system([clean], setting(terms), np.zeros(2)).features.mean(axis=0)
    biased = make_system([noisy], setting(terms), np.zeros(2)).features.mean(axis=0)
    found = make_system([noisy], setting(terms), np.full(2, 0.3)).features.mean(axis=0)
    assert (np.abs(found - exact) < 0.04).all()
    assert np.abs(biased - exact).max() > 0.08


def test_windows_stay_away_from_walls_that_filters_would_cross():
    walls = Setting((), BUMPS, FILTERS, periodic=False)
    for axis, places in enumerate(centres((T, N, N), walls)):
        margin = BUMPS[axis].half + (6 if axis else 0)
        assert places.min() >= margin
        assert places.max() <= (N if axis else T) - 1 - margin


def test_blocks_of_two_recordings_are_different():
    system = make_system([fields(), fields()[:, :, :30]], setting(make_library(("u", "c"))[:2]), np.zeros(2))
    alone = make_system([fields()], setting(make_library(("u", "c"))[:2]), np.zeros(2))
    assert system.blocks == 2 * alone.blocks
    assert bump_rows(N, BUMPS[1], [20], 0).sum() == pytest.approx(1)
