"""Frames that a lens has blurred obey their law when sharpened."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from distill.weak.blur import gain_by_sharpening, sharpened
from distill.weak.find import _setting
from distill.weak.scaling import scale
from distill.weak.terms import make_library


def allen_cahn(frames: int = 40, side: int = 32) -> np.ndarray:
    """Smooth fields of du/dt = 0.5 ∇²u + u − u³, by small pseudo-spectral steps."""
    k = 2 * np.pi * np.fft.fftfreq(side)
    squared = k[:, None] ** 2 + k**2
    u = gaussian_filter(np.random.default_rng(0).normal(size=(side, side)), 2, mode="wrap")
    u, found = 0.5 * u / u.std(), []
    for _ in range(frames):
        found.append(u)
        for _ in range(10):
            u = np.fft.ifft2(np.fft.fft2(u + 0.01 * (u - u**3)) * np.exp(-0.005 * squared)).real
    return np.array(found)[:, None]


def test_sharpening_undoes_a_blur() -> None:
    k = 2 * np.pi * 3 / 32
    wave = np.cos(k * np.arange(32)) * np.ones((1, 1, 32, 1))
    np.testing.assert_allclose(sharpened(np.exp(-0.5 * k**2) * wave, 1.0), wave, atol=1e-9)
    assert sharpened(wave, 0.0) is wave


def gain(frames: np.ndarray) -> float:
    scaled = scale([frames], ("u",), 0.1, 1.0)
    scaled = replace(scaled, noise=np.zeros(1))
    return gain_by_sharpening(scaled, _setting(scaled, make_library(("u",)), "periodic"))(0)


def test_only_a_blurred_recording_gains() -> None:
    frames = allen_cahn()
    assert gain(gaussian_filter(frames, (0, 0, 1.5, 1.5), mode="wrap")) < 0.1
    assert gain(frames) > 0.5
