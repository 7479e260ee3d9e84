"""Rollouts grow while training goes on."""

from __future__ import annotations

from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.horizons import stages_of


def test_rollouts_grow_from_one_step() -> None:
    stages = stages_of(DynamicsConfig(stride=8, max_ca_steps=32), longest=30)
    assert [(s.frames, s.inner) for s in stages] == [(1, 1), (1, 2), (1, 4), (1, 8), (2, 8), (4, 8), (4, 8)]
    assert max(s.frames for s in stages_of(DynamicsConfig(max_ca_steps=32), longest=3)) == 3
