"""Damage to a state."""

from __future__ import annotations

import numpy as np

from distill.refine.pictures import damaged


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
