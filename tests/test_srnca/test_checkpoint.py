"""`snake.pt`: what is saved comes back, and whatever else is in the file is refused with a reason."""

from __future__ import annotations

import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from equations.errors import InputError
from equations.rule.stencils import Stencil
from srnca.automata.files import FORMAT
from srnca.media.images import Target
from srnca.texture.checkpoint import load_checkpoint, save_checkpoint
from srnca.texture.network import NCA
from srnca.texture.teacher import NCATeacher
from srnca.texture.training import train
from tests.test_srnca.tiny import calm, checkpoint, config

GOLDEN = Path(__file__).parent / "golden" / "nca_v1.pt"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "x.pt"
    save_checkpoint(checkpoint(update_rate=0.5, clamp=(-1.0, 1.0), mask="channel"), path)
    return path


def change(path: Path, **changes: Any) -> None:
    data = torch.load(path, weights_only=True)
    for key, value in changes.items():
        data[key] = value(data[key]) if callable(value) else value
    torch.save(data, path)


@pytest.mark.parametrize("activation", ["relu", "linear", "abs"])
def test_what_is_saved_comes_back(tmp_path: Path, activation: str) -> None:
    one = checkpoint(activation=activation, filters=7, clamp=(-1.0, 1.0), update_rate=0.5)
    one.history, one.iteration = [0.1, 1 / 3], 2
    one.provenance = {"target": "stripes", "notes": ["a"], "versions": {"torch": "1"}, "n": None}
    save_checkpoint(one, tmp_path / "x.pt")
    two = load_checkpoint(tmp_path / "x.pt")
    assert two.config == one.config
    assert two.config.clamp == (-1.0, 1.0)
    assert two.history == one.history
    assert two.iteration == one.iteration
    assert two.provenance == one.provenance
    assert two.training == one.training
    np.testing.assert_array_equal(two.target, one.target)
    assert two.nca.perceive.stencils == one.nca.perceive.stencils
    for name, tensor in one.nca.state_dict().items():
        assert torch.equal(tensor, two.nca.state_dict()[name])


def test_a_loaded_automaton_starts_as_the_saved_one(saved: Path) -> None:
    """The first state has the target's colour: a rollout is the same before and after saving."""
    one, two = checkpoint(update_rate=0.5, clamp=(-1.0, 1.0), mask="channel"), load_checkpoint(saved)
    assert two.nca.first_state == one.nca.first_state
    options: dict[str, Any] = {"size": (9, 9), "steps": 5, "seed": 3, "every": 1}
    np.testing.assert_array_equal(NCATeacher(two).rollout(**options), NCATeacher(one).rollout(**options))


def test_stencils_come_back_by_their_numbers(tmp_path: Path) -> None:
    """The file's own kernels count, not this version's catalogue."""
    one = checkpoint(filters=6)
    odd = Stencil("f5", ((0.1, 0.7, -0.2), (0.4, 0.0, -0.9), (0.3, -0.3, -0.1)))
    one.nca = calm(NCA(one.config.nca, stencils=(*one.nca.perceive.stencils[:5], odd)))
    save_checkpoint(one, tmp_path / "x.pt")
    two = load_checkpoint(tmp_path / "x.pt")
    assert two.nca.perceive.stencils[5] == odd
    state = torch.randn(1, 4, 6, 6)
    assert torch.equal(one.nca(state), two.nca(state))


def test_the_file_is_plain_data(saved: Path) -> None:
    data = torch.load(saved, weights_only=True)
    assert data["format"] == FORMAT == "srnca.nca/1"
    assert set(data) >= {"config", "weights", "stencils", "target", "history", "iteration", "provenance"}
    assert data["config"]["channels"] == 4
    assert isinstance(data["config"], dict)


def test_fields_of_a_later_version_are_passed_over(saved: Path) -> None:
    change(saved, config=lambda config: {**config, "colour_of_the_future": 3})
    assert load_checkpoint(saved).config.channels == 4


def test_a_file_made_before_a_setting_existed(tmp_path: Path) -> None:
    """A run of version 0.1.0, stopped after 2 of 4 iterations: what it lacks has its default, and it goes on."""
    out = tmp_path / "x.pt"
    out.write_bytes(GOLDEN.read_bytes())
    assert "l1" not in torch.load(out, weights_only=True)["config"]
    old = load_checkpoint(out)
    shape = {"channels": 3, "hidden": 2, "filters": 2, "max_ca_steps": 2, "batch_size": 1, "iterations": 4}
    assert old.config == config(**shape, size=16, pool=1, bank="multiscale")
    assert old.config.l1 == 0
    assert old.iteration == len(old.history) == 2
    assert old.history[0] == pytest.approx(0.928358554)
    assert float(old.nca.hidden[0, 1].detach()) == pytest.approx(0.2189, abs=1e-4)
    done = train(Target("stripes", old.target), old.config, out=out, resume=True)
    assert done.iteration == 4
    assert done.history[:2] == old.history


