from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from distill.regression.polish import _shortest, basis_functions, polish, refit, score
from equations.expressions.infix import parse_infix
from tests.test_distill.conformance import same_law
from tests.test_distill.teachers import drawn

LAW = "0.16*u_lap - u*v^2 + 0.035 - 0.035*u"


def test_rough_constants_and_junk_become_the_bare_law() -> None:
    samples = drawn({"u": LAW, "v": "v"}, filters=2)
    rough = parse_infix(
        "0.1600011*u_lap - (u + 0.0001*v)*v*(v - 1e-6*u_lap) + 0.0349*(1 - u) + 1e-9*v_lap", samples.names
    )
    found = min(polish([rough], samples, 0, engine="x", max_terms=12), key=lambda c: (c.loss > 1e-14, c.complexity))
    same_law(found.expr, parse_infix(LAW, samples.names), tolerance=1e-12)


def test_constants_have_the_digits_that_noise_leaves() -> None:
    samples = drawn({"u": "0.123456789*u + 0.5", "v": "v"}, 2000, filters=2, noise=0.05)
    found = refit(parse_infix("u + 1", samples.names), samples, 0, engine="x")
    assert found is not None
    digits = [len(str(float(c)).lstrip("0.")) for c in found.expr.as_coefficients_dict().values()]
    assert max(digits) <= 4
    exact = drawn({"u": "0.123456789*u + 0.5", "v": "v"}, 2000, filters=2)
    found = refit(parse_infix("u + 1", exact.names), exact, 0, engine="x")
    assert found is not None
    assert found.loss < 1e-15


def test_what_is_not_finite_is_left_out() -> None:
    samples = drawn({"u": "u", "v": "v"}, 100, filters=2)
    wild = parse_infix("exp(40 + 40*v)*exp(40 + u)^8*exp(40 + u)^8*exp(40 + u)^8", samples.names)
    assert refit(wild, samples, 0, engine="x") is None
    assert polish([wild], samples, 0, engine="x", max_terms=3) == []


def test_a_factored_product_is_counted_by_its_terms() -> None:
    samples = drawn({"u": "(u + v + u_lap + v_lap + 1)^5", "v": "v"}, 400, filters=2)
    expr = parse_infix("(u + v + u_lap + v_lap + 1)^5", samples.names)
    assert len(basis_functions(expr)) == 1
    assert polish([expr], samples, 0, engine="x", max_terms=24) == []
    found = refit(expr, samples, 0, engine="x")
    assert found is not None
    assert found.terms == 126


def test_what_rivals_beat_is_not_built() -> None:
    samples = drawn({"u": LAW, "v": "v"}, filters=2, noise=0.01)
    rough = [parse_infix(LAW + " + v_lap", samples.names)]
    alone = polish(rough, samples, 0, engine="x", max_terms=12)
    best = min(alone, key=lambda c: c.loss)
    beside = polish(rough, samples, 0, engine="x", max_terms=12, rivals=[best])
    assert beside == [c for c in alone if c.complexity < best.complexity]
    unbeatable = replace(best, complexity=1)
    assert polish(rough, samples, 0, engine="x", max_terms=12, rivals=[unbeatable]) == []


def test_score_leaves_the_expression_alone() -> None:
    samples = drawn({"u": "u", "v": "v"}, 100, filters=2)
    expr = parse_infix("0.9*u", samples.names)
    found = score(expr, samples, 0, engine="x")
    assert found is not None
    assert found.expr == expr
    assert found.loss == pytest.approx(np.square(0.1 * samples.X_held[:, 0]).mean())


@pytest.mark.parametrize(
    ("value", "slack", "expected"),
    [(0.16000001, 1e-6, 0.16), (-0.9999999, 1e-6, -1.0), (1e-9, 1e-8, 0.0), (123.456, 1.0, 123.0), (np.pi, 0.0, np.pi)],
)
def test_shortest_number_within_slack(value: float, slack: float, expected: float) -> None:
    assert _shortest(value, slack) == pytest.approx(expected, rel=1e-14)
