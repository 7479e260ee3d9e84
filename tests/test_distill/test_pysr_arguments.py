"""What PySR is told, checked against the source of the PySR that is installed: read as text, never imported."""

from __future__ import annotations

import ast
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import sympy

from distill.engines.pysr.arguments import (
    BELOW,
    BINARY,
    INNER,
    UNARY,
    arguments,
    evaluations_a_round,
    guess_texts,
    safe_names,
    search_size,
)
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import compile_numpy
from equations.rule.symbols import symbols

NAMES = {name: name for name in ("u", "v", "u_lap", "v_lap")}


def signature(function: str) -> dict[str, str]:
    """Keyword → annotation of a method of PySRRegressor."""
    spec = find_spec("pysr")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).with_name("sr.py").read_text(encoding="utf-8"))
    (cls,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "PySRRegressor")
    (method,) = (node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == function)
    return {a.arg: ast.unparse(a.annotation) if a.annotation else "" for a in method.args.args + method.args.kwonlyargs}


def told(**changes: object) -> dict[str, object]:
    given = {"seed": 1, "max_terms": 6, "evaluations": 120_000, "stop_at": 1e-12, "guesses": ["(u * v)"], **changes}
    return arguments(**given)  # type: ignore[arg-type]


def unknown(names: object) -> set[str]:
    return set(names) - set(signature("__init__"))  # type: ignore[call-overload]


def test_pysr_knows_every_argument() -> None:
    assert unknown({*told(), "output_directory", "run_id"}) == set()
    assert unknown({"ncyclesperiteration", "maxsize"}) == {"ncyclesperiteration"}  # an old name: the guard works
    assert {"X", "y", "variable_names"} <= set(signature("fit"))


@pytest.mark.parametrize("name", sorted(told()))
def test_values_are_of_the_annotated_types(name: str) -> None:
    value, annotation = told(timeout_s=3.0)[name], signature("__init__")[name]
    kinds = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict"}
    if isinstance(value, str) and "Literal" in annotation:
        assert repr(value) in annotation
    else:
        assert kinds[type(value)] in annotation


def test_what_pysr_demands_of_the_combination() -> None:
    for terms in (0, 1, 24, 1000):
        assert 7 <= told(max_terms=terms)["maxsize"] <= 40  # type: ignore[operator]
    assert told()["deterministic"]
    assert told()["parallelism"] == "serial"
    assert 0 <= told(seed=-5)["random_state"] < 2**31 > told(seed=2**40)["random_state"]  # type: ignore[operator]
    assert set(told()["complexity_of_operators"]) <= {*BINARY, *UNARY}  # type: ignore[call-overload]
    assert set(told()["nested_constraints"]) <= set(UNARY)  # type: ignore[call-overload]
    assert told(guesses=[])["guesses"] is None


def test_arguments_survive_json() -> None:
    assert json.loads(json.dumps(told())) == told()


def test_work_is_counted_and_not_timed() -> None:
    assert told(evaluations=40_000)["max_evals"] == 40_000
    assert told(evaluations=0)["max_evals"] == 1
    assert told()["timeout_in_seconds"] is None
    assert told(timeout_s=2.5)["timeout_in_seconds"] == 2.5


@pytest.mark.parametrize(("evaluations", "populations"), [(1, 4), (20_000, 4), (120_000, 8), (240_000, 16)])
def test_populations_have_time_to_exchange_what_they_find(evaluations: int, populations: int) -> None:
    """At least a dozen rounds over all populations, where there is work for more than the fewest."""
    assert told(evaluations=evaluations)["populations"] == populations
    if populations > 4:
        assert evaluations / (populations * evaluations_a_round(evaluations)) >= 12
    assert told(evaluations=10**8)["populations"] == 31, "PySR's own number"


def test_the_search_is_what_pysr_advises() -> None:
    """One core, so little work that batches or many populations would eat it, and constraints that are tight."""
    given = told()
    assert (given["population_size"], given["ncycles_per_iteration"], given["batching"]) == (27, 380, False)
    assert given["constraints"] == {"/": [-1, BELOW], "abs": INNER}


