"""How good a texture is, in words, from its two numbers: the texture loss, which is trained on, and the judge, which is
not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equations.backends.torch.threads import one_thread
from srnca.texture.config import PRESETS
from srnca.texture.evaluate import MAX_LOSS_RATIO, MAX_OF_FLAT, STEPS, Scores, nca_pictures, score_pictures

if TYPE_CHECKING:
    from srnca.texture.automaton import TextureAutomaton
    from srnca.texture.checkpoint import Checkpoint

WORDS = ((0.1, "excellent"), (0.2, "good"), (0.4, "fair"))  # the judge's distance is at most this; above, it is poor
POOR = "poor"
AS_GOOD = 1.2  # a rule of at most this many times its automaton's distance is as good
AWAY = 10.0  # the largest |colour|, where colours are 0 to 1; above it an automaton leaves all bounds
FALLING = 0.85  # a loss whose mean over the last fifth is below this share of the fifth before it still falls


@dataclass(frozen=True)
class Quality:
    """What an automaton's texture is worth.

    scores: {"texture_loss": {"flat": …, "teacher": …}, "judge": the same}; see `score_pictures`.
    word: "excellent", "good", "fair" or "poor".
    advice: why the texture is poor and what to do about it; None where it is not.
    """

    scores: dict[str, Scores]
    word: str
    advice: str | None


@one_thread()
def rate_automaton(automaton: TextureAutomaton, *, steps: int = STEPS) -> Quality:
    """Measure the automaton's pictures of fresh seeds, as reports of distillations do. It must have a picture.

    steps: age of the pictures.
    """
    checkpoint, loss, judge = automaton.checkpoint, automaton.loss, automaton.judge
    assert loss is not None
    assert judge is not None
    pictures = nca_pictures(checkpoint, steps=steps, teacher=automaton.teacher)
    scores = score_pictures(loss, judge, checkpoint.target, teacher=pictures)
    word = quality_of("teacher", scores["texture_loss"], scores["judge"])
    diverged = not np.abs(pictures).max() < AWAY
    return Quality(scores, word, _advice(checkpoint, diverged) if word == POOR else None)


def quality_of(who: str, losses: Mapping[str, float | None], judged: Mapping[str, float | None]) -> str:
    """One word for the texture of `who`: the judge's, unless the texture loss finds hardly any texture."""
    loss, flat, distance = losses[who], losses["flat"], judged[who]
    if loss is None or distance is None or loss > MAX_OF_FLAT * (flat or 0):
        return POOR
    return next((word for most, word in WORDS if distance <= most), POOR)


def disagreement(losses: Mapping[str, float | None], judged: Mapping[str, float | None]) -> str | None:
    """A sentence where one of the two finds the rule as good as its automaton and the other does not, else None."""
    ratios = {"texture loss": _ratio(losses), "judge": _ratio(judged)}
    best, worst = sorted(ratios, key=lambda name: ratios[name])
    if not ratios[best] <= AS_GOOD or not MAX_LOSS_RATIO < ratios[worst] < np.inf:
        return None
    return (
        f"by the {best} the rule is as good as its automaton ({ratios[best]:.1f} times its number), by the {worst} it "
        f"is not ({ratios[worst]:.1f} times): the judge is right, look at the pictures"
    )


def _ratio(found: Mapping[str, float | None]) -> float:
    """The rule's number over the automaton's; infinite where there is none."""
    rule, teacher = found["rule"], found["teacher"]
    return rule / teacher if rule is not None and teacher else np.inf


def _advice(checkpoint: Checkpoint, diverged: bool) -> str:
    """The likeliest cause of a poor texture, and what to do about it."""
    config, usual = checkpoint.config, PRESETS["default"]
    if checkpoint.training:
        return f"training stopped after {checkpoint.iteration} of {config.iterations} iterations; go on with --resume"
    if diverged:
        return "it leaves all bounds when it runs for long; train it with a smaller --learning-rate or another --seed"
    if config.iterations < usual.iterations:
        return f"{config.iterations} iterations are few; train longer, with --iterations {usual.iterations} or more"
    fifths = np.array_split(np.asarray(checkpoint.history, np.float64), 5)
    if len(fifths[-1]) and fifths[-1].mean() < FALLING * fifths[-2].mean():
        return f"the loss was still falling; train longer, with --iterations {2 * config.iterations}"
    if config.bank != usual.bank:
        return f"the bank {config.bank} does not see all that the judge sees; train with --bank {usual.bank}"
    if config.activation != usual.activation or config.channels < usual.channels:
        return "the network may be too small for this texture; train with --preset default"
    return (
        f"{config.size} pixels a side may show too little of the texture; train with --size {2 * config.size}, or on a "
        "part of the picture that is the same everywhere (--crop)"
    )
