"""Growing a batch: the mean gradient of its states, the same on any number of threads."""

from __future__ import annotations

import pytest
import torch

from srnca.texture.growing import Growing, Grown, normalised, state_threads
from srnca.texture.network import NCA
from tests.test_srnca.tiny import config

CPU = torch.device("cpu")


def objective(rgb: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    direction = torch.randn(rgb.shape[1:], generator=random)
    return (rgb * direction).sum(dim=(1, 2, 3)), rgb.square().mean(dim=(1, 2, 3))


def network() -> NCA:
    nca = NCA(config(update_rate=0.6).nca)
    with torch.no_grad():
        nca.weight.normal_(std=0.3, generator=torch.Generator().manual_seed(1))
    return nca


def grow(batch: int, threads: int) -> Grown:
    nca, before = network(), torch.get_num_threads()
    states = torch.randn(batch, nca.config.channels, 9, 9, generator=torch.Generator().manual_seed(2))
    torch.set_num_threads(threads)
    try:
        with state_threads(CPU, batch) as pool:
            assert torch.get_num_threads() == (1 if batch > 1 else threads)
            grown = Growing(nca, objective, excess=0.5)(states, 6, 11, pool)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    return grown


def test_the_number_of_threads_changes_nothing() -> None:
    one, two, four = (grow(4, threads) for threads in (1, 2, 4))
    for other in (two, four):
        assert torch.equal(one.states, other.states)
        assert all(torch.equal(a, b) for a, b in zip(one.gradients, other.gradients, strict=True))
    assert one.states.shape == (4, 4, 9, 9)
    assert one.rgb.shape == (4, 3, 9, 9)
    assert one.texture.shape == (4,)


def test_states_do_not_know_of_each_other() -> None:
    """The first state of a batch of three grows as it does in a batch of two; masks differ from state to state."""
    two, three = grow(2, 2), grow(3, 2)
    assert torch.equal(two.states[0], three.states[0])
    assert not torch.equal(two.states[0], two.states[1])


@pytest.mark.parametrize("excess", [0.0, 0.5])
def test_the_gradient_is_that_of_the_mean(excess: float) -> None:
    """Without masks, one state a call and all at once are the same sum."""
    nca = NCA(config().nca)
    with torch.no_grad():
        nca.weight.normal_(std=0.3, generator=torch.Generator().manual_seed(1))
    states = 2 * torch.randn(3, nca.config.channels, 9, 9, generator=torch.Generator().manual_seed(2))
    growing = Growing(nca, objective, excess=excess)
    with state_threads(CPU, 3) as pool:
        apart = growing(states, 5, 0, pool)
    whole = growing(states, 5, 0, None)
    torch.testing.assert_close(apart.states, whole.states)
    for a, b in zip(apart.gradients, whole.gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))


def test_gradients_get_unit_norm_and_no_strange_numbers() -> None:
    wild = [torch.tensor([3.0, float("nan"), 4.0]), torch.tensor([float("inf"), 0.0]), torch.zeros(2)]
    made = normalised(wild)
    torch.testing.assert_close(made[0], torch.tensor([0.6, 0.0, 0.8]))
    assert made[1].tolist() == [0.0, 0.0]
    assert made[2].tolist() == [0.0, 0.0]
