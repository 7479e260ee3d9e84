"""A rule is checked against the automaton and the recording."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from equations.errors import InputError, SrncaError
from equations.expressions.infix import parse_infix
from equations.rule.rule import Rule
from equations.rule.stencils import feature_names
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.config import law_stencils
from srnca.dynamics.verify import verify_network
from tests.test_srnca.recorded import record


def test_verify_finds_another_law(network: RecordingCheckpoint) -> None:
    names = feature_names(("u", "v"), law_stencils(2))
    updates = {"u": parse_infix("0.16*u_lap - u*v^2", names), "v": parse_infix("0.08*v_lap", names)}
    wrong = Rule(("u", "v"), law_stencils(2), updates)
    result = verify_network(wrong, network, steps=20)
    assert not result.ok
    assert not next(c for c in result.checks if c.name == "recording").ok
    with pytest.raises(InputError, match="expected a rule over the automaton's channels"):
        verify_network(record()[0].replace(dt=0.5), network)


def test_a_network_that_runs_away_is_said_to_be_the_one_at_fault(network: RecordingCheckpoint) -> None:
    wild = copy.deepcopy(network.nca)
    with torch.no_grad():
        for weight in wild.parameters():
            weight.mul_(1e6)
    with pytest.raises(SrncaError, match="the automaton itself runs away within 8 steps"):
        verify_network(record()[0], replace(network, nca=wild), steps=20)
