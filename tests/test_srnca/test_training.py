"""Training: it learns, it goes on exactly where it stopped, and it gets up again after a fall."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from equations.errors import InputError, MissingPartError, SrncaError
from srnca.media.images import Target
from srnca.texture.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from srnca.texture.config import TrainSettings
from srnca.texture.loss import GramLoss
from srnca.texture.training import TrainProgress, train
from tests.test_srnca.tiny import config, stripes, target

GRAIN = np.random.default_rng(0).integers(0, 2, (16, 16, 3)).astype(np.float32)


def stop_at(iteration: int) -> Any:
    def progress(now: TrainProgress) -> None:
        if now.iteration == iteration:
            raise KeyboardInterrupt

    return progress


def assert_same(one: Checkpoint, two: Checkpoint) -> None:
    assert one.history == two.history
    assert one.iteration == two.iteration
    assert one.config == two.config
    for name, tensor in one.nca.state_dict().items():
        assert torch.equal(tensor, two.nca.state_dict()[name]), name


# learning


@pytest.mark.parametrize("activation", ["relu", "abs", "linear"])
def test_training_lowers_the_loss(activation: str) -> None:
    made = config(activation=activation, clamp=(0.0, 1.0), iterations=60, learning_rate=2e-2, max_ca_steps=8, pool=16)
    history = train(Target("grain", GRAIN), made).history
    assert len(history) == 60
    first, last = float(np.mean(history[:5])), float(np.mean(history[-10:]))
    assert first > 0.5  # weak noise around the mean colour: not far from a flat picture
    assert last < 0.5 * first


@pytest.mark.parametrize("activation", ["relu", "abs", "linear"])
def test_a_penalty_makes_the_first_layer_small(activation: str) -> None:
    settings: dict[str, Any] = {"activation": activation, "iterations": 60, "learning_rate": 1e-2, "pool": 16}
    free, slight, strong = (train(target(), config(**settings, l1=weight)) for weight in (0.0, 1.0, 10.0))
    sums = [float(done.nca.first_layer.detach().abs().sum()) for done in (free, slight, strong)]
    assert sums[0] > sums[1] > sums[2]
    assert sums[2] < 0.5 * sums[0]
    assert np.isfinite(strong.history).all()


def test_the_penalty_goes_on_with_the_run(tmp_path: Path) -> None:
    out, made = tmp_path / "x.pt", config(l1=0.5)
    with pytest.raises(KeyboardInterrupt):
        train(target(), made, out=out, progress=stop_at(3))
    assert load_checkpoint(out).config.l1 == 0.5
    with pytest.raises(InputError, match="other settings"):
        train(target(), config(), out=out, resume=True)
    assert_same(train(target(), made, out=out, resume=True), train(target(), made))


def test_the_same_seed_gives_the_same_automaton() -> None:
    made = config(update_rate=0.7)
    assert_same(train(target(), made), train(target(), made))
    assert train(target(), replace(made, seed=1)).history != train(target(), made).history


@pytest.mark.parametrize(
    "changes",
    [
        {"clamp": (0.0, 1.0), "activation": "linear"},
        {"mask": "channel", "update_rate": 0.5},
        {"init": "square"},
        {"filters": 7},
        {"batch_size": 1, "pool": 1},
    ],
)
def test_every_kind_of_automaton_trains(changes: dict[str, Any]) -> None:
    done = train(target(), config(iterations=3, **changes))
    assert done.iteration == 3
    assert np.isfinite(done.history).all()
    assert float(done.nca.weight.detach().abs().max()) > 0


def test_progress_is_reported_at_every_iteration() -> None:
    seen: list[TrainProgress] = []
    done = train(target(), config(), progress=seen.append)
    assert [now.iteration for now in seen] == list(range(1, 9))
    assert [now.loss for now in seen] == done.history
    assert all(now.iterations == 8 and now.note is None for now in seen)
    assert seen[-1].rgb is not None
    assert seen[-1].rgb.shape == (2, 3, 16, 16)
    assert not seen[-1].rgb.requires_grad


def test_the_checkpoint_holds_what_made_it(tmp_path: Path) -> None:
    out = tmp_path / "x.pt"
    picture = Target("zebra", stripes(), ("centre-cropped",))
    done = train(picture, config(), out=out)
    saved = load_checkpoint(out)
    assert_same(done, saved)
    np.testing.assert_array_equal(saved.target, picture.pixels)
    assert saved.provenance["target"] == "zebra"
    assert saved.provenance["notes"] == ["centre-cropped"]
    assert set(saved.provenance["versions"]) >= {"srnca", "torch", "numpy"}
    assert saved.training == {}  # done: nothing to go on with


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="expected 16 pixels a side, got 24"):
        train(target(24), config())


def test_missing_vgg_weights_are_said_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingPartError, match="vgg16"):
        train(target(), config(bank="vgg16"))


# stopping and going on


@pytest.mark.parametrize("changes", [{}, {"update_rate": 0.6, "mask": "channel", "activation": "abs"}])
@pytest.mark.parametrize("stops", [(1,), (3, 7), (5,)])
def test_going_on_is_the_same_as_never_stopping(
    tmp_path: Path, changes: dict[str, Any], stops: tuple[int, ...]
) -> None:
    out, made = tmp_path / "x.pt", config(**changes)
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            train(target(), made, out=out, resume=out.exists(), progress=stop_at(stop))
        assert load_checkpoint(out).iteration == stop
    resumed = train(target(), made, out=out, resume=True)
    assert_same(resumed, train(target(), made))
    assert_same(resumed, load_checkpoint(out))


@pytest.mark.parametrize("where", ["loss", "optimiser"])
def test_ctrl_c_in_the_middle_of_an_iteration_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Ctrl-C rarely waits for the end of an iteration; half an iteration must not be saved."""
    out, made, calls = tmp_path / "x.pt", config(update_rate=0.6, bank="multiscale"), itertools.count(1)
    with monkeypatch.context() as patch:
        owner: Any = GramLoss if where == "loss" else torch.optim.Adam
        method = "forward" if where == "loss" else "step"
        proper = getattr(owner, method)

        def interrupted(self: Any, *args: Any, **options: Any) -> Any:
            call = next(calls)
            result = proper(self, *args, **options)
            if call == 4:
                raise KeyboardInterrupt
            return result

        patch.setattr(owner, method, interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(target(), made, out=out)
    assert_same(train(target(), made, out=out, resume=True), train(target(), made))


def test_it_saves_now_and_then(tmp_path: Path) -> None:
    out, seen = tmp_path / "x.pt", []

    def progress(now: TrainProgress) -> None:
        seen.append(load_checkpoint(out).iteration)

    train(target(), config(), out=out, progress=progress, settings=TrainSettings(save_every_s=0))
    assert seen == list(range(1, 9))


def test_a_finished_checkpoint_is_not_trained_again(tmp_path: Path) -> None:
    out = tmp_path / "x.pt"
    done = train(target(), config(), out=out)
    assert_same(train(target(), config(), out=out, resume=True), done)


def test_going_on_needs_a_file(tmp_path: Path) -> None:
    for out in (None, tmp_path / "none.pt"):
        with pytest.raises(InputError, match="found no file"):
            train(target(), config(), out=out, resume=True)


@pytest.mark.parametrize("changes", [{"hidden": 9}, {"learning_rate": 1e-3}, {"iterations": 9}, {"size": 24}])
def test_going_on_with_other_settings_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    out = tmp_path / "x.pt"
    with pytest.raises(KeyboardInterrupt):
        train(target(), config(), out=out, progress=stop_at(2))
    other = config(**changes)
    before = out.read_bytes()
    with pytest.raises(InputError, match="other settings or another picture"):
        train(target(other.size), other, out=out, resume=True)
    assert out.read_bytes() == before


def test_going_on_with_another_picture_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "x.pt"
    with pytest.raises(KeyboardInterrupt):
        train(target(), config(), out=out, progress=stop_at(2))
    other = Target("stripes", stripes().transpose(1, 0, 2).copy())
    with pytest.raises(InputError, match="another picture"):
        train(other, config(), out=out, resume=True)


def test_going_on_from_a_mangled_state_is_bad_input(tmp_path: Path) -> None:
    out = tmp_path / "x.pt"
    with pytest.raises(KeyboardInterrupt):
        train(target(), config(), out=out, progress=stop_at(2))
    saved = load_checkpoint(out)
    mangled: list[dict[str, Any]] = [
        {k: v for k, v in saved.training.items() if k != "pool"},
        {**saved.training, "pool": saved.training["pool"][:, :2]},
        {**saved.training, "random": torch.zeros(3)},
        {**saved.training, "iteration": "two"},
    ]
    for state in mangled:
        saved.training = state
        save_checkpoint(saved, out)
        with pytest.raises(InputError):
            train(target(), config(), out=out, resume=True)


# falling and getting up


def test_a_run_that_explodes_steps_back_and_slows_down(monkeypatch: pytest.MonkeyPatch) -> None:
    proper, calls = GramLoss.forward, itertools.count(1)

    def exploding(self: Any, rgb: torch.Tensor) -> torch.Tensor:
        return proper(self, rgb) * (1e12 if next(calls) <= 4 else 1.0)  # two iterations of two states

    monkeypatch.setattr(GramLoss, "forward", exploding)
    notes: list[TrainProgress] = []

    def progress(now: TrainProgress) -> None:
        if now.note:
            notes.append(now)

    settings = TrainSettings(exploded=1e9, patience=2, warm_up=1)
    done = train(target(), config(learning_rate=1.0, bank="multiscale"), progress=progress, settings=settings)
    assert len(notes) == 1
    assert notes[0].note is not None
    assert "back to iteration 0, learning rate 0.5" in notes[0].note
    assert done.iteration == len(done.history) == 8
    assert all(bool(p.isfinite().all()) for p in done.nca.parameters())


def test_a_run_without_hope_says_so() -> None:
    settings = TrainSettings(exploded=-1.0, patience=1, max_setbacks=3)
    with pytest.raises(SrncaError, match=r"diverged 4 times.*smaller --learning-rate than 0\.003.*--max-ca-steps"):
        train(target(), config(), settings=settings)


def test_a_loss_that_is_not_a_number_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    proper, calls = GramLoss.forward, itertools.count(1)  # next() is one step: two threads call at once

    def broken(self: Any, rgb: torch.Tensor) -> torch.Tensor:
        return proper(self, rgb) * (float("nan") if next(calls) == 5 else 1.0)  # a state a call, two an iteration

    monkeypatch.setattr(GramLoss, "forward", broken)
    notes: list[str] = []
    done = train(target(), config(bank="multiscale"), progress=lambda now: notes.append(now.note) if now.note else None)
    assert len(notes) == 1
    assert notes[0].startswith("loss nan at iteration 2: back to iteration 0")
    assert np.isfinite(done.history).all()


def test_an_absurd_learning_rate_leaves_finite_weights() -> None:
    done = train(target(), config(learning_rate=1.0, iterations=30, max_ca_steps=8))
    assert done.iteration == 30
    assert all(bool(p.isfinite().all()) for p in done.nca.parameters())
    assert np.isfinite(done.history).all()


def test_setbacks_are_remembered_by_the_file(tmp_path: Path) -> None:
    settings = TrainSettings(exploded=-1.0, patience=1)
    out = tmp_path / "x.pt"

    def stop(now: TrainProgress) -> None:
        if now.note:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(target(), config(), out=out, progress=stop, settings=settings)
    saved = load_checkpoint(out).training
    assert (saved["setbacks"], saved["slowdown"]) == (1, 0.5)
    with pytest.raises(SrncaError, match="diverged 2 times"):
        train(target(), config(), out=out, resume=True, settings=replace(settings, max_setbacks=1))
