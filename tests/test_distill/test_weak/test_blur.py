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
    frames = allen_cahn(4)
    blurred = np.fft.irfft2(np.fft.rfft2(frames) / np.fft.rfft2(sharpened(_dot(32), 1.0)), s=(32, 32))
    np.testing.assert_allclose(sharpened(blurred, 1.0), frames, atol=1e-9)
    assert sharpened(frames, 0.0) is frames


def _dot(side: int) -> np.ndarray:
    dot = np.zeros((1, 1, side, side))
    dot[..., 0, 0] = 1.0
    return dot


def gain(frames: np.ndarray) -> float:
    scaled = scale([frames], ("u",), 0.1, 1.0)
    scaled = replace(scaled, noise=np.zeros(1))
    return gain_by_sharpening(scaled, _setting(scaled, make_library(("u",)), "periodic"))(0)


def test_only_a_blurred_recording_gains() -> None:
    frames = allen_cahn()
    assert gain(gaussian_filter(frames, (0, 0, 1.5, 1.5), mode="wrap")) < 0.1
    assert gain(frames) > 0.5
