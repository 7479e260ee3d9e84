"""A deadline leaves out the shortest rules; without one, no clock matters."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from distill.deadline import Deadline
from distill.refine import descent, levels, refine
from distill.refine.chain import Chain
from distill.sampling import Samples
from tests.test_distill.test_refine.refining import OBJECTIVE, PLAN, SIZE, START, TEACHER, TINY, Clock, lengths, refined


def test_a_deadline_ends_it_and_notes_what_was_left_out(samples: Samples) -> None:
    began, deadline = time.monotonic(), Deadline(0.5)
    made = refined(samples, iterations=100_000, deadline=deadline)
    assert time.monotonic() - began < 5
    assert made.front
    assert deadline.left_out[0] == "a part of the tuning at 3.7 terms a channel"


def test_a_deadline_that_has_passed_still_gives_a_rule(samples: Samples) -> None:
    deadline = Deadline(1e-9)
    made = refined(samples, iterations=1000, deadline=deadline)
    assert made.rule.channels == START.channels
    assert lengths(made)[-1] == PLAN[0]
    assert deadline.left_out


@pytest.mark.parametrize(
    ("max_terms", "pace", "wanted", "left_out"),
    [
        (3, 1 / 16, [100] * 5, []),
        (3, 1 / 8, [100] * 4, ["refined rules of 1.0 terms a channel and fewer"]),
        (3, 0.4, [100, 25], ["a part of the tuning at 3.0 terms a channel",
                             "refined rules of 2.0 terms a channel and fewer"]),
        (3, 1.0, [100, 2], ["a part of the tuning at 3.0 terms a channel",
                            "refined rules of 2.0 terms a channel and fewer"]),
        (1, 1 / 4, [100, 10, 10], ["a part of the tuning at 2.0 terms a channel",
                                   "a part of the tuning at 1.0 terms a channel"]),
    ],
    ids=["quick", "slow", "slower", "slowest", "shared"],
)  # fmt: skip
def test_a_deadline_leaves_the_shortest_rules_out(
    samples: Samples, monkeypatch: pytest.MonkeyPatch, max_terms: int, pace: float, wanted: list[int],
    left_out: list[str],
) -> None:  # fmt: skip
    """Ten seconds for each level of a hundred iterations; two of five levels are needed for rules of three terms a
    channel, all three for rules of one, and share what time the first leaves.
    """
    clock, counts, plan = Clock(), list[int](), levels(11, 3, max_terms)

    def level(chain: Chain, terms: int, iterations: int, **_: Any) -> None:
        counts.append(iterations)
        chain.table.keep(chain.table.alive & (chain.table.alive.cumsum().reshape(chain.table.alive.shape) <= terms))
        chain.pace = pace
        clock.now += iterations * pace
        chain.remember()

    monkeypatch.setattr(descent, "time", clock)
    monkeypatch.setattr(Chain, "level", level)
    deadline = Deadline(10 * len(plan), clock.monotonic)
    made = refine(
        [START], OBJECTIVE, teacher=TEACHER, size=SIZE, seed=0, max_terms=max_terms, samples=samples,
        settings=replace(TINY, iterations=100 * len(plan), least_iterations=2), deadline=deadline,
    )  # fmt: skip
    assert counts == wanted
    assert lengths(made) == plan[: len(wanted)][::-1]
    assert deadline.left_out == left_out


def test_without_a_deadline_a_slow_machine_does_the_same_work(
    samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = refined(samples, iterations=3)
    proper, clock = Chain.level, Clock()

    def slow(chain: Chain, *given: Any, **options: Any) -> None:
        proper(chain, *given, **options)
        clock.now += 1e6

    monkeypatch.setattr("distill.refine.chain.time", clock)
    monkeypatch.setattr(descent, "time", clock)
    monkeypatch.setattr(Chain, "level", slow)
    made = refined(samples, iterations=3)
    assert clock.now >= 1e6 * len(PLAN)
    assert made == whole
