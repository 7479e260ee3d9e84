"""Symbols are what stencils really do to waves, for every kernel; moments are their Taylor coefficients."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equations.analysis.stencil_waves import stencil_symbol
from equations.perception import perceive
from equations.rule.moments import stencil_moments
from equations.rule.stencils import STENCILS


@pytest.mark.parametrize("name", [*STENCILS])
def test_a_symbol_is_the_response_to_a_wave(name: str) -> None:
    h, w, stencil = 12, 15, STENCILS[name]
    y, x = np.mgrid[:h, :w]
    for m, n in ((0, 0), (3, 0), (0, 5), (2, -4), (7, 6)):
        kx, ky = 2 * math.pi * m / w, 2 * math.pi * n / h
        wave = np.exp(1j * (kx * x + ky * y))
        seen = [perceive(part[None], [stencil])[0] for part in (wave.real, wave.imag)]
        symbol = complex(stencil_symbol(stencil, kx, ky))
        assert np.allclose(seen[0] + 1j * seen[1], symbol * wave, atol=1e-12)


def test_symbols_broadcast() -> None:
    kx, ky = np.linspace(0, 3, 7)[None], np.linspace(0, 2, 4)[:, None]
    found = stencil_symbol(STENCILS["lap5"], kx, ky)
    assert found.shape == (4, 7)
    assert found == pytest.approx(-4 * np.sin(kx / 2) ** 2 - 4 * np.sin(ky / 2) ** 2)


@pytest.mark.parametrize("name", ["lap", "lap5", "lap9sims", "dx", "dy", "moore", "f7"])
def test_moments_are_the_symbol_near_zero(name: str) -> None:
    moments, stencil = stencil_moments(STENCILS[name]), STENCILS[name]
    for kx, ky in ((1e-3, 0), (0, 1e-3), (6e-4, -8e-4)):
        xx, xy, yy = moments.curvature
        slope = 1j * (kx * moments.slope[0] + ky * moments.slope[1])
        taylor = moments.total + slope - 0.5 * (kx * kx * xx + 2 * kx * ky * xy + ky * ky * yy)
        assert complex(stencil_symbol(stencil, kx, ky)) == pytest.approx(taylor, abs=1e-9)


def test_usual_stencils_have_the_usual_scale() -> None:
    # Karl Sims' weights are 0.3 of a Laplacian, those of the automata a quarter of one
    wanted = {"lap5": 1.0, "lap": 0.25, "lap9sims": 0.3, "id": 0.0, "dx": 0.0}
    for name, value in wanted.items():
        assert stencil_moments(STENCILS[name]).laplacian == pytest.approx(value)
    assert stencil_moments(STENCILS["dx"]).slope == pytest.approx((1, 0))
    assert stencil_moments(STENCILS["dy"]).slope == pytest.approx((0, 1))
