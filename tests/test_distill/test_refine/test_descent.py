"""Several chains side by side: where they end, who continues from whom, errors and interrupts."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import pytest
from torch import Generator, Tensor

from distill.refine import Objective
from distill.refine.chain import Chain
from distill.sampling import Samples
from tests.test_distill.teachers import planted
from tests.test_distill.test_refine.refining import (
    NEAR,
    OBJECTIVE,
    PLAN,
    PROPER,
    START,
    TINY,
    WILD,
    follow,
    lengths,
    mean_colour,
    refined,
)


@pytest.mark.parametrize(("times", "levels_done"), [(0.0, 3), (math.inf, len(PLAN))])
def test_the_descent_ends_where_fewer_terms_only_get_worse(samples: Samples, times: float, levels_done: int) -> None:
    """After two levels in a row that are `spent` times as bad as the best of all."""
    assert lengths(refined(samples, iterations=3, settings=replace(TINY, spent=times))) == PLAN[:levels_done][::-1]


def test_chains_compete_and_the_front_names_the_start(samples: Samples) -> None:
    """A start that is right from the beginning beats one that is off, which only knows a longer rule."""
    off = planted(
        {"r": "-0.3 - 0.1*r + 0.01*r*g", "g": "0.2 - 0.1*g + 0.01*g*b", "b": "-0.2 - 0.1*b + 0.1*abs(b) + 0.01*b*g"},
        filters=2, **PROPER, provenance={"start": "off"},
    )  # fmt: skip
    long = planted({c: f"{NEAR[c]} + 0.0001*abs(g_lap)" for c in "rgb"}, filters=2, **PROPER)
    long = long.replace(provenance={"start": "long"})
    settings = replace(TINY, rate=0.0)
    made = refined(samples, off, long, iterations=1, settings=settings)
    starts = {round(3 * point.terms): point.start for point in made.front}
    assert starts[sum(long.terms().values())] == "long"
    assert set(starts.values()) == {"off", "long"}  # the first level of the chain that is off
    assert made.rule.provenance["start"] == "long"


def test_a_hopeless_chain_goes_on_from_the_best(samples: Samples) -> None:
    """What comes of the wild rule at the second level is the near one, which it took over after the first."""
    made = refined(samples, WILD, START, iterations=1, settings=replace(TINY, rate=0.0))
    assert {point.start for point in made.front} == {"near"}
    assert len(made.front) > 2
    began: list[tuple[str, float]] = []
    proper = Chain.level

    def watched(chain: Chain, *arguments: Any, **options: Any) -> None:
        began.append((str(chain.table.rule.provenance["start"]), round(1e9 * chain.rate, 6)))
        proper(chain, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chain, "level", watched)
        refined(samples, WILD, START, iterations=1, settings=replace(TINY, rate=1e-9))
        first, second = set(began[:2]), set(began[2:4])
        began.clear()
        refined(samples, START, WILD, iterations=1, settings=replace(TINY, rate=1e-9))
    assert (first, second) == ({("wild", 1.0), ("near", 0.5)}, {("near", 0.25), ("near", 0.5)})
    assert set(began[2:4]) == {("near", 1.0), ("near", 2.0)}  # above the leader's where it was below it


def test_an_error_in_a_chain_comes_out(samples: Samples) -> None:
    def broken(rgb: Tensor, random: Generator) -> Tensor:
        raise ZeroDivisionError("broken objective")

    objective = Objective(broken, mean_colour, mean_colour)
    with pytest.raises(ZeroDivisionError, match="broken objective"):
        refined(samples, START, START, objective=objective)


def test_an_interrupt_stops_the_chains(samples: Samples) -> None:
    calls = 0

    def slow(rgb: Tensor, random: Generator) -> Tensor:
        nonlocal calls
        calls += 1
        return follow(rgb, random)

    def told(stage: str, fraction: float, detail: str) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        refined(samples, START, START, iterations=10**6, progress=told, objective=replace(OBJECTIVE, train=slow))
    assert time.monotonic() - began < 5
    ended = calls
    time.sleep(0.1)
    assert calls == ended
