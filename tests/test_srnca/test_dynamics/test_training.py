"""Training: the law is learned, in several sizes, with hidden channels, and from where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.identify.footage import Footage
from equations.errors import InputError
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.horizons import RecordingProgress
from srnca.dynamics.network import RecordingNCA
from srnca.dynamics.training import train_recording
from tests.test_distill.recorded import gray_scott_rates
from tests.test_srnca.recorded import SIZE, record
from tests.test_srnca.test_dynamics.planted import TINY, footage, relative_error


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
    coarse = float((slope - gray_scott_rates(states)).norm() / gray_scott_rates(states).norm())
    assert coarse > 0.1  # what not asking for inner steps would give
    assert relative_error(done.nca, record(seed=9)[1]) < 0.2 * coarse


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
