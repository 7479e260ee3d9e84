"""Expressions built without SymPy's questions are those that SymPy builds."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from equations.expressions import build
from equations.expressions.terms import join_terms
from equations.expressions.tree import canonical, from_tree, to_tree
from equations.rule.rulefile import load_rule, rule_to_text, save_rule
from equations.rule.stencils import feature_names, nca_stencils
from equations.rule.symbols import symbol
from tests.test_equations.helpers import make_rule, trees

U, V = symbol("u"), symbol("v")
NUMBERS = st.one_of(
    st.integers(-9, 9).map(sympy.Integer),
    st.fractions(-3, 3, max_denominator=7).map(lambda f: sympy.Rational(f.numerator, f.denominator)),
    st.floats(-10, 10).map(sympy.Float),
    st.sampled_from([0.0, 1.0, -1.0, 1e-320, 1e9]).map(sympy.Float),
)
PARTS = st.one_of(st.sampled_from([U, V, symbol("u_lap"), U**2, U * V, sympy.sqrt(U), U + V]), trees.map(from_tree))


def by_sympy(builder: Callable[..., sympy.Expr], *args: sympy.Expr) -> sympy.Expr:
    """What a builder makes when it leaves all to SymPy."""
    simple, build._SIMPLE = build._SIMPLE, ()
    try:
        return builder(*args)
    finally:
        build._SIMPLE = simple


@given(first=NUMBERS, second=NUMBERS, part=PARTS)
def test_a_number_times_a_part(first: sympy.Expr, second: sympy.Expr, part: sympy.Expr) -> None:
    args = (build.number(first), build.number(second), part)
    assume(abs(float(first) * float(second)) < 1e20)
    assert sympy.srepr(build.multiply(*args)) == sympy.srepr(by_sympy(build.multiply, *args))


@settings(max_examples=100)
@given(parts=st.lists(st.tuples(NUMBERS, PARTS), min_size=1, max_size=6), constant=NUMBERS)
def test_a_sum_is_the_one_of_sympy(parts: list[tuple[sympy.Expr, sympy.Expr]], constant: sympy.Expr) -> None:
    terms = [build.multiply(build.number(factor), part) for factor, part in parts] + [build.number(constant)]
    assert sympy.srepr(build.add(*terms)) == sympy.srepr(by_sympy(build.add, *terms))


@given(tree=trees)
def test_what_is_canonical_stays_the_same_object(tree: object) -> None:
    expr = canonical(from_tree(tree))
    assert canonical(expr) == expr
    assert to_tree(expr) is to_tree(expr)


@pytest.mark.slow
def test_a_network_written_out_is_read_in_seconds(tmp_path: Path) -> None:
    """8 channels of 48 shared units of 32 features: 1.1 MB with its front, which took half a minute."""
    channels = ("r", "g", "b", "h3", "h4", "h5", "h6", "h7")
    names = [symbol(name) for name in feature_names(channels, nca_stencils(4))]
    units = [build.relu(join_terms([(0.1 + i / 7 + j / 13, x) for j, x in enumerate(names)])) for i in range(48)]
    updates = {
        c: join_terms([(0.01 * (k + 1) + i / 9, u) for i, u in enumerate(units)]) for k, c in enumerate(channels)
    }
    rule = make_rule(updates, nca_stencils(4))
    save_rule(rule, tmp_path / "rule.json")
    for cached in (from_tree, build._decimal, to_tree):
        getattr(cached, "cache_clear", lambda: None)()
    began = time.process_time()
    again = load_rule(tmp_path / "rule.json")
    assert time.process_time() - began < 5
    assert again == rule
    assert rule_to_text(again) == (tmp_path / "rule.json").read_text()
