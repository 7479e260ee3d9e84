"""From the automaton of a recording to its rule."""

from __future__ import annotations

from pathlib import Path

from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.distill import distill_network
from srnca.dynamics.verify import verify_network
from tests.test_distill.recorded import assert_gray_scott


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
