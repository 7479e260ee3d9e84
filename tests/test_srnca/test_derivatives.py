"""Derivatives written by hand are those that torch finds for the same formula."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from srnca.texture.derivatives import bounded, two_layers


def drawn(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(shape, dtype=torch.float64, generator=random)).requires_grad_()


@pytest.mark.parametrize("batch", [1, 3])
def test_two_layers_are_two_convolutions_and_a_relu(batch: int) -> None:
    inputs, first, bias, last = drawn(batch, 6, 5, 4), drawn(7, 6, seed=1), drawn(7, seed=2), drawn(3, 7, seed=3)
    made = two_layers(inputs, first, bias, last)
    inner = functional.relu(functional.conv2d(inputs, first[..., None, None], bias))
    wanted = functional.conv2d(inner, last[..., None, None])
    torch.testing.assert_close(made, wanted)
    towards = drawn(*wanted.shape, seed=4).detach()
    given = (inputs, first, bias, last)
    for got, expected in zip(
        torch.autograd.grad(made, given, towards), torch.autograd.grad(wanted, given, towards), strict=True
    ):
        torch.testing.assert_close(got, expected)


def test_bounded_clips_and_counts_what_is_outside() -> None:
    clipped, excess = bounded(torch.tensor([[0.5, -1.5], [3.0, 1.0]])[:, :, None, None], 2.0)
    assert clipped.flatten().tolist() == [0.5, -1.5, 2.0, 1.0]
    assert float(excess) == pytest.approx((0.5 + 2.0) / 2)


def test_the_derivative_of_bounded() -> None:
    states = drawn(2, 3, 5, 4, scale=1.5)
    clipped, excess = bounded(states, 2.0)
    (got,) = torch.autograd.grad((clipped.sin().sum() + 0.7 * excess), states)
    wanted = states.clamp(-2, 2).sin().sum() + 0.7 * (states - states.clamp(-1, 1)).abs().sum() / 2
    torch.testing.assert_close(got, torch.autograd.grad(wanted, states)[0])
    assert (states.abs() > 2).any()
    assert (states.abs() < 1).any()
