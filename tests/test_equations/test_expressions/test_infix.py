"""Infix text of PySR and Operon, read by our own parser."""

from __future__ import annotations

import contextlib
import time

import numpy as np
import pytest
import sympy

from equations.errors import InputError
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import compile_numpy
from equations.rule.symbols import symbol
from tests.test_equations.helpers import NAMES

U, V = symbol("u"), symbol("v")

READS = [
    ("u", U),
    ("2", sympy.Integer(2)),
    ("0.5", sympy.Float(0.5)),
    ("1.0e-5*u", sympy.Float(1e-5) * U),
    ("1f0 + u", sympy.Float(1.0) + U),
    ("2.5f-3*u", sympy.Float(2.5e-3) * U),
    (".5*u", sympy.Float(0.5) * U),
    ("u - -0.5", U + sympy.Float(0.5)),
    ("-u^2", -(U**2)),
    ("(-u)^2", U**2),
    ("2^-1", sympy.Rational(1, 2)),
    ("u ^ 2.0", U**2),
    ("u ** 3", U**3),
    ("u^-2", U**-2),
    ("u^0.5", sympy.sqrt(U)),
    ("u^2^1", U**2),
    ("u - v - u", -V),
    ("u / v / v", U / V**2),
    ("u * v / u", V),
    ("- - u", U),
    ("+u", U),
    ("square(u) + cube(v)", U**2 + V**3),
    ("relu(u)", sympy.Max(0, U)),
    ("neg(u) + inv(v)", -U + 1 / V),
    ("pow(u, 2)", U**2),
    ("max(u, v, 0.5)", sympy.Max(U, V, sympy.Float(0.5))),
    ("min(u, max(u, v))", sympy.Min(U, sympy.Max(U, V), evaluate=False)),
    ("abs(-u)", sympy.Abs(U)),
    ("abs(-2*u)", 2 * sympy.Abs(U)),
    ("exp(u)*tanh(v) + sin(u)", sympy.exp(U) * sympy.tanh(V) + sympy.sin(U)),
    ("sqrt(u) - cos(v)", sympy.sqrt(U) - sympy.cos(V)),
    (" ( u\n+ v )\t", U + V),
    ("v * ((v * u) - 0.09907215)", V * (U * V - sympy.Float(0.09907215))),
    ("1/0", sympy.Float(1 / 1e-9)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), READS, ids=[text for text, _ in READS])
def test_reads(text: str, wanted: sympy.Expr) -> None:
    assert parse_infix(text, ["u", "v"]) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty text"),
        ("u +", "got the end"),
        ("u v", "operator or the end at position 2"),
        ("(u", "'\\)'"),
        ("u)", "an operator or the end"),
        ("u + w", 'unknown name .w. at position 4'),
        ("u_lapp", 'did you mean "u_lap"'),
        ("log(u)", "unknown function .log."),
        ("sine(u)", 'did you mean "sin"'),
        ("tanh(u, v)", "expects 1 arguments, got 2"),
        ("max(u)", "expects at least 2"),
        ("u ^ v", "exponent"),
        ("u ^ 2.5", "exponent"),
        ("u ^ 9", "from -8 to 8"),
        ("9^9^9^9", "from -8 to 8"),
        ("u; import os", "position 1"),
        ("__import__('os')", "unknown function|position"),
        ("u.real", "position 1"),
        ("u[0]", "position 1"),
        ("1e400", "finite"),
        ("1e999999999999", "position|finite"),
        ("9" * 500, "position|1e30"),
        ("u // v", "position 3"),
        ("u, v", "an operator or the end"),
        ("tanh()", "a number, a name"),
        ("é", "position 0"),
    ],
)  # fmt: skip
def test_refuses(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_infix(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000, "-" * 150_000 + "u", "u^" * 60_000 + "u", "sin(" * 30_000, "u+" * 120_000,
        "8^8^" * 1000 + "8", "(" * 79 + "u" + ")" * 79,
    ],
    ids=["brackets", "signs", "powers", "calls", "long", "tower", "allowed"],
)  # fmt: skip
def test_hostile_text_is_quick(text: str) -> None:
    start = time.process_time()
    with contextlib.suppress(InputError):
        parse_infix(text, NAMES)
    assert time.process_time() - start < 3


def test_not_text() -> None:
    with pytest.raises(InputError, match="as text"):
        parse_infix(3, NAMES)  # type: ignore[arg-type]


def test_thousand_terms() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=1000).tolist()
    text = " + ".join(f"{w!r} * tanh({float(k)} * u)" for k, w in enumerate(weights))
    x = np.linspace(-1, 1, 7)
    got = compile_numpy([parse_infix(text, ["u"])], ["u"])(x[None])[0]
    wanted = sum(w * np.tanh(k * x) for k, w in enumerate(weights))
    np.testing.assert_allclose(got, wanted, atol=1e-12)
