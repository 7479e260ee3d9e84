"""Expression ↔ data tree: an exact round trip, and hostile trees that end in one clear error."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings

from equations.errors import InputError
from equations.expressions.numeric import evaluate_tree
from equations.expressions.tree import MAX_DEPTH, MAX_NODES, Tree, canonical, from_tree, to_tree
from equations.rule.symbols import symbol
from tests.test_equations.helpers import NAMES, trees


def settled(tree: Tree) -> sympy.Expr:
    try:
        return canonical(from_tree(tree, symbols=NAMES))
    except InputError:  # an exponent or a constant beyond the limits came out of simplifying
        assume(False)


@given(trees)
@settings(max_examples=300)
def test_round_trip_is_the_identity(tree: Tree) -> None:
    expr = settled(tree)
    assert from_tree(to_tree(expr), symbols=NAMES) == expr
    assert canonical(expr) == expr


@given(trees)
@settings(max_examples=150)
def test_simplified_means_the_same(tree: Tree) -> None:
    """Away from the guards, the settled expression has the values of the tree as written."""
    values = dict(zip(NAMES, np.random.default_rng(1).uniform(0.5, 2.0, (len(NAMES), 40)), strict=True))
    with np.errstate(all="ignore"):
        wanted = np.broadcast_to(_meaning(tree, values), 40)
        got = np.broadcast_to(evaluate_tree(to_tree(settled(tree)), values), 40)
    if _touches_guard(tree, values):
        return
    scale = np.abs(wanted).max() + 1
    assume(np.isfinite(wanted).all() and scale < 1e8)
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-7 * scale)


def _meaning(tree: Tree, values: dict[str, np.ndarray]) -> Any:
    return evaluate_tree(tree, values)


def _touches_guard(tree: Tree, values: dict[str, np.ndarray]) -> bool:
    """Whether a division, root or exponential in the tree comes near its guard, or sums cancel badly there."""
    if not isinstance(tree, list) or tree[0] == "Rational":
        return False
    arguments = tree[1:2] if tree[0] == "Power" else tree[1:]
    if tree[0] in ("Divide", "Sqrt", "Exp", "Sin", "Cos") or (tree[0] == "Power" and tree[2] in (-2, -1, 0.5, -0.5)):
        with np.errstate(all="ignore"):
            inner = np.asarray(_meaning(arguments[-1], values))
        if tree[0] in ("Exp", "Sin", "Cos"):
            if np.abs(inner).max() > 20:
                return True
        elif np.abs(inner).min() < 1e-3 or (inner < 0).any() or np.abs(inner).max() > 1e6:
            return True
    return any(_touches_guard(argument, values) for argument in arguments)


def test_constants_are_exact() -> None:
    for value in (0.1, 1 / 3, math.pi, 5e-324, 1e-300, 123456789.123456789, 2.0**53 + 2, -1e30):
        tree = to_tree(canonical(value * symbol("u") + sympy.Rational(3, 7)))
        assert ["Multiply", value, "u"] in tree
        assert ["Rational", 3, 7] in tree


def test_canonical_makes_symbols_real_and_constants_plain() -> None:
    plain = sympy.Symbol("u")
    assert canonical(plain) == symbol("u")
    assert canonical(sympy.sqrt(2) * plain) == sympy.Float(math.sqrt(2)) * symbol("u")
    assert canonical(sympy.pi * plain) == sympy.Float(math.pi) * symbol("u")
    assert canonical(plain ** sympy.Float(2.0)) == symbol("u") ** 2
    assert canonical(sympy.Float("0.1", 40) * plain) == sympy.Float(0.1) * symbol("u")
    assert canonical(sympy.Float(1.0) * plain) == symbol("u")
    assert canonical(3) == 3


def test_sqrt_of_negatives_is_guarded_not_imaginary() -> None:
    u = symbol("u")
    assert from_tree(["Sqrt", -4]) == 0
    assert from_tree(["Sqrt", ["Negate", ["Power", "u", 2]]]) == 0
    assert from_tree(["Divide", 1, 0]) == sympy.Float(1 / 1e-9)
    assert canonical(u ** sympy.Rational(3, 2)) == u ** sympy.Rational(3, 2)
    assert to_tree(1 / sympy.sqrt(u)) == ["Power", ["Sqrt", "u"], -1]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (["Frobnicate", "u"], "unknown operator 'Frobnicate'"),
        (["Ad", "u", 1], 'did you mean "Add"'),
        ("w", "unknown name 'w'"),
        ("__import__('os')", "unknown name"),
        (["Abs", "u", "v"], "expects 1 arguments, got 2"),
        (["Add"], "expects at least 1"),
        ([], "expected a number"),
        ([["Add"], 1], "expected a number"),
        (None, "expected a number"),
        (True, "expected a number"),
        ({"Add": 1}, "expected a number"),
        (float("nan"), "finite"),
        (float("inf"), "finite"),
        (1e31, "1e30"),
        (10**31, "1e30"),
        (["Power", "u", 9], "from -8 to 8"),
        (["Power", "u", 1e300], "1e30"),
        (["Power", "u", 10**4000], "1e30"),
        (["Power", "u", "v"], "an expression"),
        (["Power", "u", 0.3], "from -8 to 8"),
        (["Power", ["Power", ["Power", ["Power", 9, 8], 8], 8], 8], "1e30"),
        (["Rational", 1, 0], "Rational"),
        (["Rational", 0.5, 2], "Rational"),
        (["Exp", 80], "1e30"),
    ],
)
def test_bad_trees_are_refused(tree: object, words: str) -> None:
    with pytest.raises(InputError, match="(?i)" + words.replace("(", r"\(").replace(")", r"\)")):
        from_tree(tree, symbols=NAMES)


def test_giant_integers_are_refused_unprinted() -> None:
    with pytest.raises(InputError, match="integer of 16610 bits"):
        from_tree(["Add", "u", 10**5000])


def test_limits_hold_at_their_edge() -> None:
    def nested(depth: int) -> Tree:
        tree = "u"
        for _ in range(depth - 1):
            tree = ["Tanh", tree]
        return tree

    assert from_tree(to_tree(from_tree(nested(MAX_DEPTH)))) == from_tree(nested(MAX_DEPTH))
    with pytest.raises(InputError, match="levels deep"):
        from_tree(nested(MAX_DEPTH + 1))
    wide = ["Add", *(["Multiply", float(k + 2), "u"] for k in range(MAX_NODES // 3))]  # three nodes a term
    with pytest.raises(InputError, match="nodes"):
        from_tree([*wide, "v", "v", "v"])


@pytest.mark.parametrize(
    "tree",
    [
        ["Add", *(["Multiply", ["Rational", 1, k], "u"] for k in range(2, 4000))],
        ["Multiply", *(["Rational", 999983, 9973],) * 6000],
        ["Multiply", *(["Add", "u", k] for k in range(1, 6000))],
        ["Max", *(["Multiply", float(k), ["Abs", ["Add", "u", k]]] for k in range(800))],
    ],
    ids=["fractions", "product-of-fractions", "product-of-sums", "wide-max"],
)
def test_hostile_width_is_quick(tree: Tree) -> None:
    start = time.process_time()
    with contextlib.suppress(InputError):
        canonical(from_tree(tree))
    assert time.process_time() - start < 10


@pytest.mark.parametrize("operator", ["Abs", "Sqrt", "Exp", "Sin", "Max", "Power", "Relu"])
def test_hostile_depth_is_quick(operator: str) -> None:
    tree = ["Add", "u", 1]
    for k in range(45):
        inner = ["Add", tree, ["Multiply", float(k) - 20, "v"], ["Multiply", "u", "v"], -0.5]
        tree = {"Max": ["Max", inner, "u", "v"], "Power": ["Power", inner, -1]}.get(operator, [operator, inner])
    start = time.process_time()
    expr = canonical(from_tree(tree))
    assert time.process_time() - start < 5
    assert from_tree(to_tree(expr)) == expr


def test_max_of_thirty_term_sums_is_quick() -> None:
    """SymPy's own Max compares its arguments through the assumption system: minutes for this."""
    rng = np.random.default_rng(0)
    terms = [f"x{k}" for k in range(30)]
    sums = [
        ["Add", *(["Multiply", float(w), ["Abs", t]] for w, t in zip(row, terms, strict=True))]
        for row in rng.normal(size=(6, 30))
    ]
    start = time.process_time()
    expr = canonical(from_tree(["Max", *sums[:3], ["Min", *sums[3:]]]))
    assert time.process_time() - start < 2
    assert len(expr.args) == 4


def test_unknown_sympy_functions_are_refused() -> None:
    u = symbol("u")
    for expr in (sympy.log(u), sympy.Heaviside(u), u ** sympy.Symbol("n"), sympy.I * u, sympy.oo, sympy.nan, sympy.zoo):
        with pytest.raises(InputError):
            canonical(expr)
    with pytest.raises(InputError, match="parse_infix"):
        canonical("u + 1")


def test_shared_parts_do_not_blow_up() -> None:
    expr = symbol("u")
    for _ in range(30):  # 2^30 nodes as a tree
        expr = sympy.Abs(sympy.Add(sympy.tanh(expr, evaluate=False), sympy.sin(expr, evaluate=False)), evaluate=False)
    with pytest.raises(InputError, match="nodes"):
        to_tree(expr)