def test_saving_leaves_nothing_beside_the_file(saved: Path) -> None:
    assert [path.name for path in saved.parent.iterdir()] == ["x.pt"]
    with pytest.raises(InputError, match="existing, writable folder"):
        save_checkpoint(checkpoint(), saved.parent / "no" / "x.pt")


def test_a_file_cut_short_anywhere_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    lengths = [*random.Random(0).sample(range(len(whole)), 40), 0, 1, 2, len(whole) - 1]
    for length in lengths:
        saved.write_bytes(whole[:length])
        with pytest.raises(InputError, match="cut short or holds other objects"):
            load_checkpoint(saved)


def test_damage_anywhere_never_ends_in_another_error(saved: Path) -> None:
    whole, rng = saved.read_bytes(), random.Random(1)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(rng.choice([1, 8, 64])):
            damaged[rng.randrange(len(whole))] = rng.randrange(256)
        saved.write_bytes(damaged)
        try:
            load_checkpoint(saved)  # a flipped bit in a weight cannot be seen
        except InputError:
            continue


class Evil:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_file_that_would_run_code_is_refused_and_not_run(saved: Path, tmp_path: Path) -> None:
    trap, data = tmp_path / "trap", torch.load(saved, weights_only=True)
    data["provenance"] = Evil(trap)
    torch.save(data, saved)
    with pytest.raises(InputError, match="never loaded, as they could run code"):
        load_checkpoint(saved)
    assert not trap.exists()
    for protocol in (0, 2):
        saved.write_bytes(pickle.dumps(Evil(trap), protocol=protocol))
        with pytest.raises(InputError, match="could run code"):
            load_checkpoint(saved)
        assert not trap.exists()
    pickle.loads(saved.read_bytes())
    assert trap.exists()  # the trap was a real one


def test_files_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    with pytest.raises(InputError, match="no such checkpoint; make one with `srnca train"):
        load_checkpoint(path)
    with pytest.raises(InputError, match="expected a checkpoint, got a folder"):
        load_checkpoint(tmp_path)
    path.write_text("hello")
    with pytest.raises(InputError, match="cut short"):
        load_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(InputError, match="cut short"):
        load_checkpoint(path)
    for other, name in (
        (torch.zeros(3), "Tensor"),
        ([1], "list"),
        ({"a": 1}, "no format"),
        ({"format": "srnca.nca/9"}, "'srnca.nca/9'"),
        ({"format": torch.zeros(9, 9)}, "Tensor of shape"),
        ({"format": "srnca.nca/1", "kind": torch.zeros(9, 9)}, "Tensor of shape"),
    ):
        torch.save(other, path)
        with pytest.raises(InputError, match=rf"expected a checkpoint of .*, got {name}"):
            load_checkpoint(path)


def test_a_missing_part_is_named(saved: Path) -> None:
    data = torch.load(saved, weights_only=True)
    del data["weights"], data["target"]
    torch.save(data, saved)
    with pytest.raises(InputError, match="the checkpoint lacks weights, target"):
        load_checkpoint(saved)


def _wider(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**weights, "weight": torch.zeros(5, 24)}


