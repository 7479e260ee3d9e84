"""The recordings of known systems, and how rivals' terms are read."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.equations import tied, translated, worst_error
from benchmarks.pde_data import add_noise, error_of_step, record
from benchmarks.pde_systems import PDES


@pytest.mark.parametrize("name", sorted(PDES))
def test_half_the_time_step_gives_the_same_recording(name):
    assert error_of_step(name, size=16, frames=3) < 1e-4


def test_diffusion_and_advection_are_exact():
    recording = record("anisotropic", size=32, frames=3)
    k = 2 * np.pi * np.fft.fftfreq(32)
    kx, ky = k[None, :], k[:, None]
    factor = np.exp(0.25 * 2 * (-(kx**2) - 0.25 * ky**2 + 1j * (-0.8 * kx + 0.3 * ky)))
    exact = np.fft.ifft2(np.fft.fft2(recording.frames[0, 0]) * factor).real
    np.testing.assert_allclose(recording.frames[2, 0], exact, atol=1e-6)


def test_noise_is_a_share_of_each_channels_spread():
    clean = record("gray-scott", size=16, frames=3)
    noise = add_noise(clean, 0.1).frames - clean.frames
    np.testing.assert_allclose(noise.std(axis=(0, 2, 3)), 0.1 * clean.frames.std(axis=(0, 2, 3)), rtol=0.1)


def test_rivals_terms_are_read_as_ours():
    names = ["1", "x0^2 x1", "x0_11", "x1_22", "x1x0_2", "x0_1122"]
    read = [translated(name, ("u", "v")) for name in names]
    assert read == ["1", "u**2*v", "dxx(u)", "dyy(v)", "v*dy(u)", "dxxyy(u)"]
    assert tied({"dxx(u)": 1.0, "dyy(u)": 1.1, "u*dx(u)": -1.0}, ("u",)) == {
        "lap(u)": pytest.approx(1.05),
        "dx(u**2)": -0.5,
    }
    assert worst_error({"u": {"u": 2.0}}, {"u": {"u": 2.2, "v": 1.0}}) == (False, pytest.approx(0.1))
