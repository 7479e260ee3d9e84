"""`srnca distill`: flags that do not fit the rest of the command, and what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from srnca.cli.distill_text import LONGEST, describe, shortened
from srnca.texture.checkpoint import save_checkpoint
from tests.test_srnca.command import run
from tests.test_srnca.tiny import checkpoint


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "x.pt"
    save_checkpoint(checkpoint(activation="abs", channels=3, filters=2), path)
    return path


@pytest.mark.parametrize("words", [["--frames", "x.npz"], ["--checkpoint", "x.pt", "--refine", "none"]])
def test_a_wanted_loss_needs_a_refinement(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, said, err = run(capsys, "distill", *words, "--loss", "0.1")
    assert (code, said) == (2, "")
    assert "--loss: expected it with --checkpoint and refinement" in err


@pytest.mark.parametrize("words", [["--frames", "x.npz"], ["--checkpoint", "x.pt", "--refine", "none"]])
def test_states_count_in_a_refinement_only(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, said, err = run(capsys, "distill", *words, "--states", "0.5")
    assert (code, said) == (2, "")
    assert "--states: expected it with --checkpoint and refinement" in err


@pytest.mark.parametrize("weight", ["-1", "nan", "inf"])
def test_the_weight_of_states_is_a_number(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, trained: Path, weight: str
) -> None:
    words = ["distill", "--checkpoint", trained, "--out", tmp_path / "r", "--states", weight]
    code, said, err = run(capsys, *words)
    assert (code, said) == (2, "")
    assert "expected states of at least 0" in err


def test_a_recording_has_nothing_to_refine_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, said, err = run(capsys, "distill", "--frames", "x.npz", "--refine", "none")
    assert (code, said) == (2, "")
    assert "--refine none: expected it with --checkpoint" in err


@pytest.mark.parametrize("loss", ["0", "-0.5", "nan"])
def test_a_wanted_loss_is_above_0(capsys: pytest.CaptureFixture[str], tmp_path: Path, trained: Path, loss: str) -> None:
    code, said, err = run(capsys, "distill", "--checkpoint", trained, "--out", tmp_path / "r", "--loss", loss)
    assert (code, said) == (2, "")
    assert "max_loss above 0" in err


def test_lines_that_nobody_would_read_are_shortened() -> None:
    assert shortened("u" * LONGEST) == "u" * LONGEST
    line = "dr = " + "+".join("u" * LONGEST)
    assert shortened(line).startswith("dr = u+u+")
    assert shortened(line).endswith(f"… ({len(line):,} characters; `srnca show` prints them all)")


@pytest.mark.parametrize(("r2", "refine", "said"), [(-9.8, [{}], True), (0.9, [{}], False), (-9.8, [], False)])
def test_a_refined_rule_that_does_not_repeat_its_automaton_says_why(
    r2: float, refine: list[object], said: bool
) -> None:
    text = describe({"r2": {"u": 0.99, "v": r2}, "refine": refine})
    assert ("R² is below 0 where refinement tuned the rule" in text) is said
