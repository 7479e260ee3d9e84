"""Stencils mean what they are called: derivatives of known functions, zero sums, fixed random ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import correlate

from equations.errors import InputError
from equations.perception import perceive
from equations.rule.stencils import STENCILS, Stencil, feature_names, nca_stencils


def response(name: str, state: np.ndarray) -> np.ndarray:
    return perceive(state[None], [STENCILS[name]])[0]


def test_derivatives_of_a_plane_wave() -> None:
    n = 64
    y, x = np.mgrid[:n, :n] * (2 * math.pi / n)
    k = 2 * math.pi / n
    wave = np.sin(2 * x + y)
    np.testing.assert_allclose(response("dx", wave), 2 * k * np.cos(2 * x + y), atol=0.01 * 2 * k)
    np.testing.assert_allclose(response("dy", wave), k * np.cos(2 * x + y), atol=0.02 * k)
    laplacian = -(2**2 + 1) * k**2 * wave
    np.testing.assert_allclose(response("lap5", wave), laplacian, atol=0.01 * abs(laplacian).max())
    # [1 2 1; 2 -12 2; 1 2 1]/16 has second moment 1/2 per axis: a quarter of the 5-point one plus its diagonal twin
    np.testing.assert_allclose(response("lap", wave), laplacian * _moment("lap"), atol=0.01 * abs(laplacian).max())
    np.testing.assert_allclose(
        response("lap9sims", wave), laplacian * _moment("lap9sims"), atol=0.01 * abs(laplacian).max()
    )


def _moment(name: str) -> float:
    kernel = np.array(STENCILS[name].kernel)
    return (kernel[:, 0] + kernel[:, 2]).sum() / 2


def test_perception_is_channel_major_cross_correlation() -> None:
    state = np.random.default_rng(0).normal(size=(3, 7, 9))
    stencils = nca_stencils(20)
    features = perceive(state, stencils)
    assert features.shape == (60, 7, 9)
    for channel in range(3):
        for index, stencil in enumerate(stencils):
            wanted = correlate(state[channel], np.array(stencil.kernel), mode="wrap")
            np.testing.assert_allclose(features[channel * 20 + index], wanted, atol=1e-12)
    batch = perceive(state.astype(np.float32)[None, None], stencils)
    assert batch.shape == (1, 1, 60, 7, 9)
    assert batch.dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 1), (2, 2)])
def test_perception_wraps_tiny_grids(shape: tuple[int, int]) -> None:
    state = np.random.default_rng(0).normal(size=(1, *shape))
    wanted = correlate(state[0], np.array(STENCILS["f7"].kernel), mode="wrap")
    np.testing.assert_allclose(response("f7", state[0]), wanted, atol=1e-12)


def test_catalogue() -> None:
    assert [s.name for s in nca_stencils(7)] == ["id", "lap", "dx", "dy", "moore", "f5", "f6"]
    for n in range(5, 20):
        kernel = np.array(STENCILS[f"f{n}"].kernel)
        assert abs(kernel.sum()) < 1e-15
        assert abs((kernel**2).sum() - 1) < 1e-15
    kernels = {s.kernel for s in STENCILS.values()}
    assert len(kernels) == len(STENCILS)
    assert np.array(STENCILS["moore"].kernel).sum() == 1
    assert STENCILS["f5"].kernel[0] == (-0.38447840342276923, -0.15068348337606272, 0.27880361800325554)
    assert STENCILS["f19"].kernel[2][2] == 0.6079194935212229


def test_groups_rebuild_the_kernel() -> None:
    for stencil in STENCILS.values():
        rebuilt = np.zeros((3, 3))
        for weight, cells in stencil.groups:
            for sign, dy, dx in cells:
                rebuilt[1 + dy, 1 + dx] += sign * weight
        np.testing.assert_array_equal(rebuilt, np.array(stencil.kernel))
    assert len(STENCILS["lap"].groups) == 3
    assert len(STENCILS["dx"].groups) == 2


def test_feature_names() -> None:
    assert feature_names(("u", "v"), nca_stencils(3)) == ("u", "u_lap", "u_dx", "v", "v_lap", "v_dx")


@pytest.mark.parametrize("n", [0, 21, -1, 2.0, True, "3"])
def test_bad_counts(n: Any) -> None:
    with pytest.raises(InputError, match="1 to 20 filters"):
        nca_stencils(n)


@pytest.mark.parametrize(
    "kernel",
    [
        (),
        ((1, 2), (3, 4)),
        ((0,) * 3,) * 4,
        ((0, 0, math.nan),) * 3,
        ((0, 0, math.inf),) * 3,
        "abc",
        None,
        (("a",) * 3,) * 3,
    ],
)
def test_bad_kernels(kernel: Any) -> None:
    with pytest.raises(InputError, match=r'stencil "s": expected 3 rows of 3 finite numbers'):
        Stencil("s", kernel)
    with pytest.raises(InputError, match="stencil name"):
        Stencil("no name", kernel)
