"""The parts of a rule have the coefficients of their differential equations, whatever the cell's width."""

from __future__ import annotations

import numpy as np
import pytest

from equations import models
from equations.analysis.split import split_rule
from equations.simulation import Simulator
from tests.test_equations.helpers import make_rule


@pytest.mark.parametrize(
    ("name", "diffusion"),
    [
        ("gray-scott", [[0.16, 0], [0, 0.08]]),
        ("barkley", [[1, 0], [0, 0]]),  # cells of width 0.4
        ("oregonator", [[1, 0], [0, 0.6]]),  # … of 0.6
        ("may-leonard", np.diag([0.5] * 3)),
        ("lengyel-epstein", [[1, 0], [0, 30]]),
    ],
)
def test_diffusion_matrices(name: str, diffusion: list) -> None:
    split = split_rule(models.get(name))
    assert split.diffusion == pytest.approx(np.array(diffusion))
    assert split.reaction_diffusion
    assert not split.velocity.any()


def test_cross_diffusion_is_off_the_diagonal() -> None:
    split = split_rule(models.get("lambda-omega:frozen"))
    assert split.diffusion == pytest.approx(np.array([[1, -2], [2, 1]]))


def test_the_rest_is_not_counted() -> None:
    split = split_rule(make_rule({"u": "u_lap + abs(u_lap) - u*v_lap", "v": "0.5*v_lap - v"}))
    assert split.diffusion == pytest.approx(np.array([[0.25, 0], [0, 0.125]]))  # this nine-point stencil is ∇²/4
    assert not split.reaction_diffusion
    assert set(split.groups["u"]) == {"diffusion", "rest"}


def test_a_velocity_is_how_fast_a_blob_moves() -> None:
    rule = make_rule({"u": "-0.3*u_dx + 0.2*u_lap", "v": "0"}, dt=0.1)
    assert split_rule(rule).velocity[0, 0] == pytest.approx((0.3, 0))
    y, x = np.mgrid[:64, :64]
    blob = np.exp(-((x - 20) ** 2 + (y - 30) ** 2) / 40)
    simulator = Simulator(rule, backend="reference", state=np.stack([blob, blob]), dtype="float64")
    moved = simulator.step(200)[0]
    assert (moved * x).sum() / moved.sum() == pytest.approx(20 + 0.3 * 20, abs=0.05)
    assert (moved * y).sum() / moved.sum() == pytest.approx(30, abs=0.05)
