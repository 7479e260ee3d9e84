"""From the automaton of a recording to its rule: what the teacher says, and what the recorded windows decide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from distill.identify.footage import Footage
from distill.identify.refit import refit_on_recording
from equations.errors import InputError
from equations.expressions.infix import parse_infix
from equations.expressions.terms import split_terms
from equations.rule.rule import Rule
from equations.rule.stencils import feature_names
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.config import DynamicsConfig, law_stencils
from srnca.dynamics.distill import distill_network
from srnca.dynamics.propose import propose_terms
from srnca.dynamics.teacher import RecordingNCATeacher
from srnca.dynamics.training import train_recording
from srnca.dynamics.verify import verify_network
from tests.test_srnca.recorded import record

torch.set_num_threads(1)
LAW = {
    "u": {"u_lap": 0.16, "u*v**2": -1.0, "1": 0.055, "u": -0.055},
    "v": {"v_lap": 0.08, "u*v**2": 1.0, "v": -0.117},
}


@pytest.fixture(scope="module")
def network() -> RecordingCheckpoint:
    film = Footage([record(14)[1]], ("u", "v"), 1.0)
    return train_recording(film, DynamicsConfig(hidden=4, filters=2, iterations=50))


def constants(rule_updates: object) -> dict[str, dict[str, float]]:
    return {c: {str(b): w for w, b in split_terms(e)} for c, e in dict(rule_updates).items()}  # type: ignore[call-overload]


def assert_gray_scott(updates: object, tolerance: float) -> None:
    found = constants(updates)
    assert {c: set(terms) for c, terms in found.items()} == {c: set(terms) for c, terms in LAW.items()}
    for channel, terms in LAW.items():
        for term, value in terms.items():
            assert found[channel][term] == pytest.approx(value, rel=tolerance)


def test_the_law_comes_back_through_the_network(network: RecordingCheckpoint, tmp_path: Path) -> None:
    stages = []
    result = distill_network(
        network, engine="sparse", out=tmp_path / "rule", progress=lambda stage, share, detail: stages.append(stage)
    )
    assert_gray_scott(result.rule.updates, 1e-3)
    report = result.report
    assert report["recording"]["constants_from"].startswith("rollouts on the recorded windows")
    assert report["recording"]["frames"] == 14
    assert report["recording"]["loss"] <= report["recording"]["loss_before"]
    assert set(report["network"]["updates"]) == {"u", "v"}
    assert report["terms"]["total"] == 7
    assert min(report["r2"].values()) > 0.999
    assert "recording" in stages
    assert "texture_loss" not in report
    assert (result.rule.dt, result.rule.dx) == (1.0, 1.0)
    assert {p.name for p in (tmp_path / "rule").iterdir()} >= {"rule.json", "report.json", "report.html"}
    checks = verify_network(result.rule, network, steps=50)
    assert checks.ok, checks
    assert [c.name for c in checks.checks] == ["fidelity (R², one step)", "rollout agreement", "recording", "stability"]


def test_without_refinement_the_networks_own_equations_stay(network: RecordingCheckpoint) -> None:
    result = distill_network(network, engine="sparse", refine=False)
    assert "recording" not in result.report
    assert {c: str(e) for c, e in result.rule.updates.items()} == result.report["network"]["updates"]


def test_the_teacher_asks_near_the_recording_and_knows_its_error(network: RecordingCheckpoint) -> None:
    teacher = RecordingNCATeacher(network)
    samples = teacher.samples(rows=2000, seed=0)
    assert samples.names == feature_names(("u", "v"), law_stencils(2))
    assert 1500 < len(samples.X) < 2600
    np.testing.assert_allclose(teacher.update(samples.X), samples.Y)
    assert (samples.floor >= np.square(network.error)).all()
    assert samples.X[:, 0].min() > -0.5  # u stays within what was recorded, and room
    again = teacher.samples(rows=2000, seed=0)
    np.testing.assert_array_equal(samples.X, again.X)
    frames = teacher.rollout(size=(99, 99), steps=4, seed=0, every=2)
    assert frames.shape == (3, 2, *record()[1].shape[2:])


def offered(text_u: str, text_v: str) -> dict[str, object]:
    names = feature_names(("u", "v"), law_stencils(2))
    return {"u": parse_infix(text_u, names), "v": parse_infix(text_v, names)}


def test_windows_drop_terms_that_are_not_there_and_mend_constants() -> None:
    """From constants that are 10 % off, two spurious terms, and every second step recorded only."""
    updates = offered(
        "0.15*u_lap - 0.9*u*v^2 + 0.05 - 0.05*u + 0.002*u_lap*v", "0.09*v_lap + 1.1*u*v^2 - 0.12*v + 0.003*u^2"
    )
    film = Footage([record(16, every=2)[1]], ("u", "v"), 2.0)
    found = refit_on_recording(updates, film, law_stencils(2), dt=1.0, inner=2)  # type: ignore[arg-type]
    assert_gray_scott(found.updates, 1e-4)
    assert found.loss < 1e-6 * found.before
    assert found.path[0][0] == 9


def test_the_recording_offers_what_the_network_has_wrong(network: RecordingCheckpoint) -> None:
    """A network whose rate of v is off by a tenth still goes near enough to the states for the true terms to show."""
    with torch.no_grad():
        spoilt = train_recording(network.footage, network.config)
        spoilt.nca.weight[1] *= 1.1
        assert spoilt.nca.linear is not None
        spoilt.nca.linear[1] *= 1.1
    found = constants(propose_terms(RecordingNCATeacher(spoilt), seed=0))
    assert all(len(found[c]) <= 8 and set(found[c]) >= set(LAW[c]) for c in LAW)


def test_of_two_laplacians_the_better_one_stays() -> None:
    names = feature_names(("u", "v"), law_stencils(3))
    texts = {"u": "0.16*u_corner - u*v^2 + 0.055 - 0.055*u", "v": "0.08*v_corner + u*v^2 - 0.117*v"}
    updates = {c: parse_infix(text, names) for c, text in texts.items()}
    film = Footage([record(16)[1]], ("u", "v"), 1.0)
    assert_gray_scott(refit_on_recording(updates, film, law_stencils(3), dt=1.0, inner=1).updates, 1e-5)


def test_a_true_term_is_missed_and_kept() -> None:
    film = Footage([record(16)[1]], ("u", "v"), 1.0)
    updates = offered("0.16*u_lap - u*v^2 + 0.055 - 0.055*u", "0.08*v_lap + u*v^2 - 0.117*v")
    found = refit_on_recording(updates, film, law_stencils(2), dt=1.0, inner=1)  # type: ignore[arg-type]
    assert_gray_scott(found.updates, 1e-5)
    assert found.path[-1][1] > 100 * found.loss  # a term less was tried, and was worse


def test_verify_finds_another_law(network: RecordingCheckpoint) -> None:
    updates = offered("0.16*u_lap - u*v^2", "0.08*v_lap")
    wrong = Rule(("u", "v"), law_stencils(2), updates)  # type: ignore[arg-type]
    result = verify_network(wrong, network, steps=20)
    assert not result.ok
    assert not next(c for c in result.checks if c.name == "recording").ok
    with pytest.raises(InputError, match="expected a rule over the automaton's channels"):
        verify_network(record()[0].replace(dt=0.5), network)
