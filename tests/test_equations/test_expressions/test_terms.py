"""Additive terms and complexity."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from sympy import Expr

from equations.expressions.infix import parse_infix
from equations.expressions.numeric import compile_numpy
from equations.expressions.terms import complexity, count_constants, count_terms, join_terms, split_terms
from equations.expressions.tree import Tree, canonical
from tests.test_equations.helpers import NAMES, trees
from tests.test_equations.test_expressions.test_tree import settled


def parse(text: str) -> Expr:
    return canonical(parse_infix(text, NAMES))


def test_split() -> None:
    terms = split_terms(parse("0.16*u_lap - u*v^2 + 0.035*(1 - u)"))
    assert {str(basis): coefficient for coefficient, basis in terms} == {
        "1": 0.035, "u": -0.035, "u_lap": 0.16, "u*v**2": -1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("3", 1),
        ("u", 1),
        ("u - u", 0),
        ("(u + v)^2", 3),
        ("(u + v)^2 - 2*u*v", 2),
        ("(u + v)*(u - v)", 2),
        ("(1 + u + v)^8", 45),
        ("tanh((u + v)*(u - v))", 1),
        ("(u + v)*tanh(u + v)", 2),
        ("(u + v)/(1 + v^2)", 2),
        ("relu(u + v) + relu(u + v)", 1),
        ("abs(u)*abs(u) - u^2", 0),
        ("((u + v)^8 + u_lap)^8*(u_dx + v_dx)^8", 9),
    ],
)
def test_count(text: str, count: int) -> None:
    start = time.process_time()
    assert count_terms(parse(text)) == count
    assert time.process_time() - start < 5


@given(trees)
@settings(max_examples=80)
def test_joining_gives_the_same_values(tree: Tree) -> None:
    expr = settled(tree)
    x = np.random.default_rng(0).uniform(0.5, 1.5, (len(NAMES), 20))
    wanted = compile_numpy([expr], NAMES)(x)
    assume(np.abs(wanted).max() < 1e6)
    terms = split_terms(expr)
    sizes = [np.abs(c * compile_numpy([b], NAMES)(x)).max() for c, b in terms]
    joined = canonical(join_terms(terms))
    np.testing.assert_allclose(compile_numpy([joined], NAMES)(x), wanted, rtol=1e-9, atol=1e-9 * (1 + sum(sizes)))


def test_complexity() -> None:
    assert complexity(parse("u")) == 1
    assert complexity(parse("0.5*u")) == 3
    assert complexity(parse("u + v + 1")) == 5
    assert complexity(parse("u^2")) == 3
    assert complexity(parse("-u")) == 2
    assert complexity(parse("tanh(u)")) == 3
    assert complexity(parse("u/3")) == 3
    assert complexity(parse("max(u, v, 0)")) == 5


@pytest.mark.parametrize(
    ("text", "constants"),
    [
        ("u", 0),
        ("-u*v^2", 0),
        ("0.16*u_lap - u^3/3 + 0.055", 3),
        ("max(u, 0)", 0),
        ("0.5*tanh(2*u - 0.1)^2", 3),
        ("0", 0),
    ],
)
def test_constants_are_what_a_fit_could_tune(text: str, constants: int) -> None:
    assert count_constants(parse(text)) == constants
