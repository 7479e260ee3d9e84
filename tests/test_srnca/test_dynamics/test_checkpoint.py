"""The checkpoint of an automaton that learned a recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from equations.errors import InputError
from srnca.automata.files import read_kind
from srnca.dynamics.checkpoint import load_recording_checkpoint, save_recording_checkpoint
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.training import train_recording
from srnca.texture.checkpoint import load_checkpoint
from tests.test_srnca.test_dynamics.planted import TINY, footage


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
