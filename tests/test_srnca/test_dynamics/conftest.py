from __future__ import annotations

import pytest

from distill.identify.footage import Footage
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.training import train_recording
from tests.test_srnca.recorded import record


@pytest.fixture(scope="session")
def network() -> RecordingCheckpoint:
    film = Footage([record(14)[1]], ("u", "v"), 1.0)
    return train_recording(film, DynamicsConfig(hidden=4, filters=2, iterations=50))
