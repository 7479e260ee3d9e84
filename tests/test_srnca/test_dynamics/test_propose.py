"""The recording proposes terms along the way of the network."""

from __future__ import annotations

import torch

from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.propose import propose_terms
from srnca.dynamics.teacher import RecordingNCATeacher
from srnca.dynamics.training import train_recording
from tests.test_distill.recorded import GRAY_SCOTT, constants


def test_the_recording_proposes_what_the_network_has_wrong(network: RecordingCheckpoint) -> None:
    """A network whose rate of v is off by a tenth still goes near enough to the states for the true terms to show."""
    with torch.no_grad():
        spoilt = train_recording(network.footage, network.config)
        spoilt.nca.weight[1] *= 1.1
        assert spoilt.nca.linear is not None
        spoilt.nca.linear[1] *= 1.1
    found = constants(propose_terms(RecordingNCATeacher(spoilt), seed=0))
    assert all(len(found[c]) <= 8 and set(found[c]) >= set(GRAY_SCOTT[c]) for c in GRAY_SCOTT)
