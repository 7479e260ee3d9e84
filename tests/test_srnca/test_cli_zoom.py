"""`srnca simulate --zoom`: the same pattern, larger."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from equations import models, save_rule, simulate
from equations.rule.zoom import zoomed
from tests.test_srnca.command import run

QUICK = ["--backend", "reference", "--size", "24x16", "--quiet"]


def test_zoom_runs_the_zoomed_rule_for_as_long(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "x.npz"
    code, printed, _ = run(
        capsys, "simulate", "gray-scott", *QUICK, "--zoom", 2, "--steps", 12, "--every", 12, "--out", out, "--json"
    )
    assert code == 0
    assert json.loads(printed)["zoom"] == 2
    rule = zoomed(models.get("gray-scott"), 2)
    with np.load(out, allow_pickle=False) as data:
        expected = simulate(rule, size=(16, 24), steps=12, every=12, seed=0, backend="reference")
        np.testing.assert_array_equal(data["frames"], expected)
        assert float(data["dt"]) == 12 * rule.dt == 3.0


def test_zoom_makes_a_model_anew_that_has_its_time_step_in_an_equation(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "x.npz"
    options = ["--size", "24", "--zoom", 2, "--steps", 200, "--every", 200, "--out", out, "--quiet"]
    code, _, err = run(capsys, "simulate", "swift-hohenberg", *options)
    assert code == 0, err
    with np.load(out, allow_pickle=False) as data:
        last = data["frames"][-1]
        assert np.abs(last).max() < 5
        np.testing.assert_allclose(last[1], 4 * _laplacian(last[0]), atol=0.05)


def _laplacian(field: np.ndarray) -> np.ndarray:
    return np.asarray(sum(np.roll(field, shift, axis) for shift in (1, -1) for axis in (0, 1)) - 4 * field)


def test_zoom_is_an_error_for_what_has_one_size(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    masked = tmp_path / "masked.json"
    save_rule(models.get("gray-scott").replace(update_rate=0.5), masked)
    for arguments, message in (
        (["simulate", masked, "--zoom", 2], "expected a differential equation"),
        (["simulate", "gray-scott", "--zoom", 99], "expected a factor"),
    ):
        code, _, err = run(capsys, *arguments, *QUICK, "--out", tmp_path / "x.png")
        assert code == 2
        assert message in err
