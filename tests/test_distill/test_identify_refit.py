"""The recorded windows decide which terms of a rule stay, and their constants."""

from __future__ import annotations

import torch
from sympy import Expr

from distill.identify.footage import Footage
from distill.identify.refit import refit_on_recording
from equations.expressions.infix import parse_infix
from equations.rule.stencils import ID, LAP5, Stencil, feature_names
from tests.test_distill.recorded import assert_gray_scott, record_gray_scott

torch.set_num_threads(1)
CORNER = ((0.5, 0.0, 0.5), (0.0, -2.0, 0.0), (0.5, 0.0, 0.5))
STENCILS = (ID, Stencil("lap", LAP5.kernel), Stencil("corner", CORNER))


def offered(text_u: str, text_v: str) -> dict[str, Expr]:
    names = feature_names(("u", "v"), STENCILS[:2])
    return {"u": parse_infix(text_u, names), "v": parse_infix(text_v, names)}


def test_windows_drop_terms_that_are_not_there_and_mend_constants() -> None:
    """From constants that are 10 % off, two spurious terms, and every second step recorded only."""
    updates = offered(
        "0.15*u_lap - 0.9*u*v^2 + 0.05 - 0.05*u + 0.002*u_lap*v", "0.09*v_lap + 1.1*u*v^2 - 0.12*v + 0.003*u^2"
    )
    film = Footage([record_gray_scott(16, every=2)[1]], ("u", "v"), 2.0)
    found = refit_on_recording(updates, film, STENCILS[:2], dt=1.0, inner=2)
    assert_gray_scott(found.updates, 1e-4)
    assert found.loss < 1e-6 * found.before
    assert found.path[0][0] == 9


def test_of_two_laplacians_the_better_one_stays() -> None:
    names = feature_names(("u", "v"), STENCILS)
    texts = {"u": "0.16*u_corner - u*v^2 + 0.055 - 0.055*u", "v": "0.08*v_corner + u*v^2 - 0.117*v"}
    updates = {c: parse_infix(text, names) for c, text in texts.items()}
    film = Footage([record_gray_scott(16)[1]], ("u", "v"), 1.0)
    assert_gray_scott(refit_on_recording(updates, film, STENCILS, dt=1.0, inner=1).updates, 1e-5)


def test_a_true_term_is_missed_and_kept() -> None:
    film = Footage([record_gray_scott(16)[1]], ("u", "v"), 1.0)
    updates = offered("0.16*u_lap - u*v^2 + 0.055 - 0.055*u", "0.08*v_lap + u*v^2 - 0.117*v")
    found = refit_on_recording(updates, film, STENCILS[:2], dt=1.0, inner=1)
    assert_gray_scott(found.updates, 1e-5)
    assert found.path[-1][1] > 100 * found.loss  # a term less was tried, and was worse
