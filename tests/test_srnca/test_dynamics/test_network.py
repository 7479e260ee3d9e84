"""The network: its units."""

from __future__ import annotations

import torch

from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.network import RecordingNCA
from tests.test_srnca.recorded import record


def test_folding_the_units_changes_nothing() -> None:
    nca = RecordingNCA(DynamicsConfig(hidden=4), seed=2)
    with torch.no_grad():
        nca.linear.normal_()
        nca.bias.normal_()
    states = torch.from_numpy(record()[1]).double().transpose(0, 1)
    nca.fit_scaling(states, torch.tensor([0.1, 3.0], dtype=torch.float64))
    seen = nca.perceive(states)
    before = nca.update(seen)
    nca.fold()
    torch.testing.assert_close(nca.update(seen), before)
    assert bool((nca.scaling.spread == 1).all())
