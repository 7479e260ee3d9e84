"""The texture loss and the judge as the command line prints them."""

from __future__ import annotations

from typing import Any

from srnca.cli.quality_text import describe_quality, describe_scores
from srnca.help import POOR, help_at
from srnca.texture.quality import Quality

REPORT: dict[str, Any] = {
    "texture_loss": {"flat": 1.0, "teacher": 0.05, "rule": 0.05},
    "judge": {"flat": 1.0, "teacher": 0.15, "rule": 0.45},
}


def test_distill_says_that_texture_loss_and_judge_disagree() -> None:
    assert describe_scores(REPORT).splitlines() == [
        "             texture loss  judge",
        "flat colour  1             1",
        "automaton    0.05          0.15",
        "rule         0.05          0.45",
        "0 is the picture; the rule is poor",
        "the two disagree: by the texture loss the rule is as good as its automaton (1.0 times its number), by the "
        "judge it is not (3.0 times): the judge is right, look at the pictures",
    ]


def test_a_rule_that_diverged_has_no_numbers() -> None:
    lost = {name: {**scores, "rule": None} for name, scores in REPORT.items()}
    assert "rule         –             –\n0 is the picture; the rule is poor" in describe_scores(lost)


def test_a_report_from_before_there_was_a_judge() -> None:
    old = {"texture_loss": REPORT["texture_loss"]}
    assert describe_scores(old).splitlines()[0].split() == ["texture", "loss"]
    assert "judge" not in describe_scores(old)


def test_train_says_both_numbers_and_a_word() -> None:
    scores: dict[str, Any] = {
        "texture_loss": {"flat": 1.0, "teacher": 0.0376},
        "judge": {"flat": 1.0, "teacher": 0.152},
    }
    said = describe_quality(Quality(scores, "good", None))
    assert said == "from fresh noise: texture loss 0.0376 (flat colour 1), judge 0.152 (flat colour 1): good"
    poor = said.replace("good", f"poor; train longer ({help_at(POOR)})")
    assert describe_quality(Quality(scores, "poor", "train longer")) == poor