@pytest.mark.parametrize(
    "name", ["S", "N", "E", "I", "beta", "gamma", "end", "begin", "in", "abs", "lambda", "pi", "2u"]
)
def test_unsafe_names_are_replaced_all_together(name: str) -> None:
    assert safe_names(["u", name, "v_lap"]) == ("x0", "x1", "x2")


def test_safe_names_are_kept() -> None:
    kept = ("r", "g", "b", "h3", "u_lap", "h12_f5", "x1", "x0")
    assert safe_names(kept) == kept


def test_no_replacement_is_unsafe() -> None:
    replaced = safe_names(["S"] * 200)
    assert safe_names(replaced) == replaced


@pytest.mark.parametrize(
    ("expr", "size"),
    [
        ("0.16*u_lap - u*v^2 + 0.035 - 0.035*u", 17),
        ("abs(u) * v / 3", 6),
        ("u / v", 6),
        ("v / (1 + u^2)", 10),
        ("u^3 - v^-2", None),
        ("1.5e-7 * u - 1e20 * v", 7),
    ],
)
def test_guesses_mean_the_same_and_use_only_the_search(expr: str, size: int | None) -> None:
    guess = parse_infix(expr, NAMES)
    (text,) = guess_texts([guess], NAMES, 30)
    node = ast.parse(text, mode="eval")  # Julia's grammar agrees with Python's on this much
    allowed = (ast.Expression, ast.BinOp, ast.Add, ast.Mult, ast.Div, ast.Call, ast.Name, ast.Constant, ast.Load)
    allowed += (ast.UnaryOp, ast.USub)
    assert all(isinstance(part, allowed) for part in ast.walk(node))
    assert all(isinstance(part.value, float) for part in ast.walk(node) if isinstance(part, ast.Constant))
    points = np.random.default_rng(0).uniform(0.5, 2, (20, 4))
    again = parse_infix(text, NAMES)
    first, second = compile_numpy([guess, again], tuple(NAMES))(points.T)
    np.testing.assert_allclose(first, second, rtol=1e-12)
    if size is not None:
        assert guess_texts([guess], NAMES, size) == [text]
        assert guess_texts([guess], NAMES, size - 1) == []


@pytest.mark.parametrize(
    ("expr", "fits"),
    [
        ("v / (1 + u^2 + v^2)", True),
        ("v / (1 + u^2 + v^2 + u_lap)", False),
        ("abs(0.5*u + 2*v - 3*u_lap)", True),
        ("abs(0.5*u + 2*v - 3*u_lap + 0.25*v_lap + 7)", False),
        ("abs(u + abs(v))", False),
    ],
)
def test_guesses_keep_to_the_constraints(expr: str, fits: bool) -> None:
    assert len(guess_texts([parse_infix(expr, NAMES)], NAMES, 40)) == fits


@pytest.mark.parametrize("expr", ["max(u, v)", "tanh(u)", "sqrt(u)", "u * sin(v)", "exp(u)", "3", "u", "u_dx + u"])
def test_guesses_outside_the_search_are_left_out(expr: str) -> None:
    assert guess_texts([parse_infix(expr, [*NAMES, "u_dx"])], NAMES, 30) == []


def test_guesses_speak_the_names_of_the_search() -> None:
    u, v = symbols(["u", "v"])
    assert guess_texts([u * v], {"u": "x0", "v": "x1"}, 9) in (["(x0 * x1)"], ["(x1 * x0)"])


def test_the_last_ten_guesses_are_kept_once_each() -> None:
    (u,) = symbols(["u"])
    many = [u * sympy.Integer(n) for n in range(2, 20)]
    texts = guess_texts([*many, *many], NAMES, 30)
    assert len(texts) == 10
    assert parse_infix(texts[-1], NAMES) == parse_infix("19.0 * u", NAMES)


def test_search_size_leaves_room_for_the_terms() -> None:
    assert [search_size(n) for n in (1, 6, 8, 24, 100)] == [12, 28, 36, 40, 40]
