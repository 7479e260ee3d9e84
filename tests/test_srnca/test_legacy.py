"""Files of the first SRNCA implementation, against a network like its own, written here in plain torch."""

from __future__ import annotations

import os
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from distill.fronts.select import ROUNDING
from equations import Simulator, load_rule
from equations.errors import InputError
from equations.rule.init import make_state
from equations.rule.mask import update_mask
from srnca.cli.app import main
from srnca.media.images import Target
from srnca.texture import legacy
from srnca.texture.checkpoint import load_checkpoint, save_checkpoint
from srnca.texture.config import TrainConfig
from srnca.texture.distill import distill_checkpoint
from srnca.texture.teacher import NCATeacher
from srnca.texture.training import train
from srnca.texture.verify import verify
from tests.test_srnca.tiny import SHORT_PAGE, checkpoint, simulate_on_torch, stripes

SIZE = (18, 21)
KERNELS = torch.tensor(
    [
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
        [[1, 2, 1], [2, -12, 2], [1, 2, 1]],
        [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
        [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
        [[1, 1, 1], [1, 0, 1], [1, 1, 1]],
    ],
    dtype=torch.float32,
)


class Network(nn.Module):
    """Each channel through each filter, two 1x1 convolutions, nothing between them, clamped to [0, 1]."""

    def __init__(self, channels: int = 3, filters: int = 5, hidden: int = 0, biases: str = "") -> None:
        super().__init__()
        hidden = hidden or 2 * channels * filters
        self.filters = KERNELS[:filters]  # a plain attribute: it is not saved
        self.conv_0 = nn.Conv2d(channels * filters, hidden, 1, bias="0" in biases)
        self.conv_1 = nn.Conv2d(hidden, channels, 1, bias="1" in biases)
        random = torch.Generator().manual_seed(4)
        wanted = 0.002 * torch.randn(channels, channels, filters, generator=random)
        wanted[:, :, 1:2] += 0.02 * torch.eye(channels)[..., None]  # evens out, so that rounding does not grow
        wanted[0, 1:3, 0] += torch.tensor([0.3, -0.15])  # channels 0 and 1 go round half of channel 2 for ever
        wanted[1, 0:3, 0] += torch.tensor([-0.3, 0.05, 0.15])
        wanted[2, 2, 0] += 0.2
        with torch.no_grad():
            for layer in (self.conv_0, self.conv_1):
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=random))
                if layer.bias is not None:
                    layer.bias.copy_(0.02 * torch.randn(layer.bias.shape, generator=random))
            self.conv_1.weight.copy_(
                (wanted.flatten(1) @ torch.linalg.pinv(self.conv_0.weight[..., 0, 0]))[..., None, None]
            )

    @torch.no_grad()
    def forward(self, state: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        batch, channels, h, w = state.shape
        padded = functional.pad(state.reshape(batch * channels, 1, h, w), (1, 1, 1, 1), mode="circular")
        seen = functional.conv2d(padded, self.filters[:, None]).reshape(batch, -1, h, w)
        return (state + self.conv_1(self.conv_0(seen)) * mask).clamp(0, 1)

    def run(self, state: np.ndarray, steps: int, rate: float, seed: int) -> np.ndarray:
        grid = torch.from_numpy(state)[None]
        for step in range(steps):
            on = update_mask(rate, seed=seed, step=step, shape=state.shape[1:], channels=len(state))
            grid = self(grid, torch.from_numpy(on)[None].float())
        return grid[0].numpy()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distil on small grids."""
    monkeypatch.setattr(legacy, "TrainConfig", partial(TrainConfig, size=24))


def saved(path: Path, **settings: Any) -> tuple[Network, Path]:
    network = Network(**settings)
    torch.save(network.state_dict(), path)
    return network, path


def noise(channels: int) -> np.ndarray:
    return np.random.default_rng(0).random((channels, *SIZE), np.float32)


@pytest.mark.parametrize(
    ("channels", "filters", "biases"),
    [(3, 2, "1"), *(pytest.param(*one, marks=pytest.mark.slow) for one in ((3, 5, "01"), (4, 4, ""), (3, 3, "0")))],
)
def test_the_exact_rule_is_the_network_for_200_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], channels: int, filters: int, biases: str
) -> None:
    network, path = saved(tmp_path / "old.pt", channels=channels, filters=filters, biases=biases)
    words = ["--checkpoint", str(path), "--out", str(tmp_path / "rule"), "--update-rate", "0.56"]
    assert main(["distill", *words]) == 0
    assert "update rate 0.56 (--update-rate), no picture and so no texture loss" in capsys.readouterr().err
    rule = load_rule(tmp_path / "rule" / "rule.json")
    assert rule.terms() == dict.fromkeys(rule.channels, channels * filters + bool(biases))
    first = noise(channels)
    simulator = Simulator(rule, state=first, seed=11)
    for step, rounding in ((1, 1e-6), (20, 5e-6), (200, 3e-5)):  # a living automaton lets it grow a little
        simulator.step(step - simulator.steps_done)
        wanted = network.run(first, step, 0.56, seed=11)
        np.testing.assert_allclose(simulator.state, wanted, atol=rounding)
    assert np.abs(network.run(first, 201, 0.56, seed=11) - wanted).max() > 0.1  # still at it
    other = network.run(first, 1, 0.56, seed=12)
    assert np.abs(network.run(first, 1, 0.56, seed=11) - other).max() > 0.01  # the mask matters


def test_the_order_of_the_filters_matters(tmp_path: Path) -> None:
    """The comparison above can fail: slopes taken for each other are seen in one step."""
    network, path = saved(tmp_path / "old.pt")
    rule = distill_checkpoint(load_checkpoint(path)).rule
    network.filters = KERNELS[[0, 1, 3, 2, 4]]
    simulator = Simulator(rule, state=noise(3), seed=0, backend="reference")
    simulator.step(1)
    assert np.abs(simulator.state - network.run(noise(3), 1, 0.5, seed=0)).max() > 1e-3


def test_where_float32_rounds_much_the_algebra_is_kept(tmp_path: Path) -> None:
    """Large weights that cancel: the network's own rounding looks like a misfit, and nothing may be fitted to it."""
    network, path = saved(tmp_path / "old.pt")
    with torch.no_grad():
        network.conv_0.weight += 300 * torch.randn(1, 15, 1, 1, generator=torch.Generator().manual_seed(0))
        network.conv_1.weight -= network.conv_1.weight.mean(dim=1, keepdim=True)
    torch.save(network.state_dict(), path)
    made = load_checkpoint(path)
    result = distill_checkpoint(made)
    assert min(result.report["r2"].values()) < 1 - ROUNDING
    assert dict(result.rule.updates) == NCATeacher(made).closed_form()


def test_what_the_file_does_not_say(tmp_path: Path) -> None:
    _, path = saved(tmp_path / "old.pt", channels=4, filters=3, hidden=9)
    made = load_checkpoint(path)
    config = made.config
    assert (config.channels, config.filters, config.hidden, config.activation) == (4, 3, 9, "linear")
    assert (config.clamp, config.mask, config.update_rate) == ((0.0, 1.0), "channel", 0.5)
    assert load_checkpoint(path, update_rate=1.0).config.update_rate == 1
    assert made.provenance == {"format": "legacy", "file": "old.pt", "update_rate": 0.5}
    start = make_state(made.nca.first_state, 4, (64, 64), seed=1)
    assert set(np.unique(start)) == {0, np.float32(0.995)}
    assert (start > 0).sum() == 4 * 8 * 8
    for rate in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(InputError, match=r"old\.pt: update rate: expected a number in \(0, 1\]"):
            load_checkpoint(path, update_rate=rate)


def test_the_update_rate_of_other_checkpoints_is_their_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "new.pt"
    save_checkpoint(checkpoint(), path)
    with pytest.raises(InputError, match="for legacy checkpoints only"):
        load_checkpoint(path, update_rate=0.5)
    for source in (["--checkpoint", str(path)], ["--frames", str(path)]):
        assert main(["distill", *source, "--update-rate", "0.5", "--out", str(tmp_path / "r")]) == 2
        assert "leave it out" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_without_a_picture_there_is_no_texture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulate_on_torch(monkeypatch)
    made = load_checkpoint(saved(tmp_path / "old.pt")[1])
    result = distill_checkpoint(made, out=tmp_path / "out", page=SHORT_PAGE)
    assert "texture_loss" not in result.report
    assert result.report["regression"]["engine"] == dict.fromkeys("rgb", "exact")
    assert all(value > 1 - 1e-9 for value in result.report["r2"].values())
    assert result.report["provenance"]["trained"] == made.provenance
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"rule.json", "report.json"} < names
    assert "figure.png" not in names
    missing = "a legacy checkpoint holds no picture"
    with pytest.raises(InputError, match=missing):
        train(Target("stripes", stripes(24)), made.config, out=tmp_path / "old.pt", resume=True)
    with pytest.raises(InputError, match=missing):
        save_checkpoint(made, tmp_path / "again.pt")
    assert not (tmp_path / "again.pt").exists()
    assert main(["train", "--resume", "--out", str(tmp_path / "old.pt")]) == 2
    capsys.readouterr()
    assert main(["train", "--resume", "--out", str(tmp_path / "old.pt"), "--colours", "map"]) == 2
    assert "was trained with colours channels, not map; leave out --colours" in capsys.readouterr().err


