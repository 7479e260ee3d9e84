from __future__ import annotations

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from distill.fronts.select import knee, pareto
from equations.errors import InputError
from equations.rule.rule import Candidate


def candidate(complexity: int, loss: float, engine: str = "a", terms: int = 1) -> Candidate:
    return Candidate(complexity, loss, sympy.Symbol("u"), engine, terms)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=30))
def test_pareto_keeps_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    front = pareto([candidate(c, float(loss)) for c, loss in points])
    kept = [(c.complexity, c.loss) for c in front]
    assert kept == sorted(set(kept))
    for c, loss in points:
        assert any(kc <= c and kl <= loss for kc, kl in kept)
    for c, loss in kept:
        assert not any((pc <= c and pl < loss) or (pc < c and pl <= loss) for pc, pl in points)


def test_of_equals_the_first_engine_keeps_the_credit() -> None:
    (kept,) = pareto([candidate(3, 1.0, "sparse")], [candidate(3, 1.0, "operon")])
    assert kept.engine == "sparse"


def test_below_the_floor_the_simplest_ends_the_front() -> None:
    front = pareto([candidate(1, 1.0), candidate(4, 1e-15), candidate(9, 1e-30)], floor=1e-12)
    assert [c.complexity for c in front] == [1, 4]


def test_knee_is_the_simplest_that_is_nearly_best() -> None:
    front = [candidate(1, 1.0), candidate(5, 0.104), candidate(9, 0.1), candidate(20, 0.0999)]
    assert knee(front, floor=0.0).complexity == 5
    assert knee(front, floor=0.0, tolerance=0.002).complexity == 9
    long = [candidate(1, 1.0, terms=1), candidate(9, 0.1, terms=30)]
    assert knee(long, floor=0.0, max_terms=24).complexity == 1
    assert knee(long[1:], floor=0.0, max_terms=24).complexity == 9
    with pytest.raises(InputError, match="empty front"):
        knee([], floor=0.0)


def test_losses_below_the_floor_count_as_nothing() -> None:
    front = [candidate(1, 1.0), candidate(5, 1e-13), candidate(9, 1e-20)]
    assert knee(front, floor=1e-12).complexity == 5
    assert knee(front, floor=0.0).complexity == 9
