"""Texture loss and judge in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from srnca.texture.automaton import TextureAutomaton
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.config import PRESETS
from srnca.texture.quality import disagreement, quality_of, rate_automaton
from tests.test_srnca.tiny import checkpoint

FLAT = {"flat": 1.0}


def trained(history: list[float], **changes: Any) -> Checkpoint:
    """An automaton that does not show its picture, with the record of a training of usual length."""
    made = checkpoint(activation="abs")
    usual: dict[str, Any] = {"iterations": PRESETS["default"].iterations, "activation": "relu", "channels": 8}
    return replace(made, config=replace(made.config, **{**usual, **changes}), history=history)


def rate(made: Checkpoint) -> str:
    found = rate_automaton(TextureAutomaton(made), steps=3)
    assert found.word == "poor"
    assert found.advice is not None
    return found.advice


@pytest.mark.parametrize(
    ("loss", "distance", "word"),
    [
        (0.1, 0.05, "excellent"),
        (0.1, 0.15, "good"),
        (0.1, 0.3, "fair"),
        (0.1, 0.5, "poor"),
        (0.6, 0.05, "poor"),
        (None, None, "poor"),
    ],
)
def test_the_word_is_the_judges(loss: float | None, distance: float | None, word: str) -> None:
    assert quality_of("rule", {**FLAT, "rule": loss}, {**FLAT, "rule": distance}) == word


def test_the_two_disagree_where_one_sees_no_difference_and_the_other_much() -> None:
    same, twice = {"teacher": 0.1, "rule": 0.11}, {"teacher": 0.1, "rule": 0.25}
    said = disagreement(same, twice)
    assert said is not None
    assert said.startswith("by the texture loss the rule is as good as its automaton (1.1 times")
    assert said.endswith("by the judge it is not (2.5 times): the judge is right, look at the pictures")
    said = disagreement(twice, same)
    assert said is not None
    assert said.startswith("by the judge the rule is as good")
    between: dict[str, float | None] = {"teacher": 0.1, "rule": 0.15}
    lost: dict[str, float | None] = {"teacher": 0.1, "rule": None}
    for losses, judged in ((same, same), (same, between), (between, twice), (lost, lost), (twice, twice)):
        assert disagreement(losses, judged) is None


def test_an_automaton_is_rated_by_its_pictures() -> None:
    found = rate_automaton(TextureAutomaton(trained([1.0] * 10)), steps=3)
    assert set(found.scores) == {"texture_loss", "judge"}
    assert all(set(scores) == {"flat", "teacher"} for scores in found.scores.values())


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            replace(trained([1.0]), training={"pool": 1}),
            "training stopped after 2 of 900 iterations; go on with --resume",
        ),
        (trained([1.0], iterations=20), "20 iterations are few; train longer"),
        (trained([4.0, 3.0, 2.0, 1.0, 0.5]), "the loss was still falling; train longer, with --iterations 1800"),
        (trained([1.0] * 10, bank="multiscale"), "train with --bank wavelet"),
        (trained([1.0] * 10, channels=4), "train with --preset default"),
        (trained([1.0] * 10), "train with --size 32"),
    ],
    ids=["stopped", "few", "falling", "bank", "network", "picture"],
)
def test_a_poor_texture_comes_with_its_likely_cause(made: Checkpoint, said: str) -> None:
    assert said in rate(made)


def test_an_automaton_that_diverges_is_poor() -> None:
    made = trained([1.0] * 10)
    for parameter in made.nca.parameters():
        parameter.data += 100
    assert "it leaves all bounds" in rate(made)
    scores = rate_automaton(TextureAutomaton(made), steps=30).scores
    assert scores["judge"] == {"flat": pytest.approx(1), "teacher": None}
    assert np.isfinite(scores["texture_loss"]["flat"] or np.nan)
