"""Perception is cross-correlation on a periodic grid, for all filters and however few of them are asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from equations.perception import perceive
from equations.rule.stencils import STENCILS, Stencil, nca_stencils
from srnca.texture.perception import Perception

ALL = nca_stencils(20)
STATE = np.random.default_rng(3).normal(size=(2, 3, 7, 9)).astype(np.float32)  # (batch, channel, h, w)


def seen(state: np.ndarray, stencils: tuple[Stencil, ...]) -> np.ndarray:
    """(batch, channel, filter, h, w)."""
    result = Perception(stencils)(torch.from_numpy(state)).numpy()
    return result.reshape(*state.shape[:2], len(stencils), *state.shape[2:])


@pytest.mark.parametrize("index", range(20), ids=[s.name for s in ALL])
def test_every_filter_is_a_periodic_correlation(index: int) -> None:
    kernel = np.array(ALL[index].kernel)
    wanted = ndimage.correlate(STATE.astype(np.float64), kernel[None, None], mode="wrap")
    got = seen(STATE, ALL)[:, :, index]
    np.testing.assert_allclose(got, wanted, atol=2e-6)
    flipped = ndimage.convolve(STATE.astype(np.float64), kernel[None, None], mode="wrap")
    if not np.allclose(kernel, kernel[::-1, ::-1]):
        assert not np.allclose(got, flipped, atol=1e-2)  # the check above can tell a flipped kernel


@pytest.mark.parametrize("filters", range(1, 21))
def test_fewer_filters_see_the_same_as_the_first_of_all(filters: int) -> None:
    np.testing.assert_allclose(seen(STATE, ALL[:filters]), seen(STATE, ALL)[:, :, :filters], atol=2e-6)


@pytest.mark.parametrize("names", [("lap", "id"), ("id", "dx", "lap"), ("id", "lap", "lap5"), ("f7",)])
def test_stencils_in_any_order_equal_the_numpy_perception(names: tuple[str, ...]) -> None:
    stencils = tuple(STENCILS[name] for name in names)
    got = Perception(stencils)(torch.from_numpy(STATE)).numpy()
    np.testing.assert_allclose(got, perceive(STATE, stencils), atol=2e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 2), (3, 1)])
def test_tiny_grids_wrap_onto_themselves(shape: tuple[int, int]) -> None:
    state = np.random.default_rng(0).normal(size=(1, 2, *shape)).astype(np.float32)
    for index, stencil in enumerate(ALL):
        wanted = ndimage.correlate(state.astype(np.float64), np.array(stencil.kernel)[None, None], mode="wrap")
        np.testing.assert_allclose(seen(state, ALL)[:, :, index], wanted, atol=2e-6)


def test_order_is_channel_major() -> None:
    state = np.zeros((1, 2, 5, 5), np.float32)
    state[0, 1] = np.arange(5, dtype=np.float32)[None] % 3  # only the second channel varies
    got = Perception(ALL[:4])(torch.from_numpy(state))[0]
    assert float(got[:4].abs().max()) == 0
    np.testing.assert_array_equal(got[4].numpy(), state[0, 1])


def test_kernels_travel_with_the_weights() -> None:
    kernels = Perception(ALL).state_dict()["kernels"]
    np.testing.assert_array_equal(kernels.numpy(), np.array([s.kernel for s in ALL], np.float32))


def test_gradients_flow_through_perception() -> None:
    state = torch.from_numpy(STATE.astype(np.float64)).requires_grad_()
    stencils = nca_stencils(6)
    module = Perception(stencils).double()
    assert torch.autograd.gradcheck(lambda s: module(s[:1, :1, :3, :4]), (state,))
