"""The tests that every engine must pass: inherit `EngineConformance` and set `engine`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sympy import Expr

from distill.engines import FitOptions, get_engine
from distill.sampling import Samples
from distill.teacher import RuleTeacher
from equations.expressions.numeric import compile_numpy
from equations.expressions.terms import complexity, count_terms, split_terms
from equations.rule.rule import Candidate
from tests.test_distill.teachers import drawn, planted

LAW = {"u": "0.5*u - 0.25*u_lap + 0.125*v", "v": "0.3*u*v - 0.2*v_lap + 0.05"}


def same_law(found: Expr, planted: Expr, tolerance: float = 1e-4) -> None:
    """The same terms, no other, with constants within `tolerance`."""
    left, right = ({basis: c for c, basis in split_terms(expr)} for expr in (found, planted))
    assert set(left) == set(right), f"{found} is not {planted}"
    for basis, constant in right.items():
        assert left[basis] == pytest.approx(constant, abs=tolerance, rel=tolerance)


class EngineConformance:
    """What an engine promises; see `distill.engines.base.Engine`."""

    engine: str
    evaluations: int = 120_000

    @pytest.fixture(scope="class")
    @classmethod
    def samples(cls) -> Samples:
        return drawn(LAW, 600, filters=2)

    @pytest.fixture(scope="class")
    @classmethod
    def options(cls) -> FitOptions:
        return FitOptions(
            seed=0, max_terms=8, evaluations=cls.evaluations, teacher=RuleTeacher(planted(LAW, filters=2))
        )

    @pytest.fixture(scope="class")
    @classmethod
    def fronts(cls, samples: Samples, options: FitOptions) -> list[list[Candidate]]:
        return [get_engine(cls.engine).fit(samples, channel, options=options) for channel in (0, 1)]

    def test_name(self) -> None:
        assert get_engine(self.engine).name == self.engine

    @pytest.mark.parametrize("channel", [0, 1])
    def test_recovers_a_planted_law(self, fronts: list[list[Candidate]], channel: int) -> None:
        rule = planted(LAW, filters=2)
        same_law(fronts[channel][-1].expr, rule.expressions[channel])

    def test_front_is_sorted_and_strictly_better(self, fronts: list[list[Candidate]]) -> None:
        for front in fronts:
            assert front
            assert [c.complexity for c in front] == sorted({c.complexity for c in front})
            assert all(after.loss < before.loss for before, after in pairwise(front))

    def test_candidates_say_what_they_are(self, fronts: list[list[Candidate]], samples: Samples) -> None:
        for channel, front in enumerate(fronts):
            for c in front:
                assert c.engine == self.engine
                assert c.complexity == complexity(c.expr)
                assert c.terms == count_terms(c.expr) <= 8
                assert {str(s) for s in c.expr.free_symbols} <= set(samples.names)
                value = compile_numpy([c.expr], samples.names)(samples.X_held.T)[0]
                loss = np.square(value - samples.Y_held[:, channel]).mean()
                assert c.loss == pytest.approx(loss, rel=1e-6, abs=1e-20)

    def test_same_seed_same_front(self, samples: Samples, options: FitOptions, fronts: list[list[Candidate]]) -> None:
        fractions: list[float] = []
        again = get_engine(self.engine).fit(
            samples, 1, options=options, progress=lambda stage, fraction, detail: fractions.append(fraction)
        )
        assert again == fronts[1]
        assert fractions, "the engine says nothing of its progress"
        assert all(0 <= fraction <= 1 for fraction in fractions)
