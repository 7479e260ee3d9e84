"""The Laplacian is told from the data, whichever of the catalogue it is, or none of it."""

from __future__ import annotations

import numpy as np
import pytest

from distill.identify import identify
from distill.identify.candidate_terms import candidate_terms
from distill.identify.noise import estimate_noise
from distill.identify.schemes import Scheme
from distill.identify.stencil import (
    CHOICES,
    LAPLACIANS,
    candidates,
    mix,
    stencils_of,
    weights,
)
from distill.identify.survey import FREE_STENCILS, survey
from distill.identify.system import System, Windows
from equations.errors import InputError, check_choice
from equations.perception import perceive
from equations.rule.stencils import DX, DY, ID, STENCILS, Stencil, feature_names
from tests.test_distill.recorded import law, record

OWN = Stencil("own", ((0.02, 0.9, 0.02), (0.9, -3.68, 0.9), (0.02, 0.9, 0.02)))


def frames_of(stencil: Stencil, scale: float) -> np.ndarray:
    """A bistable field that diffuses through a stencil."""
    rule = law({"u": f"{scale}*u_{stencil.name} + u - u^3"}, dt=0.1, stencils=(ID, stencil))
    return record(rule, steps=12, size=20)


@pytest.mark.parametrize("name", ["lap5", "lap9sims", "lap", "lap8", "lapx", "free"])
def test_every_stencil_is_told_by_its_recording(name: str) -> None:
    stencil = OWN if name == "free" else LAPLACIANS[name]
    frames = frames_of(stencil, 1.0 / sum(weights(stencil))).astype(float)
    found = survey([frames], 0.1, ("u",), estimate_noise([frames]))
    assert found.stencil == name
    assert found.derivative == "step"


def test_free_weights_are_the_true_ones() -> None:
    found = identify([frames_of(OWN, 1.0)], 0.1, ("u",), engine="sparse", stencil="auto").result
    assert found.report["stencil"] == "free"
    constants = found.report["constants"]["u"]
    assert constants["u_edges"]["value"] == pytest.approx(0.9, rel=1e-4)
    assert constants["u_corners"]["value"] == pytest.approx(0.02, rel=1e-3)


def test_a_named_stencil_is_a_mix_of_edges_and_corners() -> None:
    """Terms over lap from terms over edges and corners are the terms themselves, products with states and all."""
    frames = frames_of(LAPLACIANS["lap"], 1.0).astype(float)
    names = feature_names(("u",), FREE_STENCILS)
    free = candidate_terms(("u",), names)
    for name in ("lap5", "lap", "lap9sims"):
        stencils = (ID, LAPLACIANS[name], DX, DY)
        named = candidate_terms(("u",), feature_names(("u",), stencils))
        windows, quiet = Windows(Scheme(1)), np.zeros(1)
        one, two = (System([frames], 0.1, ("u",), s, windows, quiet, rows=10**6) for s in (FREE_STENCILS, stencils))
        mixed = one.columns(free) @ mix(free, named, name).T
        np.testing.assert_allclose(mixed, two.columns(named), atol=1e-12)


@pytest.mark.parametrize("name", [*LAPLACIANS, "free"])
def test_kernels_are_scaled_to_the_cells(name: str) -> None:
    """On x² + y² in the plane's own units every Laplacian with a width is 4, every slope along x is 2x."""
    width = 0.25
    y, x = width * np.mgrid[:9, :9]
    state = (x**2 + y**2)[None]
    stencils = stencils_of(name, width)
    seen = perceive(state, stencils)[:, 2:-2, 2:-2]
    if name == "free":
        assert np.allclose(seen[1], 4)
        assert np.allclose(seen[2], 8)
    else:
        assert np.allclose(seen[1], 4)
    np.testing.assert_allclose(seen[-2], 2 * x[2:-2, 2:-2], atol=1e-9)


def test_without_a_width_kernels_are_the_catalogues() -> None:
    assert stencils_of("lap", 1.0)[1] == STENCILS["lap"]
    assert stencils_of("lap9sims", 1.0)[1] == STENCILS["lap9sims"]
    assert "lap9sims" in candidates(1.0)
    assert "lap9sims" not in candidates(0.5)


def test_an_unknown_stencil_is_refused() -> None:
    with pytest.raises(InputError, match=r"stencil: expected one of auto, lap5, .*did you mean \"lap5\""):
        check_choice("stencil", "lap55", CHOICES)
