"""A budget has time left for what comes after the tuning."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from distill.deadline import Deadline
from distill.engines import silent
from distill.refine.chain import Chain
from distill.refine.descent import Descent
from distill.unfinished import Unfinished

PACE, ITERATIONS, LEFT_S = 0.1, 100, 30.0  # a level takes ten seconds


@pytest.mark.parametrize(("after", "done"), [(0.0, [10, 8]), (190.0, [10]), (250.0, [])])
def test_a_level_is_left_out_where_the_work_after_it_would_not_fit(
    after: float, done: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, levels = [0.0], list[int]()

    def level(self: Descent, terms: int, iterations: int, end: float) -> None:
        levels.append(terms)
        now[0] += PACE * iterations

    monkeypatch.setattr(Descent, "_level", level)
    chain = SimpleNamespace(
        settings=SimpleNamespace(least_iterations=1, tried=1.0, spent=3.0), pace=PACE, rate=1.0, root=0, found={},
        table=SimpleNamespace(terms=10, in_words=lambda count: f"{count} terms"),
    )  # fmt: skip
    deadline = Deadline(LEFT_S, clock=lambda: now[0])
    unfinished = Unfinished(None, {})
    monkeypatch.setattr(Descent, "_pack", lambda self: {})
    Descent(cast(list[Chain], [cast(Any, chain)]), [10, 8], 0, ITERATIONS, deadline, silent, unfinished, after).run()
    assert levels == done
    assert bool(deadline.left_out) == (len(done) < 2)
