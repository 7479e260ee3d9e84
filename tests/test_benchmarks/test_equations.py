"""The recordings of known systems, and how rivals' terms are read."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.equations import rollout
from benchmarks.equations_rival import tied, translated, worst_error
from benchmarks.equations_table import confidently_wrong, tables
from benchmarks.pde_controls import CONTROLS
from benchmarks.pde_data import add_noise, error_of_step, record
from benchmarks.pde_systems import PDES
from benchmarks.pde_variations import thinned
from distill import find_equation


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


def test_a_mirrored_start_stays_mirrored():
    fields = record("allen-cahn", size=16, frames=3, mirrored=True).frames
    for axis in (2, 3):
        np.testing.assert_allclose(fields, np.roll(np.flip(fields, axis), 1, axis), atol=1e-9)


def test_thinned_recordings_keep_their_units():
    whole = record("allen-cahn", size=16, frames=5)
    some = thinned(whole, frames=2, cells=4)
    assert some.frames.shape == (3, 1, 4, 4)
    assert (some.dt, some.dx) == (2 * whole.dt, 4 * whole.dx)


@pytest.mark.parametrize("name", sorted(CONTROLS))
def test_controls_move_and_stay_finite(name):
    frames = CONTROLS[name](0).frames
    assert np.isfinite(frames).all()
    assert (np.abs(np.diff(frames[[0, len(frames) // 2, -2, -1]], axis=0)).max(axis=(1, 2, 3)) > 1e-4).all()


def test_the_rollout_of_an_exact_equation_is_exact_and_of_another_is_not():
    recording = record("anisotropic", size=32, frames=41)
    found = find_equation(recording.frames, recording.channels, recording.dt, recording.dx)
    assert rollout(found, recording) < 1e-4
    assert rollout(found, record("allen-cahn", size=32, frames=41)) > 0.1


def test_found_and_wrong_counts_unless_the_rollout_is_right():
    row = {"set": "noise", "system": "wave", "frames": 200, "noise": 0.0, "seed": 3}
    wrong = {"verdict": "found", "exact": False, "rollout": 0.2, "boundary": "periodic", "error": 1.0, "seconds": 1.0}
    assert confidently_wrong(row | {"ours": wrong})
    assert confidently_wrong(row | {"ours": wrong | {"rollout": None}})
    assert not confidently_wrong(row | {"ours": wrong | {"rollout": 0.04}})
    assert not confidently_wrong(row | {"ours": wrong | {"verdict": "partly"}})
    assert not confidently_wrong(row | {"ours": wrong | {"exact": True}})
    table = tables([row | {"ours": wrong, "rival": {"exact": True, "error": 0.01}}])
    assert "| wave | wrong, found / 1 % |" in table
    assert "confidently wrong: wave 200 0.0 3" in table
