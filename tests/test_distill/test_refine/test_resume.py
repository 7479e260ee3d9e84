"""A refinement that is interrupted and resumed ends like one that was never stopped."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Generator, Tensor

from distill.deadline import Deadline
from distill.refine import RefineResult
from distill.sampling import Samples
from distill.unfinished import Unfinished
from tests.test_distill.test_refine.refining import OBJECTIVE, PLAN, START, WILD, follow, refined


class Interruption:
    """Progress that stops the run in the middle of a level (from 1), which an objective makes long enough for that."""

    def __init__(self, level: int) -> None:
        self.labels = [f"{terms / 3:.1f} terms a channel" for terms in PLAN[level - 1 : level + 1]]
        self.begun = math.inf
        self.slow = False
        self.objective = replace(OBJECTIVE, train=self.train)

    def train(self, rgb: Tensor, random: Generator) -> Tensor:
        time.sleep(0.1 if self.slow else 0)
        return follow(rgb, random)

    def __call__(self, stage: str, fraction: float, detail: str) -> None:
        before, here = (detail.startswith(label) for label in self.labels)
        self.slow |= before
        self.begun = min(self.begun, fraction) if here else self.begun
        if fraction > self.begun:
            raise KeyboardInterrupt


PAIR = tuple(rule.replace(update_rate=0.5, mask="cell") for rule in (WILD, START))


@pytest.fixture(scope="module")
def whole(samples: Samples) -> RefineResult:
    """Two chains, one of which takes over the other's rule; masks, so that all random numbers are in use."""
    return refined(samples, *PAIR, iterations=5)


@pytest.mark.parametrize("level", [1, 3])
def test_a_resumed_run_ends_like_one_that_was_never_stopped(
    samples: Samples, tmp_path: Path, whole: RefineResult, level: int
) -> None:
    path, key = tmp_path / "unfinished.npz", {"seed": 0}
    stop = Interruption(level)
    with pytest.raises(KeyboardInterrupt):
        refined(
            samples,
            *PAIR,
            iterations=5,
            objective=stop.objective,
            progress=stop,
            unfinished=Unfinished(path, key),
        )
    with np.load(path) as kept:
        assert kept["refine/index"] == level
    seen: list[float] = []
    again = refined(
        samples, *PAIR, iterations=5, unfinished=Unfinished(path, key, resume=True),
        progress=lambda stage, fraction, detail: seen.append(fraction),
    )  # fmt: skip
    assert seen[0] >= level / len(PLAN)  # what is done is not done again
    assert again.front == whole.front
    assert [point.start for point in again.front] == [point.start for point in whole.front]
    assert again.rule == whole.rule
    assert again.rule.provenance == whole.rule.provenance


def test_a_run_that_was_all_but_done_is_only_chosen_from(samples: Samples, tmp_path: Path) -> None:
    path = tmp_path / "unfinished.npz"
    whole = refined(samples, iterations=3, unfinished=Unfinished(path, {}))
    assert path.is_file()  # whoever asked for the refinement says when all is done

    def never(rgb: Tensor, random: Generator) -> Tensor:
        raise AssertionError("tuned again")

    objective = replace(OBJECTIVE, train=never)
    again = refined(samples, iterations=3, objective=objective, unfinished=Unfinished(path, {}, resume=True))
    assert again == whole
    assert again.rule == whole.rule
    tight = refined(
        samples, iterations=3, objective=objective, max_loss=1e9, unfinished=Unfinished(path, {}, resume=True)
    )
    assert sum(tight.rule.terms().values()) == 3  # another choice needs no other work


def test_what_a_deadline_left_out_is_remembered_when_it_is_resumed(samples: Samples, tmp_path: Path) -> None:
    path, first, second = tmp_path / "unfinished.npz", Deadline(1e-9), Deadline()
    refined(samples, iterations=10**5, deadline=first, unfinished=Unfinished(path, {}))
    refined(samples, iterations=3, deadline=second, unfinished=Unfinished(path, {}, resume=True))
    assert first.left_out
    assert second.left_out == first.left_out
