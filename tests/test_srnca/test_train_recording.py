"""Training on recordings: derivatives, units, noise, growing rollouts, the checkpoint, and going on bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.identify.footage import Footage
from distill.identify.windows import clean, cleanest
from equations.errors import InputError
from equations.rule.stencils import LAP5
from srnca.automata.files import read_kind
from srnca.dynamics.checkpoint import load_recording_checkpoint, save_recording_checkpoint
from srnca.dynamics.config import DynamicsConfig, law_stencils
from srnca.dynamics.horizons import RecordingProgress, stages_of
from srnca.dynamics.network import RecordingNCA
from srnca.dynamics.newton import jacobian, weights_of
from srnca.dynamics.training import train_recording
from srnca.texture.checkpoint import load_checkpoint
from tests.test_srnca.recorded import SIZE, record

torch.set_num_threads(1)
TINY = {"hidden": 3, "filters": 2, "iterations": 6, "batch_size": 2, "max_ca_steps": 2}


def footage(frames: int = 14, every: int = 1, dt: float = 1.0) -> Footage:
    return Footage([record(frames, every)[1]], ("u", "v"), dt)


def true_rates(states: torch.Tensor) -> torch.Tensor:
    """Gray-Scott's own rates of states (2, batch, h, w)."""
    u, v = states

    def lap(x: torch.Tensor) -> torch.Tensor:
        return sum(x.roll(s, d) for s in (-1, 1) for d in (1, 2)) - 4 * x  # type: ignore[return-value]

    return torch.stack([0.16 * lap(u) - u * v * v + 0.055 * (1 - u), 0.08 * lap(v) + u * v * v - 0.117 * v])


def relative_error(nca: RecordingNCA, frames: np.ndarray) -> float:
    states = torch.from_numpy(frames).double().transpose(0, 1)
    with torch.no_grad():
        got, true = nca.update(nca.perceive(states)).view(states.shape), true_rates(states)
    return float((got - true).norm() / true.norm())


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


def test_stencils_are_in_units_of_length() -> None:
    """On x² + y² over cells of width dx: both Laplacians are 4, on x the slope is 1."""
    dx = 0.5
    y, x = np.mgrid[-1:2, -1:2] * dx
    _, lap, corner, right, down = law_stencils(5, dx)
    for stencil, field, wanted in ((lap, x**2 + y**2, 4), (corner, x**2 + y**2, 4), (right, x, 1), (down, y, 1)):
        assert np.sum(np.array(stencil.kernel) * field) == pytest.approx(wanted)
    assert law_stencils(2)[1].kernel == LAP5.kernel


def test_it_learns_the_law_of_a_recording() -> None:
    done = train_recording(footage(), DynamicsConfig(hidden=4, filters=2, iterations=60))
    assert relative_error(done.nca, record(seed=9)[1]) < 0.01
    assert done.training == {}
    assert done.history[-1] < 1e-4 * done.history[0]


def test_it_finds_the_step_between_frames_that_lie_apart() -> None:
    """Every 4th step was recorded: the law of one step is learned, not the slope over four."""
    film = footage(16, every=4, dt=4.0)
    done = train_recording(film, DynamicsConfig(hidden=4, filters=2, stride=4, dt=1.0, iterations=90, batch_size=4))
    slope = torch.from_numpy(np.diff(record(16, 4)[1], axis=0)).double().transpose(0, 1) / 4
    states = torch.from_numpy(record(16, 4)[1][:-1]).double().transpose(0, 1)
    coarse = float((slope - true_rates(states)).norm() / true_rates(states).norm())
    assert coarse > 0.1  # what not asking for inner steps would give
    assert relative_error(done.nca, record(seed=9)[1]) < 0.2 * coarse


def test_rollouts_grow_from_one_step() -> None:
    stages = stages_of(DynamicsConfig(stride=8, max_ca_steps=32), longest=30)
    assert [(s.frames, s.inner) for s in stages] == [(1, 1), (1, 2), (1, 4), (1, 8), (2, 8), (4, 8), (4, 8)]
    assert max(s.frames for s in stages_of(DynamicsConfig(max_ca_steps=32), longest=3)) == 3


def test_states_are_cleaned_of_noise_only_where_there_is_some() -> None:
    """With the true law as forecaster, cleaned states are nearer to the truth than the noisy frames."""
    true = record(30)[1]
    noisy = true + np.random.default_rng(0).normal(size=true.shape).astype(np.float32) * 0.01

    def step(state: torch.Tensor) -> torch.Tensor:
        return state + true_rates(state)

    def same(shown: torch.Tensor) -> torch.Tensor:
        return shown

    states, gain = cleanest(Footage([noisy], ("u", "v"), 1.0), step, same)
    assert gain < 1
    late = slice(10, None)
    assert np.std(states[0].numpy()[late] - true[late]) < 0.5 * np.std(noisy[late] - true[late])

    def standing(state: torch.Tensor) -> torch.Tensor:
        return state

    plain, gain = cleanest(Footage([true], ("u", "v"), 1.0), standing, same)  # a poor forecaster cleans nothing
    assert gain == 1
    np.testing.assert_array_equal(plain[0].numpy(), true.astype(np.float64))
    assert clean(Footage([true], ("u", "v"), 1.0), step, same, 1.0)[1] < 1e-9


def test_held_out_windows_touch_no_window_of_training() -> None:
    film = footage(20)
    train = {t for w in film.windows(2) for t in range(w.first, w.first + 3)}
    held = {t for w in film.windows(2, held=True) for t in range(w.first, w.first + 3)}
    assert held
    assert not train & held
    short = footage(4)
    assert short.windows(2, held=True) == short.windows(2)


