"""Widths of test functions, from the spectrum."""

from __future__ import annotations

import numpy as np

from distill.weak.bumps import Bump
from distill.weak.supports import NARROWEST, choose_bump, corner, half_of, power_of

X = np.arange(64) / 64


def waves(highest: int, seed: int = 0) -> np.ndarray:
    """Sums of waves up to a frequency, (64, 200)."""
    rng = np.random.default_rng(seed)
    k = np.arange(1, highest + 1)
    phases = rng.uniform(0, 2 * np.pi, (highest, 1, 200))
    return np.cos(2 * np.pi * k[:, None, None] * X[None, :, None] + phases).sum(axis=0)


def test_the_corner_is_where_the_signal_ends():
    assert corner(waves(6), 0.0) in (5, 6, 7)


def test_noise_does_not_move_the_corner():
    noisy = waves(6) + np.random.default_rng(1).standard_normal((64, 200))
    assert corner(noisy, 1.0) in (5, 6, 7)


def test_faster_signals_have_narrower_windows():
    assert half_of(10, 64, 4) < half_of(5, 64, 4)


def test_narrow_windows_are_wide_enough_to_be_summed():
    for half in range(8, 20):
        assert Bump(half, power_of(half, 4)).spread >= NARROWEST


def test_windows_take_a_small_part_of_the_frame():
    frames = np.broadcast_to(waves(1)[:, None, None, :64], (64, 1, 64, 64))
    assert choose_bump([frames], 0, 1, np.zeros(1)).half <= 12