@pytest.mark.parametrize("filters", [6, 20])
def test_more_than_five_filters_cannot_be_recovered(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, filters: int
) -> None:
    path = tmp_path / "old.pt"
    sizes = {"conv_0.weight": (8, 3 * filters, 1, 1), "conv_1.weight": (3, 8, 1, 1)}
    torch.save({name: torch.zeros(size) for name, size in sizes.items()}, path)
    with pytest.raises(InputError, match=f"{filters} filters, expected 1 to 5: all beyond the fifth were random and"):
        load_checkpoint(path)
    assert main(["distill", "--checkpoint", str(path), "--out", str(tmp_path / "r")]) == 2
    assert "were not saved" in capsys.readouterr().err


NAN = torch.full((3, 8, 1, 1), float("nan"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conv_1.weight": None}, "expected a legacy state dict of conv_0.weight, conv_1.weight"),
        ({"conv_0.weight": None}, "expected a legacy state dict"),
        ({"conv_2.weight": torch.zeros(1)}, r"got .*conv_2\.weight"),
        ({7: 7}, "expected a legacy state dict"),
        ({"conv_0.weight": torch.zeros(8, 16, 1, 1)}, "got 16 inputs for the 3 channels"),
        ({"conv_0.weight": torch.zeros(8, 2, 1, 1)}, "got 2 inputs for the 3 channels"),
        ({"conv_0.weight": torch.zeros(8, 0, 1, 1)}, r"expected the shape \(8, any, 1, 1\)"),
        ({"conv_0.weight": torch.zeros(9, 15, 1, 1)}, r"expected the shape \(8, any, 1, 1\), got \(9, 15, 1, 1\)"),
        ({"conv_0.weight": torch.zeros(8, 15)}, r"expected the shape \(8, any, 1, 1\), got \(8, 15\)"),
        ({"conv_1.weight": torch.zeros(3, 8, 3, 3)}, r"expected the shape \(any, any, 1, 1\)"),
        ({"conv_1.weight": torch.zeros(0, 8, 1, 1)}, "conv_1.weight: expected the shape"),
        (
            {"conv_0.weight": torch.zeros(8, 5, 1, 1), "conv_1.weight": torch.zeros(1, 8, 1, 1)},
            "channels: expected a whole number from 3 to 64, got 1",
        ),
        ({"conv_1.weight": torch.zeros(3, 8, 1, 1, dtype=torch.int64)}, r"real numbers, got torch\.int64"),
        ({"conv_1.weight": torch.zeros(3, 8, 1, 1, dtype=torch.complex64)}, r"real numbers, got torch\.complex64"),
        ({"conv_1.weight": [1.0]}, "expected a tensor of real numbers, got list"),
        ({"conv_1.weight": NAN}, "conv_1.weight: expected finite numbers, got NaN or infinity"),
        ({"conv_0.bias": torch.full((8,), float("inf"))}, "conv_0.bias: expected finite numbers"),
        ({"conv_0.bias": torch.zeros(3)}, r"conv_0.bias: expected the shape \(8\), got \(3,\)"),
        ({"conv_1.bias": torch.zeros(8)}, r"conv_1.bias: expected the shape \(3\)"),
    ],
)
def test_what_is_not_such_a_network_is_refused(tmp_path: Path, changes: dict[Any, Any], words: str) -> None:
    path = tmp_path / "old.pt"
    data = {**Network(hidden=8).state_dict(), **changes}
    torch.save({name: value for name, value in data.items() if value is not None}, path)
    with pytest.raises(InputError, match=words) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers_of_other_sizes_are_read(tmp_path: Path) -> None:
    network, path = saved(tmp_path / "old.pt", biases="01")
    torch.save({name: value.double() for name, value in network.state_dict().items()}, path)
    made = load_checkpoint(path)
    assert {tensor.dtype for tensor in made.nca.state_dict().values()} == {torch.float32}
    torch.testing.assert_close(made.nca.hidden[:-1], network.conv_0.weight[..., 0, 0])


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_file_cut_short_or_hostile_is_refused_and_not_run(tmp_path: Path) -> None:
    _, path = saved(tmp_path / "old.pt")
    whole, trap = path.read_bytes(), tmp_path / "trap"
    data = {**torch.load(path, weights_only=True), "conv_0.bias": Hostile(trap)}
    torch.save(data, path)
    for content in (
        path.read_bytes(),
        pickle.dumps(data, protocol=2),
        whole[:-1],
        whole[: len(whole) // 2],
        whole[:10],
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match="cut short or holds other objects"):
            load_checkpoint(path)
    assert not trap.exists()


def test_the_filters_are_the_first_implementations() -> None:
    np.testing.assert_array_equal(np.array([s.kernel for s in legacy.STENCILS]), KERNELS.numpy())
    assert [s.name for s in legacy.STENCILS] == ["id", "lap", "dy", "dx", "moore"]


def test_verify_asks_what_can_be_asked_without_a_picture(tmp_path: Path) -> None:
    made = load_checkpoint(saved(tmp_path / "old.pt")[1], update_rate=0.7)
    rule = distill_checkpoint(made).rule
    again = load_checkpoint(tmp_path / "old.pt")  # the file does not say the rate: the rule does
    result = verify(rule, again, steps=10)
    assert result.ok
    values = {check.name: check.value for check in result.checks}
    assert set(values) == {"fidelity (R², one step)", "rollout agreement", "stability"}
    assert values["rollout agreement"] == pytest.approx(1, abs=1e-4)
    wrong = rule.replace(updates={name: -expr for name, expr in rule.updates.items()})
    assert not verify(wrong, again, steps=10).ok
