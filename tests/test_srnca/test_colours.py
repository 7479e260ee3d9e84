"""Learned colours: a map of any number of channels, trained, saved, distilled and verified with the automaton."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from equations.errors import InputError
from equations.expressions.numeric import compile_numpy
from equations.rule.init import make_state
from srnca.texture.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from srnca.texture.colours import FAINT, ColourMap, names_of, principal_colours
from srnca.texture.network import NCA, NCAConfig
from srnca.texture.training import TrainProgress, train
from tests.test_srnca.tiny import (
    checkpoint,
    config,
    stripes,
    target,
)

COLOURS = ("map", "squares")


def random_map(channels: int, colours: str, seed: int = 0) -> ColourMap:
    made = ColourMap(channels, squares=colours == "squares")
    generator = torch.Generator().manual_seed(seed)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    return made


def some_state(channels: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(2, channels, 5, 6, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("channels", "colours", "terms"), [(1, "map", 1), (4, "map", 4), (1, "squares", 2), (3, "squares", 9)]
)
def test_a_map_has_a_weight_for_every_term(channels: int, colours: str, terms: int) -> None:
    assert random_map(channels, colours).weight.shape == (3, terms)


def test_the_formula_of_the_squares() -> None:
    made, state = random_map(2, "squares"), some_state(2)
    u, v = state[:, 0], state[:, 1]
    terms = torch.stack([u, v, u * u, u * v, v * v], dim=1)
    wanted = torch.einsum("ct,bthw->bchw", made.weight, terms) + made.offset[:, None, None]
    torch.testing.assert_close(made(state), wanted)


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("colours", COLOURS)
def test_the_expressions_are_the_map(channels: int, colours: str) -> None:
    """Evaluated with 64 bits, so that a rounded constant would show."""
    made, state = random_map(channels, colours).double(), some_state(channels).double()
    names = NCAConfig(channels=channels, colours=colours).names  # type: ignore[arg-type]
    found = made.expressions(names)
    assert list(found) == ["r", "g", "b"]
    values = compile_numpy(list(found.values()), names)(state[0].numpy())
    np.testing.assert_allclose(values, made(state)[0].detach().numpy(), rtol=1e-13, atol=1e-13)


def test_names_of_species() -> None:
    assert names_of("channels", 5) == ("r", "g", "b", "h3", "h4")
    assert names_of("map", 2) == ("u", "v")
    assert names_of("squares", 8) == ("u", "v", "w", "q", "p", "z", "s6", "s7")


def test_principal_colours_span_the_covariance() -> None:
    pixels = np.random.default_rng(0).random((16, 16, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.5], [0.2, 0, 1]])
    palette = principal_colours(pixels).numpy()
    np.testing.assert_allclose(palette @ palette.T, np.cov(pixels.reshape(-1, 3).T), atol=1e-12)
    flat = principal_colours(np.full((16, 16, 3), 0.5, np.float32)).numpy()
    np.testing.assert_allclose(np.linalg.norm(flat, axis=0), FAINT)


@pytest.mark.parametrize("clamp", [None, (0.0, 1.0)])
@pytest.mark.parametrize("colours", COLOURS)
def test_the_first_picture_has_the_mean_colour(clamp: tuple[float, float] | None, colours: str) -> None:
    made = NCAConfig(channels=2, clamp=clamp, colours=colours)  # type: ignore[arg-type]
    nca = NCA(made, colour=(0.8, 0.3, 0.1), palette=principal_colours(stripes()))
    state = torch.from_numpy(make_state(nca.first_state, 2, (64, 64), seed=1))
    np.testing.assert_allclose(state.mean(dim=(1, 2)), [made.middle] * 2, atol=0.01)
    shown = nca.pictures(state[None])[0].detach()
    np.testing.assert_allclose(shown.mean(dim=(1, 2)), [0.8, 0.3, 0.1], atol=0.01)
    assert float(shown.std()) > 0.01


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("activation", ["relu", "linear", "abs"])
def test_an_untrained_automaton_with_a_map_can_learn(channels: int, activation: str) -> None:
    nca = NCA(NCAConfig(channels=channels, activation=activation, colours="squares"), seed=3)  # type: ignore[arg-type]
    nca.pictures(nca(some_state(channels))).square().sum().backward()
    assert nca.colours is not None
    for weight in (nca.weight, nca.colours.weight, nca.colours.offset):
        assert weight.grad is not None
        assert float(weight.grad.abs().max()) > 0


def test_without_a_map_nothing_is_different() -> None:
    """Weights, random numbers and what is saved are those from before there were maps."""
    plain, mapped = NCA(NCAConfig(channels=4), seed=3), NCA(NCAConfig(channels=4, colours="map"), seed=3)
    assert set(plain.state_dict()) == {"hidden", "bias", "weight", "perceive.kernels"}
    assert set(mapped.state_dict()) == {*plain.state_dict(), "colours.weight", "colours.offset"}
    assert torch.equal(plain.hidden, mapped.hidden)
    assert "colours" not in plain.config.to_dict()
    assert mapped.config.to_dict()["colours"] == "map"


# training and files


def assert_same(one: Checkpoint, two: Checkpoint) -> None:
    assert (one.config, one.history, one.iteration) == (two.config, two.history, two.iteration)
    for name, tensor in one.nca.state_dict().items():
        assert torch.equal(tensor, two.nca.state_dict()[name]), name


@pytest.mark.parametrize(("channels", "colours"), [(1, "map"), (1, "squares"), (2, "squares"), (4, "map")])
def test_training_goes_on_bit_for_bit(tmp_path: Path, channels: int, colours: str) -> None:
    made, out = config(channels=channels, colours=colours, iterations=4), tmp_path / "x.pt"

    def stop(now: TrainProgress) -> None:
        assert now.rgb is not None
        assert now.rgb.shape == (2, 3, 16, 16)
        if now.iteration == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(target(), made, out=out, progress=stop)
    whole = train(target(), made)
    assert_same(train(target(), made, out=out, resume=True), whole)
    assert_same(load_checkpoint(out), whole)
    start = NCA(made.nca, seed=made.seed, colour=stripes().mean(axis=(0, 1)), palette=principal_colours(stripes()))
    for name, tensor in start.colours.state_dict().items():  # type: ignore[union-attr]
        assert not torch.equal(tensor, whole.nca.state_dict()[f"colours.{name}"])


def test_other_colours_are_another_training(tmp_path: Path) -> None:
    out = tmp_path / "x.pt"
    train(target(), config(colours="map", iterations=2), out=out)
    with pytest.raises(InputError, match="other settings"):
        train(target(), config(iterations=2), out=out, resume=True)


def spoil(path: Path, **changes: Any) -> None:
    data = torch.load(path, weights_only=True)
    for key, value in changes.items():
        data[key] = value(data[key])
    torch.save(data, path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"weights": lambda w: {**w, "colours.offset": torch.tensor([0.1, float("nan"), 0.2])}},
            "weights: 'colours.offset': expected finite numbers, got NaN or infinity",
        ),
        (
            {"weights": lambda w: {**w, "colours.weight": torch.full((3, 2), float("inf"))}},
            "weights: 'colours.weight': expected finite numbers",
        ),
        ({"weights": lambda w: {**w, "colours.weight": torch.zeros(3, 5)}}, r"expected the shape \(3, 2\)"),
        ({"weights": lambda w: {k: v for k, v in w.items() if k != "colours.offset"}}, "'colours.offset' is missing"),
        ({"config": lambda c: {**c, "colours": "hues"}}, "colours: expected one of channels, map, squares, got 'hues'"),
        ({"config": lambda c: {k: v for k, v in c.items() if k != "colours"}}, "channels: expected a whole number"),
    ],
)
def test_a_file_with_a_spoilt_map_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = tmp_path / "x.pt"
    save_checkpoint(checkpoint(channels=2, colours="map"), path)
    spoil(path, **changes)
    with pytest.raises(InputError, match=words):
        load_checkpoint(path)