def _spoilt(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    weights["hidden"][0, 0] = float("nan")
    return weights


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": _wider},
        {"weights": {}},
        {"weights": None},
        {"weights": _spoilt},
        {"weights": lambda weights: {**weights, "weight": "heavy"}},
        {"config": lambda config: {**config, "channels": 5}},
        {"config": lambda config: {**config, "channels": 10**9}},
        {"config": lambda config: {**config, "channels": "many"}},
        {"config": lambda config: {**config, "size": None}},
        {"config": lambda config: {**config, "clamp": 3}},
        {"config": lambda config: {**config, "update_rate": "often"}},
        {"config": lambda config: {**config, "l1": "much"}},
        {"config": lambda config: {**config, "l1": float("nan")}},
        {"config": []},
        {"stencils": []},
        {"stencils": lambda stencils: stencils[:2]},
        {"stencils": lambda stencils: [*stencils, stencils[0]]},
        {"stencils": [{"name": "id"}]},
        {"stencils": "id"},
        {"target": torch.zeros(16, 16)},
        {"target": torch.zeros(16, 8, 3)},
        {"target": torch.zeros(24, 24, 3)},
        {"target": torch.zeros(0, 0, 3)},
        {"target": torch.full((16, 16, 3), float("nan"))},
        {"target": [1, 2]},
        {"history": None},
        {"history": [1.0]},
        {"history": torch.tensor(1.0)},
        {"history": torch.zeros(3, dtype=torch.int64)},
        {"iteration": "two"},
        {"iteration": None},
        {"iteration": float("inf")},
        {"iteration": True},
        {"iteration": -1},
        {"iteration": torch.zeros(400, 400)},
        {"stencils": torch.zeros(400, 400)},
        {"stencils": lambda stencils: [{**s, "name": torch.zeros(40, 40)} for s in stencils]},
        {"stencils": lambda stencils: [{**s, "kernel": torch.zeros(40, 40)} for s in stencils]},
        {"stencils": lambda stencils: [{**s, "name": "id"} for s in stencils]},
        {"config": lambda config: {**config, "channels": True}},
        {"config": lambda config: {**config, "channels": torch.zeros(40, 40)}},
        {"config": lambda config: {**config, "clamp": (0.0, float("inf"))}},
        {"config": lambda config: {**config, "seed": float("inf")}},
        {"config": lambda config: {**config, "bank": ["multiscale"]}},
        {"config": lambda config: {7: 7}},
        {"weights": lambda weights: {**weights, 7: weights["weight"]}},
        {"weights": lambda weights: {**weights, "a" * 9000: weights["weight"]}},
        {"weights": lambda weights: {**weights, "weight": weights["weight"].double() * 1e300}},
        {"target": torch.zeros(16, 16, 3, dtype=torch.int64)},
        {"provenance": 3},
        {"provenance": {"target": torch.zeros(40, 40)}},
        {"provenance": {"target": ["a"]}},
        {"provenance": {"more": [float("nan")]}},
        {"provenance": {3: "a"}},
        {"provenance": {"vgg_weights": 3}},
        {"training": 3},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_parts_that_do_not_fit_are_refused(saved: Path, changes: dict[str, Any]) -> None:
    change(saved, **changes)
    with pytest.raises(InputError) as caught:
        load_checkpoint(saved)
    said = str(caught.value)
    assert said.startswith(f"{saved}: ")
    assert "do not fit each other (" in said
    assert len(said) < len(str(saved)) + 300
    assert "\n" not in said


@pytest.mark.parametrize(
    "damage",
    [
        {"iteration": float("inf")},
        {"history": float("inf")},
        {"history": "all"},
        {"pool": torch.zeros(8, 4, 16, 16, dtype=torch.float64)},
        {"pool": torch.full((8, 4, 16, 16), float("nan"))},
        {"pool": torch.zeros(1)},
        {"random": torch.zeros(3)},
        {"slowdown": "slow"},
        {"setbacks": [1]},
        {"weights": {}},
        {"optimiser": {}},
        {"optimiser": lambda o: {**o, "state": {0: {"step": "x"}}}},
        {"optimiser": lambda o: {**o, "state": {k: {**v, "exp_avg": torch.zeros(7)} for k, v in o["state"].items()}}},
        {"optimiser": lambda o: {**o, "state": {k: {**v, "step": torch.tensor(-1.0)} for k, v in o["state"].items()}}},
        {"optimiser": lambda o: {**o, "state": {99: o["state"][0]}}},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_a_training_state_that_does_not_fit_is_refused(tmp_path: Path, damage: dict[str, Any]) -> None:
    out = tmp_path / "x.pt"
    out.write_bytes(GOLDEN.read_bytes())
    whole = load_checkpoint(out)
    target = Target("stripes", whole.target)

    def damaged(training: dict[str, Any]) -> dict[str, Any]:
        return training | {k: v(training[k]) if callable(v) else v for k, v in damage.items()}

    change(out, training=damaged)
    with pytest.raises(
        InputError, match=r"resume: the checkpoint's training state is damaged .*; start anew"
    ) as caught:
        train(target, whole.config, out=out, resume=True)
    assert len(str(caught.value)) < 400


def test_the_settings_of_the_optimiser_are_not_the_files(tmp_path: Path) -> None:
    """The same run with another file's settings of Adam: what they do to it nobody could foresee."""
    out = tmp_path / "x.pt"
    runs = []
    for damage in ({}, {"betas": 3}, {"amsgrad": True, "eps": -1.0}):
        out.write_bytes(GOLDEN.read_bytes())

        def damaged(training: dict[str, Any], damage: dict[str, Any] = damage) -> dict[str, Any]:
            (group,) = training["optimiser"]["param_groups"]
            return {**training, "optimiser": {**training["optimiser"], "param_groups": [group | damage]}}

        change(out, training=damaged)
        whole = load_checkpoint(out)
        runs.append(train(Target("stripes", whole.target), whole.config, out=out, resume=True).history)
    assert runs[0] == runs[1] == runs[2]
