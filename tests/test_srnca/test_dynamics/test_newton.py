"""Gauss-Newton: its derivatives."""

from __future__ import annotations

import pytest
import torch

from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.network import RecordingNCA
from srnca.dynamics.newton import jacobian, weights_of


@pytest.mark.parametrize("activation", ["product", "tanh", "relu"])
def test_the_written_derivatives_are_the_true_ones(activation: str) -> None:
    nca = RecordingNCA(DynamicsConfig(hidden=4, filters=3, activation=activation), seed=1)  # type: ignore[arg-type]
    nca.scaling.change[:] = torch.tensor([[0.3], [2.0]])
    x = torch.randn(nca.config.features, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    written = jacobian(nca, x)
    for c in range(2):
        for n in range(5):
            true = torch.autograd.grad(nca.rate(x)[c, n], [p for _, p in weights_of(nca)], allow_unused=True)
            flat = [torch.zeros_like(p) if g is None else g for g, (_, p) in zip(true, weights_of(nca), strict=True)]
            torch.testing.assert_close(written[c, n], torch.cat([g.flatten() for g in flat]))
