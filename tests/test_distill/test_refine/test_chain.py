"""One chain: its pool of states, the terms that go and those that come back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from distill.refine.chain import Chain
from distill.refine.scoring import LASTS
from distill.sampling import Samples
from equations.rule.init import Init
from tests.test_distill.teachers import planted
from tests.test_distill.test_refine.refining import (
    HIDDEN,
    NEAR,
    OBJECTIVE,
    PLANTED,
    PROPER,
    SIZE,
    START,
    TEACHER,
    TINY,
    Clock,
    chain_of,
    places,
    quietly,
    refined,
)


def test_tuning_on_damaged_states_makes_a_rule_that_heals() -> None:
    """r grows for ever from 0.5 on. Pictures of whole states never show it: they stay near 0.3, which is right."""
    updates = {**PLANTED.updates, "r": planted({"r": "0.03 - 0.16*r + 0.2*r*r"}).updates["r"]}
    fragile = PLANTED.replace(updates=updates, init=Init("noise", (0.3, -0.2, 0.1), (0.0, 0.0, 0.0)))
    heals = []
    for every in (10**9, 1):
        chain = chain_of(fragile, damaged_every=every)
        chain.level(chain.table.terms, 150, stop=lambda: False, report=lambda fraction: None)
        heals.append(chain.judge.aged(chain.table)[1] <= LASTS[1])
    assert heals == [False, True]


def test_states_that_ran_away_are_replaced_by_the_teachers(samples: Samples) -> None:
    """Kept, they would fill the pool of a rule that runs away, and have no gradient that leads back."""
    grown = TEACHER.rollout(size=SIZE, steps=40, seed=5, every=10)[1:]
    far = planted({c: f"2*{c}" for c in "rgb"}, filters=2, **PROPER)  # from 0.1 beyond any limit in a few steps
    chain = Chain(far, OBJECTIVE, replace(TINY, rate=0.0), size=SIZE, seed=3, grown=grown, limit=1.0)
    chain.pool[:] = 0.1
    chain.level(3, 40, stop=lambda: False, report=lambda fraction: None)
    from_teacher = [any(np.array_equal(state, g) for g in grown) for state in chain.pool]
    assert sum(from_teacher) == len(chain.pool)
    near = Chain(PLANTED, OBJECTIVE, replace(TINY, rate=0.0), size=SIZE, seed=3, grown=grown, limit=1.0)
    near.pool[:] = 0.1
    near.level(9, 40, stop=lambda: False, report=lambda fraction: None)
    assert not any(np.array_equal(state, g) for state in near.pool for g in grown)


def test_chains_have_random_numbers_of_their_own(samples: Samples) -> None:
    """Two chains from one start find something else than one does, and no two are the same."""
    pools: list[np.ndarray] = []
    proper = Chain.level

    def watched(chain: Chain, *arguments: Any, **options: Any) -> None:
        pools.append(chain.pool[-1].copy())
        proper(chain, *arguments, **options)

    alone = refined(samples, iterations=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chain, "level", watched)
        both = refined(samples, START, START, iterations=3)
    assert alone.front != both.front
    assert not np.array_equal(pools[0], pools[1])


def test_the_term_that_the_objective_asks_for_comes_back() -> None:
    """r cannot reach its colour without its constant, and cares little for g r and |b|."""
    chain = chain_of(START)
    before, kept = places(chain), chain.table.alive.copy()
    gone = {(0, "1"), (0, "g*r"), (0, "Abs(b)")}
    for channel, basis in gone:
        kept[channel, [str(b) for b in chain.table.bases].index(basis)] = False
    chain.table.keep(kept)
    assert places(chain) == before - gone
    constants = dict(zip(chain.table.places, chain.table.constants(), strict=True))
    chain._regrow(1)
    assert places(chain) == before - gone | {(0, "1")}
    again = dict(zip(chain.table.places, chain.table.constants(), strict=True))
    assert sorted(again.values()) == sorted([*constants.values(), 0])
    assert (chain.table.kernel.terms, chain.table.terms) == (tuple(chain.table.places), 9)


def test_some_terms_come_back_at_every_level_but_no_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, counts = chain_of(START, regrown=0.5), []
    proper, began = Chain._regrow, places(chain)

    def watched(self: Chain, count: int) -> None:
        counts.append(count)
        proper(self, count)

    monkeypatch.setattr(Chain, "_regrow", watched)
    for terms in (9, 7, 5):
        quietly(chain, terms)
        assert chain.table.terms == terms
        assert places(chain) <= began
    assert counts == [5, 4, 2]  # half of them, but the best of each channel stays


def test_what_no_picture_depends_on_goes_first() -> None:
    """Nothing sees h3: its terms are of no use to the pictures."""
    updates = {**NEAR, "h3": "0.3 - 0.5*h3 + 0.1*abs(r)"}
    start = planted(updates, filters=2, **HIDDEN)
    for terms in (10, 12):  # with 12, there is nothing else to come back
        chain = chain_of(start)
        began = places(chain)
        assert sum(channel == 3 for channel, _ in began) == 3
        quietly(chain, terms)
        assert places(chain) <= began
        if terms == 10:
            assert {channel for channel, _ in places(chain)} == {0, 1, 2}


def test_a_hidden_channel_that_is_seen_stays() -> None:
    start = planted({**NEAR, "g": "-0.01 - 0.1*g - 0.3*h3", "h3": "0.1 - 0.5*h3"}, filters=2, **HIDDEN)
    chain = chain_of(start)
    quietly(chain, 10)
    assert {channel for channel, _ in places(chain)} == {0, 1, 2, 3}


def test_the_pace_of_a_level_counts_its_pruning(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, chain, proper = Clock(), chain_of(START), Chain._importance

    def slow(chain: Chain, report: Any) -> Any:
        clock.now += 6.0
        return proper(chain, report)

    monkeypatch.setattr("distill.refine.chain.time", clock)
    monkeypatch.setattr(Chain, "_importance", slow)
    chain.level(9, 3, stop=lambda: False, report=lambda _: None)
    assert chain.pace == 2.0
