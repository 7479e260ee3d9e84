"""Damage to a state; pictures of states and their gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distill.refine.pictures import adjoint_of, damaged, rgb_of
from equations.rule.display import colours_of
from tests.test_distill.test_refine.refining import OBJECTIVE, START
from tests.test_equations.helpers import in_colours


def test_damage_is_a_disc_of_cells_across_the_edges_too() -> None:
    random, state = np.random.default_rng(0), np.random.default_rng(1).normal(size=(3, 64, 80)).astype(np.float32)
    areas, factors, over_an_edge = [], [], 0
    for _ in range(200):
        after = damaged(state, random)
        assert (after.shape, after.dtype) == (state.shape, np.float32)
        changed = after != state
        assert np.array_equal(changed, np.broadcast_to(changed[0], changed.shape))
        ratio = after[changed] / state[changed]
        assert np.ptp(ratio) < 1e-5
        factors.append(ratio[0])
        areas.append(changed[0].sum())
        rows = np.flatnonzero(changed[0].any(axis=1))
        over_an_edge += bool(np.ptp(rows) > 12)
    assert 1.5 <= min(factors) < 1.7 < 3.8 < max(factors) <= 4
    assert np.pi * 1.5**2 < min(areas) < np.pi * 3**2 < np.pi * 5**2 < max(areas) < np.pi * 6.5**2
    assert over_an_edge > 0
    assert (damaged(state[:, :8, :8], random) != state[:, :8, :8])[0].sum() <= 5


def test_pictures_and_their_gradient_follow_formulas_of_colours() -> None:
    rule = in_colours(START, "0.5 + r - b*g", "0.5 + tanh(g)", "r^2")
    state = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    rgb = rgb_of(rule, state)
    np.testing.assert_array_equal(rgb, np.stack([colours_of(rule, one) for one in state]))
    adjoint = adjoint_of(OBJECTIVE, rule, state, torch.Generator().manual_seed(0))
    assert (adjoint.shape, adjoint.dtype) == (state.shape, np.float32)

    def loss(state: np.ndarray) -> float:
        return float(OBJECTIVE.train(torch.from_numpy(rgb_of(rule, state)), torch.Generator().manual_seed(0)).mean())

    direction = np.random.default_rng(1).normal(size=state.shape).astype(np.float32)
    slope = (loss(state + 1e-2 * direction) - loss(state - 1e-2 * direction)) / 2e-2
    assert slope == pytest.approx(float((adjoint * direction).sum()), rel=2e-2)


def test_linear_formulas_have_the_gradient_of_channels() -> None:
    state = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    grey = in_colours(START, "0.5 + r", "0.5 + g", "0.5 + b + 1e-9*r^2")
    assert START.display is not None
    assert grey.display != START.display
    got, wanted = (adjoint_of(OBJECTIVE, rule, state, torch.Generator().manual_seed(0)) for rule in (grey, START))
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-7)
