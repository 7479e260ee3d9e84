"""Planted waves are found where they were planted, whatever their direction, and noise is flat."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equations.analysis.spectrum import peak_wave_number, peak_wavelength, radial_spectrum
from equations.errors import InputError


def wave(m: int, n: int, size: tuple[int, int] = (64, 64), phase: float = 0.3) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return np.cos(2 * math.pi * (m * x / size[1] + n * y / size[0]) + phase)


@pytest.mark.parametrize(("m", "n"), [(8, 0), (0, 8), (7, 4), (-7, 4), (1, 0), (3, 11), (20, 20)])
def test_a_wave_is_found_whatever_its_direction(m: int, n: int) -> None:
    assert peak_wavelength(5 + 0.1 * wave(m, n)) == pytest.approx(64 / math.hypot(m, n), rel=1e-6)


def test_cells_have_a_width_and_grids_two_sides() -> None:
    assert peak_wavelength(wave(8, 0), 0.4) == pytest.approx(0.4 * 8)
    k = math.hypot(2 * math.pi * 6 / 96, 2 * math.pi * 5 / 48)
    assert peak_wave_number(wave(6, 5, (48, 96))) == pytest.approx(k, rel=1e-6)


def test_a_broad_peak_is_found_between_the_rings() -> None:
    """A random field whose power is a Gaussian ring around 9.37 waves: the rings alone would say 9."""
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(128, 1 / 128), np.fft.fftfreq(128, 1 / 128)))
    amplitude = np.exp(-(((k - 9.37) / 3) ** 2) / 2)
    found = []
    for seed in range(8):
        noise = np.fft.fft2(np.random.default_rng(seed).normal(size=(128, 128)))
        found.append(128 / peak_wavelength(np.fft.ifft2(noise * amplitude).real))
    assert np.mean(found) == pytest.approx(9.37, rel=0.03)


def test_white_noise_is_flat_whatever_the_size() -> None:
    for size in ((64, 64), (128, 256)):
        k, power = radial_spectrum(3 * np.random.default_rng(0).normal(size=size))
        assert power[5:].mean() == pytest.approx(9, rel=0.05)
        assert k[0] == pytest.approx(2 * math.pi / min(size), rel=0.3)
        assert (np.diff(k) > 0).all()
        assert k[-1] <= math.pi


def test_the_power_is_that_of_the_field() -> None:
    """Rings hold all the power there is but for the corners beyond Nyquist, which are empty here (Parseval)."""
    field = wave(5, 2) + 0.5 * wave(0, 9)
    _, power = radial_spectrum(field)
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(64, 1 / 64), np.fft.fftfreq(64, 1 / 64)))
    sizes = np.bincount(np.rint(radius[(radius > 0.5) & (radius <= 32)]).astype(int))[1:]
    assert (power * sizes).sum() / 64**2 == pytest.approx(field.var())
    assert power.argmax() == round(math.hypot(5, 2)) - 1
    stack = radial_spectrum(np.stack([field, 2 * field]))[1]
    assert stack == pytest.approx(2.5 * power)


def test_a_uniform_field_has_no_peak() -> None:
    assert peak_wavelength(np.full((16, 16), 0.3)) is None
    assert peak_wavelength(0.3 + 1e-12 * wave(3, 0, (16, 16))) is None
    assert peak_wavelength(np.zeros((16, 16))) is None


@pytest.mark.parametrize(
    ("field", "dx", "said"),
    [
        (np.zeros(16), 1.0, "expected a field"),
        (np.zeros((2, 9)), 1.0, "at least 3 × 3"),
        (np.full((9, 9), np.nan), 1.0, "NaN or infinity"),
        (np.zeros((9, 9)), 0.0, "width of a cell"),
        (np.zeros((9, 9)), math.nan, "width of a cell"),
    ],
)
def test_bad_fields_are_refused(field: np.ndarray, dx: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        peak_wavelength(field, dx)
