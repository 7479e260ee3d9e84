"""Printed forms: code that computes what the interpreter computes, a script that runs, text that can be read."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from equations import models
from equations.errors import InputError
from equations.expressions.infix import parse_infix
from equations.expressions.lowering import FUNCTIONS, LOWERED
from equations.expressions.numeric import compile_numpy, evaluate_tree
from equations.expressions.ops import OPERATORS
from equations.expressions.tree import Tree, canonical, from_tree, to_tree
from equations.printers import formats, print_rule
from equations.printers.code import NUMPY, Dialect, function_source, print_trees
from equations.printers.latex import print_expression as latex
from equations.printers.text import print_expression
from equations.rule.display import formulas_of
from equations.rule.stencils import nca_stencils
from equations.rule.symbols import symbol
from equations.simulation import simulate
from tests.test_equations.helpers import NAMES, features, in_colours, make_rule, trees
from tests.test_equations.test_expressions.test_tree import settled


@given(trees)
@settings(max_examples=200)
def test_numpy_code_equals_the_interpreter_bit_for_bit(tree: Tree) -> None:
    expr = settled(tree)
    for dtype in (np.float64, np.float32):
        values = features((40,), dtype)
        got = compile_numpy([expr, expr], NAMES)(values)
        with np.errstate(all="ignore"):
            wanted = evaluate_tree(to_tree(expr), dict(zip(NAMES, values, strict=True)))
        np.testing.assert_array_equal(got[0], np.broadcast_to(wanted, 40).astype(dtype))
        np.testing.assert_array_equal(got[0], got[1])
        assert got.dtype == dtype


@given(trees)
@settings(max_examples=60)
def test_torch_code_equals_the_interpreter(tree: Tree) -> None:
    torch = pytest.importorskip("torch")
    from equations.backends.torch.trees import compile_torch

    expr = settled(tree)
    values = features((50,))
    got = compile_torch([expr], NAMES)(list(torch.tensor(values)))[0]
    with np.errstate(all="ignore"):
        wanted = np.broadcast_to(evaluate_tree(to_tree(expr), dict(zip(NAMES, values, strict=True))), 50)
    assert got.shape == (50,)
    fine = np.abs(wanted) < 1e8  # sin of a huge number amplifies the last bit
    np.testing.assert_allclose(got.numpy()[fine], wanted[fine], rtol=1e-4, atol=1e-6)


def test_torch_gradients_are_finite_at_the_guards() -> None:
    torch = pytest.importorskip("torch")
    from equations.backends.torch.trees import compile_torch

    x = torch.tensor([-1.0, 0.0, 1e-12, 1.0, 100.0], requires_grad=True)
    for text in ("sqrt(u)", "1/u", "exp(u)", "relu(u)", "abs(u)", "u^-0.5", "max(u, 0.5, -u)"):
        (gradient,) = torch.autograd.grad(compile_torch([parse_infix(text, ["u"])], ["u"])([x])[0].sum(), x)
        assert torch.isfinite(gradient).all(), text


def test_equal_parts_are_computed_once() -> None:
    source = function_source(
        [to_tree(parse_infix(text, NAMES)) for text in ("-0.5*u*v^2", "u*v^2 + sin(u*v^2)")], NAMES, NUMPY
    )
    assert source.count("v4 * v4") == 1


def test_negative_bases_keep_their_sign() -> None:
    run = compile_numpy([parse_infix("u^3 + u^-3", ["u"])], ["u"])
    np.testing.assert_allclose(run(np.array([[-2.0, 2.0]])), [[-8.125, 8.125]])


def test_long_and_deep_expressions_compile() -> None:
    wide = from_tree(["Add", *(["Multiply", float(k + 2), ["Tanh", ["Add", "u", k]]] for k in range(600))])
    deep = symbol("u")
    for k in range(30):
        deep = canonical(from_tree(["Sin", ["Add", ["Abs", to_tree(deep)], k]]))
    got = compile_numpy([wide, deep], ["u"])(np.linspace(-2, 2, 5)[None])
    wanted = [evaluate_tree(to_tree(e), {"u": np.linspace(-2, 2, 5)}) for e in (wide, deep)]
    np.testing.assert_array_equal(got, wanted)


def test_temporaries_avoid_the_names() -> None:
    code = print_trees([["Multiply", ["Sin", "t0"], ["Sin", "t0"]]], NUMPY, {})
    assert code.lines == ("t_0 = np.sin(t0)",)


def test_dialects_must_cover_the_operators() -> None:
    assert {*FUNCTIONS, *LOWERED} - {"Reciprocal"} == set(OPERATORS)
    with pytest.raises(ValueError, match="dialect half"):
        Dialect("half", repr, {"Abs": "abs({0})"})


def test_wrong_names_and_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="uses u_lapp"):
        compile_numpy([symbol("u_lapp")], NAMES)
    with pytest.raises(InputError, match="expected 8 features"):
        compile_numpy([symbol("u")], NAMES)(np.zeros((3, 4)))


@given(trees)
@settings(max_examples=150)
def test_text_reads_back_exactly(tree: Tree) -> None:
    expr = settled(tree)
    text = print_expression(expr).replace("Abs(", "abs(").replace("Max(", "max(").replace("Min(", "min(")
    values = dict(zip(NAMES, features((30,)), strict=True))
    try:
        again = canonical(parse_infix(text, NAMES))
    except InputError as error:  # u**(3/2) is a rule's, but not a regression engine's spelling
        assert "exponent" in str(error)  # noqa: PT017
        return
    with np.errstate(all="ignore"):
        got, wanted = (evaluate_tree(to_tree(e), values) for e in (again, expr))
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


SCRIPTS = {
    "gray-scott": models.get("gray-scott:maze"),
    "masked": make_rule(
        {"u": "-u/v*0.01 + sqrt(u_lap)", "v": "max(u_dx, v, -1) - exp(u)^2*0.1 - 0.2*abs(v_f5)"},
        nca_stencils(6), update_rate=0.4, mask="channel", clamp=(-1.0, 1.0), dt=0.3,
    ),
    "no init": make_rule({"u": "u_lap - 0.1*tanh(u)", "v": "0.5"}, update_rate=0.5, init=None, clamp=(-1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("label", SCRIPTS)
def test_python_script_equals_the_reference(label: str, tmp_path: Path) -> None:
    rule = SCRIPTS[label]
    script = tmp_path / "rule.py"
    script.write_text(print_rule(rule, "python"))
    command = [sys.executable, "-W", "error", str(script), "--steps", "20", "--size", "23", "--seed", "7"]
    done = subprocess.run([*command, "--out", str(tmp_path / "s.npy")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    wanted = simulate(rule, size=23, steps=20, seed=7, backend="reference")[-1]
    np.testing.assert_array_equal(np.load(tmp_path / "s.npy"), wanted)


def test_text_and_csv_and_latex() -> None:
    rule = models.get("gray-scott:coral").replace(update_rate=0.5, clamp=(0, 1))
    text = print_rule(rule, "text")
    assert "du = -u*v**2 - 0.055*u + 0.055 + 0.16*u_lap\n" in text
    assert "clamp(s + 1.0 * mask * ds, 0.0, 1.0)" in text
    rows = list(csv.DictReader(io.StringIO(print_rule(rule, "csv"))))
    assert [(row["channel"], row["terms"]) for row in rows] == [("u", "4"), ("v", "3")]
    assert parse_infix(rows[1]["expression"], rule.feature_names) == rule.updates["v"]
    assert r"0.16 \left(\nabla^2 u\right)" in print_rule(rule, "latex")
    assert r"- u v^{2}" in print_rule(rule, "latex")


def test_text_and_csv_and_latex_of_colours() -> None:
    rule = in_colours(models.get("gray-scott:coral"), "0.5 - u*v^2", "0.1/v", "max(u, -0.5)")
    assert print_rule(rule, "text").startswith(print_rule(rule.replace(display=None), "text"))
    lines = print_rule(rule, "text").splitlines()
    assert lines[-4] == "picture, clipped to [0, 1]:"
    rows = list(csv.DictReader(io.StringIO(print_rule(rule, "csv"))))[2:]
    assert [(row["channel"], row["terms"]) for row in rows] == [
        ("picture red", "2"), ("picture green", "1"), ("picture blue", "1")
    ]  # fmt: skip
    for expr, row, line in zip(formulas_of(rule).values(), rows, lines[-3:], strict=True):
        for text in (row["expression"], line.partition("=")[2]):
            assert canonical(parse_infix(text.replace("Max(", "max("), rule.channels)) == expr
    assert print_rule(rule, "latex").splitlines()[-4:] == [
        r"  \mathrm{red} &= - u v^{2} + 0.5 \\",
        r"  \mathrm{green} &= \frac{0.1}{v} \\",
        r"  \mathrm{blue} &= \max\left(-0.5, u\right)",
        r"\end{aligned}",
    ]


@pytest.mark.parametrize("name", ["gray-scott", "barkley", "oregonator", "swift-hohenberg", "may-leonard"])
def test_text_of_a_rule_has_a_line_for_each_channel_that_reads_back(name: str) -> None:
    rule = models.get(name)
    lines = print_rule(rule, "text").splitlines()
    for channel, line in zip(rule.channels, lines, strict=False):
        head, _, text = line.partition(" = ")
        assert head.strip() == f"d{channel}"
        assert canonical(parse_infix(text, rule.feature_names)) == rule.updates[channel]


def test_latex_of_awkward_names() -> None:
    names = print_rule(make_rule({"h3": "h3_f7*1.5e-8 + h3_dx", "my_c": "h3"}), "latex")
    assert r"h_{3}" in names
    assert r"\mathrm{my\_c}" in names
    assert r"1.5 \cdot 10^{-8}" in names
    assert r"\left(\partial_x h_{3}\right)" in names
    assert latex(symbol("u") ** 2) == "u^{2}"


def test_unknown_format() -> None:
    assert {"text", "latex", "python", "csv"} <= set(formats())
    with pytest.raises(InputError, match='did you mean "latex"'):
        print_rule(models.get("gray-scott"), "latx")
