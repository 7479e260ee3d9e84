"""The automaton: its symmetries, its beginning, its configuration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from equations.errors import InputError
from equations.rule.init import make_state
from equations.rule.stencils import Stencil
from srnca.texture.config import PRESETS, TrainConfig, preset
from srnca.texture.network import NCA, NOISE, NCAConfig
from tests.test_srnca.tiny import automaton

ACTIVATIONS = ("relu", "linear", "abs")


def some_state(channels: int = 4, batch: int = 2, size: tuple[int, int] = (9, 12)) -> torch.Tensor:
    return torch.randn(batch, channels, *size, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("filters", [1, 4, 7])
def test_a_step_commutes_with_a_shift(activation: str, filters: int) -> None:
    nca, state = automaton(activation=activation, filters=filters), some_state()
    moved = nca(state)
    assert not torch.allclose(moved, state)  # the automaton does something
    shifted = nca(state.roll((3, 5), dims=(2, 3)))
    torch.testing.assert_close(shifted, moved.roll((3, 5), dims=(2, 3)), atol=1e-5, rtol=0)


def test_a_masked_step_commutes_with_a_shift_of_state_and_mask() -> None:
    nca, state = automaton(update_rate=0.5), some_state()
    mask = nca.random_mask(state, torch.Generator().manual_seed(0))
    assert mask is not None
    both = nca(state.roll((3, 5), dims=(2, 3)), mask.roll((3, 5), dims=(2, 3)))
    torch.testing.assert_close(both, nca(state, mask).roll((3, 5), dims=(2, 3)), atol=1e-5, rtol=0)
    assert torch.equal(nca(state, torch.zeros_like(mask)), state)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_untrained_automaton_stands_still(activation: str) -> None:
    state = some_state()
    nca = NCA(NCAConfig(channels=4, activation=activation), seed=3)  # type: ignore[arg-type]
    assert torch.equal(nca(state), state)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_untrained_automaton_can_learn(activation: str) -> None:
    """Zero weights must not mean zero gradients."""
    nca = NCA(NCAConfig(channels=4, activation=activation), seed=3)  # type: ignore[arg-type]
    nca(some_state()).square().sum().backward()
    assert nca.weight.grad is not None
    assert float(nca.weight.grad.abs().max()) > 0


def test_relu_layers_are_what_the_formula_says() -> None:
    nca = automaton(filters=2)
    p = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    wanted = torch.relu(p @ nca.hidden.T + nca.bias) @ nca.weight.T
    torch.testing.assert_close(nca.update(p.T[None, :, :, None])[0, :, :, 0].T, wanted)


def test_linear_has_no_bias_to_train() -> None:
    assert [n for n, p in NCA(NCAConfig(activation="linear")).named_parameters() if p.requires_grad] == [
        "hidden",
        "weight",
    ]


def test_a_linear_automaton_is_linear_and_a_relu_one_is_not() -> None:
    state, linear, relu = some_state(), automaton(activation="linear"), automaton()
    torch.testing.assert_close(linear(3 * state), 3 * linear(state))
    assert not torch.allclose(relu(3 * state), 3 * relu(state), atol=1e-2)


def test_same_seed_same_network() -> None:
    one, two, other = (NCA(NCAConfig(), seed=seed).hidden for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_the_clamp_holds_every_channel() -> None:
    nca = automaton(clamp=(-0.125, 0.25))
    moved = nca(some_state())
    assert float(moved.detach().max()) <= 0.25
    assert float(moved.detach().min()) >= -0.125


@pytest.mark.parametrize(("mask", "planes"), [("cell", 1), ("channel", 4)])
def test_the_training_mask_has_the_update_rate(mask: str, planes: int) -> None:
    nca = automaton(update_rate=0.3, mask=mask)
    drawn = nca.random_mask(torch.zeros(4, 4, 50, 50), torch.Generator().manual_seed(0))
    assert drawn is not None
    assert drawn.shape == (4, planes, 50, 50)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert float(drawn.mean()) == pytest.approx(0.3, abs=0.02)
    assert automaton().random_mask(torch.zeros(1, 4, 5, 5), None) is None


def test_random_filters_survive_saving_the_weights() -> None:
    """A stencil of the same name but other numbers: the numbers win."""
    odd = Stencil("f5", ((0.1, 0.7, -0.2), (0.4, 0.0, -0.9), (0.3, -0.3, -0.1)))
    config = NCAConfig(channels=4, filters=6)
    own = (*config.stencils[:5], odd)
    nca = NCA(config, stencils=own)
    torch.nn.init.normal_(nca.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    again = NCA(config)
    assert not torch.equal(again.perceive.kernels, nca.perceive.kernels)
    again.load_state_dict(nca.state_dict())
    assert torch.equal(again(some_state()), nca(some_state()))


def test_first_states_have_the_mean_colour() -> None:
    init = NCAConfig(channels=5).first_state((0.8, 0.3, 0.1))
    state = make_state(init, 5, (64, 64), seed=1)
    np.testing.assert_allclose(state.mean(axis=(1, 2)), [0.3, -0.2, -0.4, 0, 0], atol=0.01)
    assert np.ptp(state) <= 2 * NOISE + 0.7 + 1e-6
    clamped = make_state(NCAConfig(channels=5, clamp=(0, 1)).first_state((0.8, 0.3, 0.1)), 5, (64, 64), seed=1)
    np.testing.assert_allclose(clamped.mean(axis=(1, 2)), [0.8, 0.3, 0.1, 0.5, 0.5], atol=0.01)


def test_a_square_is_in_the_middle() -> None:
    state = make_state(NCAConfig(channels=4, init="square").first_state((0.5, 0.5, 0.5)), 4, (20, 20), seed=1)
    assert (np.abs(state[:, 9:11, 9:11]) > 0.3).all()
    assert (np.abs(state[:, 0]) < 0.1).all()


@pytest.mark.parametrize(("clamp", "shown"), [(None, 0.5), ((0.0, 1.0), 0.0)])
def test_what_is_shown_is_what_the_display_says(clamp: tuple[float, float] | None, shown: float) -> None:
    config = NCAConfig(clamp=clamp)
    state = torch.zeros(1, 8, 4, 4)
    nca = NCA(config)
    assert float(nca.pictures(state).unique()) == shown
    assert nca.display.offset == shown
    assert nca.display.channels == ("r", "g", "b")


def test_channel_names() -> None:
    assert NCAConfig(channels=5).names == ("r", "g", "b", "h3", "h4")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channels": 2}, "channels: expected a whole number from 3 to 64, got 2"),
        ({"channels": 2}, "1 and 2 need a map of the colours: --colours map or squares"),
        ({"channels": 65}, "from 3 to 64"),
        ({"channels": 0}, "from 3 to 64"),
        ({"channels": 0, "colours": "map"}, "from 1 to 64"),
        ({"colours": "hues"}, "colours: expected one of channels, map, squares, got 'hues'"),
        ({"channels": 4.5}, "whole number"),
        ({"hidden": 0}, "hidden: expected"),
        ({"filters": 21}, "filters: expected a whole number from 1 to 20"),
        ({"activation": "tanh"}, "activation: expected one of relu, linear, abs, got 'tanh'"),
        ({"mask": "row"}, "mask: expected one of cell, channel"),
        ({"init": "dot"}, "init: expected one of noise, square"),
        ({"update_rate": 0.0}, r"update rate: expected a number in \(0, 1\]"),
        ({"update_rate": float("nan")}, "update rate"),
        ({"update_rate": 1.5}, "update rate"),
        ({"clamp": (1.0, 0.0)}, "clamp: expected low < high"),
        ({"clamp": (float("nan"), 0.0)}, "clamp"),
        ({"max_ca_steps": 1}, "max_ca_steps: expected at least 2"),
        ({"batch_size": 0}, "batch_size: expected at least 1"),
        ({"iterations": 0}, "iterations: expected at least 1"),
        ({"size": 8}, "size: expected at least 16"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"l1": -0.1}, "l1: expected a finite number of at least 0, got -0.1"),
        ({"l1": float("nan")}, "l1: expected"),
        ({"l1": float("inf")}, "l1: expected"),
        ({"pool": 1, "batch_size": 2}, r"pool: expected at least the batch size \(2\)"),
        ({"bank": "resnet"}, "feature bank: expected one of wavelet, multiscale, vgg16"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        TrainConfig(**changes)


def test_presets_by_name() -> None:
    assert preset("compact").activation == "abs"
    assert (preset("quality").size, preset("quality").channels, preset("quality").hidden) == (128, 8, 96)
    for name, made in PRESETS.items():
        assert preset(name) is made
        assert made.nca == NCAConfig(**made.nca.to_dict())  # type: ignore[arg-type]
    with pytest.raises(InputError, match='did you mean "compact"'):
        preset("compct")


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_step_is_traced_as_one_graph(activation: str) -> None:
    """So that torch.compile can fuse it on a GPU."""
    nca, state = automaton(activation=activation, filters=4), some_state()
    traced = torch.compile(nca.forward, backend="aot_eager", fullgraph=True)
    parameters = [p for p in nca.parameters() if p.requires_grad]
    for one, other in zip(
        torch.autograd.grad(traced(state).square().sum(), parameters),
        torch.autograd.grad(nca(state).square().sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other)