def test_lively_windows_are_drawn_first() -> None:
    frames = record(14)[1].copy()
    frames[5:] = frames[5] + 1e-6 * np.arange(9, dtype=np.float32)[:, None, None, None]  # settled
    film = Footage([frames], ("u", "v"), 1.0)
    drawn = [film.draw(1, 2, torch.Generator().manual_seed(s)) for s in range(20)]
    assert np.mean([w.first < 5 for windows in drawn for w in windows]) > 0.8


def test_recordings_of_several_sizes_go_together() -> None:
    film = Footage([record()[1], record(10, seed=3, size=16)[1]], ("u", "v"), 1.0)
    done = train_recording(film, DynamicsConfig(**TINY))  # type: ignore[arg-type]
    assert len(done.history) == 6
    assert [tuple(f.shape[2:]) for f in done.footage.frames] == [(SIZE, SIZE), (16, 16)]


def test_hidden_channels_are_trained_by_gradient() -> None:
    config = DynamicsConfig(**{**TINY, "hidden_channels": 1, "iterations": 8})  # type: ignore[arg-type]
    assert not config.newton
    assert config.channels == ("u", "v", "h2")
    done = train_recording(footage(6), config)
    assert done.nca.first_hidden.shape == (1, 1)
    assert len(done.error) == 2
    assert all(np.isfinite(done.history))


def test_a_checkpoint_comes_back_and_holds_nothing_executable(tmp_path: Path) -> None:
    done = train_recording(footage(), DynamicsConfig(**TINY), out=tmp_path / "x.pt", origin={"recordings": ["a.npz"]})  # type: ignore[arg-type]
    again = load_recording_checkpoint(tmp_path / "x.pt")
    assert again.config == done.config
    assert again.error == done.error
    assert again.provenance["recordings"] == ["a.npz"]
    assert again.provenance["stored"] == 1.0
    for name, value in done.nca.state_dict().items():
        assert torch.equal(value, again.nca.state_dict()[name])
    assert torch.equal(again.footage.frames[0], done.footage.frames[0])
    assert read_kind(tmp_path / "x.pt")[0] == "recording"
    torch.load(tmp_path / "x.pt", weights_only=True)
    with pytest.raises(InputError, match="trained on a recording: it has no texture"):
        load_checkpoint(tmp_path / "x.pt")


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    done = train_recording(footage(6), DynamicsConfig(**TINY))  # type: ignore[arg-type]
    path = tmp_path / "x.pt"
    save_recording_checkpoint(replace(done, error=(1.0,)), path)
    with pytest.raises(InputError, match="do not fit each other"):
        load_recording_checkpoint(path)


def test_stopped_and_resumed_is_the_same_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped by Ctrl-C in every iteration once, between them and in their middle."""
    config = DynamicsConfig(**{**TINY, "stride": 2, "max_ca_steps": 4, "iterations": 14})  # type: ignore[arg-type]
    film = footage(12, every=2, dt=2.0)
    whole = train_recording(film, config)
    out, count = tmp_path / "x.pt", 0
    inner = RecordingNCA.perceive
    calls = [0]

    def stumbling(self: RecordingNCA, state: torch.Tensor) -> torch.Tensor:
        calls[0] += 1
        if calls[0] == 23:  # in the middle of an iteration
            raise KeyboardInterrupt
        return inner(self, state)

    def stop(now: RecordingProgress) -> None:
        if not now.last or number == 0:
            raise KeyboardInterrupt

    for number in range(40):
        calls[0] = 0
        with monkeypatch.context() as patch:
            patch.setattr(RecordingNCA, "perceive", stumbling if number % 2 else inner)
            try:
                done = train_recording(
                    film, config, out=out, resume=out.exists(), progress=None if number % 2 else stop
                )
            except KeyboardInterrupt:
                count += 1
                continue
        break
    assert count > 10
    assert done.history == whole.history
    for name, value in whole.nca.state_dict().items():
        assert torch.equal(value, done.nca.state_dict()[name]), name


def test_resuming_with_other_settings_or_frames_is_refused(tmp_path: Path) -> None:
    out, config = tmp_path / "x.pt", DynamicsConfig(**TINY)  # type: ignore[arg-type]
    train_recording(footage(6), config, out=out)
    for film, other in ((footage(7), config), (footage(6), replace(config, hidden=4))):
        with pytest.raises(InputError, match="other settings or another recording"):
            train_recording(film, other, out=out, resume=True)
    with pytest.raises(InputError, match="found no file"):
        train_recording(footage(6), config, out=tmp_path / "none.pt", resume=True)


FRAMES = record(6)[1]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (FRAMES[:1], "at least two frames, to see what changes, got 1"),
        (np.repeat(FRAMES[:1], 4, axis=0), "expected frames to change, got the same each time"),
        (np.where(np.arange(6)[:, None, None, None] == 2, np.nan, FRAMES), "finite numbers, got nan in frame 2"),
        (FRAMES[:, :1], r"2 channels"),
        (FRAMES[:, :, :2], "at least 3 x 3"),
        (np.stack([FRAMES[:, 0], np.ones_like(FRAMES[:, 0])], axis=1), "channel v to change"),
    ],
)
def test_recordings_that_cannot_be_learned_are_refused(frames: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Footage([frames], ("u", "v"), 1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stride": 0}, "stride: expected a whole number from 1"),
        ({"filters": 6}, "filters: expected a whole number from 1 to 5"),
        ({"activation": "abs"}, "expected one of product, tanh, relu"),
        ({"dt": 0.0}, "dt: expected a finite number above 0"),
        ({"names": ()}, "at least one"),
        ({"stride": 8, "max_ca_steps": 4}, "at least the 8 steps"),
        ({"hidden_channels": 1, "names": ("u", "h2", "h2")}, "different names"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        DynamicsConfig(**settings)  # type: ignore[arg-type]
